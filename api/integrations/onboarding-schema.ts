/** How far the onboarding of an integration is (rules.md 33), in figures and in words for the banner. */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import type { Integration } from '../../db/integrations/integrations';
import { isOnboarding } from '../../domain/onboarding';
import type { OnboardingDataset } from '../../db/sync-runs/onboarding-progress';
import { isJobEnded } from '../../domain/sync-runs/sync-run';
import { instant, recordTypeName, toInstantOrNull, typeId } from '../routing/common-schemas';

const dataset = z.object({
  record_type: recordTypeName,
  state: z.enum(['queued', 'running', 'waiting', 'succeeded', 'failed', 'not_supported']),
  records_read: z.int().meta({ example: 1200 }),
  expected_records: z
    .int()
    .nullable()
    .meta({ description: 'null = the third party does not say.', example: 5000 }),
});
export const onboardingView = z
  .object({
    state: z.enum(['not_needed', 'in_progress', 'complete', 'failed']).meta({
      description: [
        '- `not_needed`: the integration only pushes.',
        '- `in_progress`: what is there is being read for the first time.',
        '- `complete`: every dataset is complete, and at least one succeeded.',
        '- `failed`: all failed. It stays so until a later full run succeeds.',
      ].join('\n'),
    }),
    refuses_changes: z.boolean().meta({
      description:
        'Changes of these record types are refused (409 `onboarding_in_progress`). Not while the integration is paused.',
    }),
    started_at: instant.nullable(),
    completed_at: instant.nullable(),
    sync_run_id: typeId('run').nullable().meta({ description: 'The run that reads them, or did last.' }),
    datasets: z.array(dataset).meta({ description: 'Those that linking queued.' }),
    message: z
      .string()
      .nullable()
      .meta({ description: 'How it stands, for people; null when there is nothing to say.' }),
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

/** A job that is at work counts before what came of an earlier one. */
function toWireDataset({
  recordType,
  initialState,
  jobState,
  recordsRead,
  expectedRecords,
}: OnboardingDataset): Dataset {
  const atWork = jobState !== null && !isJobEnded(jobState) ? jobState : null;
  const state = atWork ?? initialState ?? jobState ?? 'queued';
  return {
    record_type: recordType,
    state: state === 'canceled' ? 'failed' : state,
    records_read: recordsRead,
    expected_records: expectedRecords,
  };
}

const UNDER_WAY = new Set<Dataset['state']>(['queued', 'running', 'waiting']);

function messageOf(
  state: WireOnboarding['state'],
  { app, pausedAt, needsReauthorizationAt }: Integration,
  datasets: readonly Dataset[],
): string | null {
  if (state === 'not_needed' || state === 'complete') return null;
  if (pausedAt !== null)
    return `${app} is paused: what is there is read when it is resumed. Until then records can be changed.`;
  if (needsReauthorizationAt !== null)
    return `${app} refused the credentials: what is there is read when there are new ones. Until then its records cannot be changed.`;
  const open = datasets.filter((one) => UNDER_WAY.has(one.state));
  if (open.length > 0 && state === 'failed')
    return `Nothing of ${app} could be read so far; it is being tried again. Until then its records cannot be changed.`;
  if (state === 'failed')
    return `Nothing of ${app} could be read. Look at its last sync run, put right what it says, and start a full sync.`;
  if (open.length === 0 && datasets.length > 0)
    return `${app} was not read to the end. Start a full sync: until it succeeds its records cannot be changed.`;
  return `${app} is being read: ${progressOf(datasets)}. Until that is done its records can be looked at but not changed.`;
}

function progressOf(datasets: readonly Dataset[]): string {
  const done = datasets.filter(({ state }) => !UNDER_WAY.has(state)).length;
  const read = datasets.reduce((sum, one) => sum + one.records_read, 0);
  return `${done} of ${datasets.length} record types done, ${read} ${read === 1 ? 'record' : 'records'} so far`;
}
