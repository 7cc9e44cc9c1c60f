/**
 * The progress of the onboarding of an integration (rules.md 33), as numbers and as a message for the banner.
 */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import type { Integration } from '../../db/integrations/integrations';
import { isOnboarding } from '../../domain/onboarding';
import type { OnboardingDataset } from '../../db/sync-runs/onboarding/onboarding-progress';
import { isJobEnded } from '../../domain/sync-runs/sync-run';
import { instant, recordTypeName, toInstantOrNull, typeId } from '../routing/common-schemas';

const dataset = z.object({
  record_type: recordTypeName,
  state: z.enum(['queued', 'running', 'waiting', 'succeeded', 'failed', 'not_supported']),
  records_read: z.int().meta({ example: 1200 }),
  expected_records: z.int().nullable().meta({ description: 'null = the app does not tell.', example: 5000 }),
});
export const onboardingView = z
  .object({
    state: z.enum(['not_needed', 'in_progress', 'complete', 'failed']).meta({
      description: [
        '- `not_needed`: the integration only pushes.',
        '- `in_progress`: the existing records are being imported (initial load).',
        '- `complete`: every dataset is complete, and at least one succeeded.',
        '- `failed`: every dataset failed. The state changes when a later full sync succeeds.',
      ].join('\n'),
    }),
    refuses_changes: z.boolean().meta({
      description:
        'True if changes to these record types are refused with 409 `onboarding_in_progress`. ' +
        'False while the integration is paused.',
    }),
    started_at: instant.nullable(),
    completed_at: instant.nullable(),
    sync_run_id: typeId('run')
      .nullable()
      .meta({ description: 'The sync run that imports them, or the last one that did.' }),
    datasets: z.array(dataset).meta({ description: 'The datasets that linking queued.' }),
    message: z
      .string()
      .nullable()
      .meta({ description: 'The progress as a text for users; null if there is nothing to report.' }),
  })
  .meta({ id: 'Onboarding' });
export type WireOnboarding = z.output<typeof onboardingView>;
type Dataset = z.output<typeof dataset>;

export function toWireOnboarding(
  integration: Integration,
  datasets: readonly OnboardingDataset[],
): WireOnboarding {
  const shown = datasets.map(toWireDataset);
  const state = stateOf(integration);
  const [first] = datasets;
  return {
    state,
    refuses_changes: isOnboarding(integration),
    started_at: toInstantOrNull(integration.onboardingStartedAt),
    completed_at: toInstantOrNull(integration.onboardedAt),
    sync_run_id: first === undefined || first.syncRunId === null ? null : toTypeId('run', first.syncRunId),
    datasets: shown,
    message: messageOf(state, integration, shown),
  };
}

function stateOf({
  onboardingStartedAt,
  onboardedAt,
  onboardingFailedAt,
}: Integration): WireOnboarding['state'] {
  if (onboardingStartedAt === null) return 'not_needed';
  if (onboardedAt !== null) return 'complete';
  return onboardingFailedAt === null ? 'in_progress' : 'failed';
}

/** The state of an active job takes precedence over the result of an earlier one. */
function toWireDataset({
  recordType,
  initialState,
  jobState,
  recordsRead,
  expectedRecords,
}: OnboardingDataset): Dataset {
  const activeState = jobState !== null && !isJobEnded(jobState) ? jobState : null;
  const state = activeState ?? initialState ?? jobState ?? 'queued';
  return {
    record_type: recordType,
    state: state === 'canceled' ? 'failed' : state,
    records_read: recordsRead,
    expected_records: expectedRecords,
  };
}

const UNFINISHED = new Set<Dataset['state']>(['queued', 'running', 'waiting']);

function messageOf(
  state: WireOnboarding['state'],
  { app, pausedAt, needsReauthorizationAt }: Integration,
  datasets: readonly Dataset[],
): string | null {
  if (state === 'not_needed' || state === 'complete') return null;
  if (pausedAt !== null)
    return (
      `${app} is paused. The initial import continues when you resume it. Until then records ` +
      'can be changed.'
    );
  if (needsReauthorizationAt !== null)
    return (
      `${app} rejected the credentials. The initial import continues after you enter new ones. ` +
      'Until then its records cannot be changed.'
    );
  const open = datasets.filter((one) => UNFINISHED.has(one.state));
  if (open.length > 0 && state === 'failed')
    return (
      `The initial import of ${app} has failed and is being retried. Until it succeeds, its ` +
      'records cannot be changed.'
    );
  if (state === 'failed')
    return (
      `The initial import of ${app} has failed. Open its last sync run, fix the error shown ` +
      'there, and start a full sync.'
    );
  if (open.length === 0 && datasets.length > 0)
    return (
      `The initial import of ${app} is incomplete. Start a full sync. Until it succeeds, its ` +
      'records cannot be changed.'
    );
  return (
    `${app} is being imported: ${progressOf(datasets)}. Until the import is done, its ` +
    'records can be viewed but not changed.'
  );
}

function progressOf(datasets: readonly Dataset[]): string {
  const done = datasets.filter(({ state }) => !UNFINISHED.has(state)).length;
  const read = datasets.reduce((sum, one) => sum + one.records_read, 0);
  return (
    `${done} of ${datasets.length} record types done, ${read} ` +
    `${read === 1 ? 'record' : 'records'} so far`
  );
}
