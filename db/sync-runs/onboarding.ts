/**
 * The onboarding gate (rules.md 33): from linking until every initial dataset is complete and at least one succeeded, changes of the
 * record types that an integration pulls are refused. All failed: the gate stays until a later full pass succeeds. Pausing or
 * deleting the integration lifts it; an integration that only pushes has none.
 */
import { type Selectable, sql } from 'kysely';
import { toTypeId } from '../sql/ids';
import { isJobEnded, type JobState } from '../../domain/sync-runs/sync-run';
import type { TenantWork } from '../database';
import { queueEmail } from '../notifications/emails';
import type { Integration } from '../integrations/integrations';
import { emailAtOnce } from '../notifications/notification-recipients';
import { resolveNotification, notifyAdmins } from '../notifications/notifications';
import { enqueuePush } from '../platform/outbox';
import { pullsType } from '../../domain/records/mapping-directions';
import { appendStreamEvent } from '../platform/change-feed';
import type { SyncJobsTable } from '../tables/pull';
import type { SyncRunsTable } from '../tables/sync-runs';
import type { SyncDataset } from './sync-datasets';
import { findTenant } from '../tenants/tenants';

type InitialState = NonNullable<SyncDataset['initialState']>;

interface RunEnd {
  run: Selectable<SyncRunsTable>;
  integration: Integration;
  datasets: readonly SyncDataset[];
  jobs: readonly Selectable<SyncJobsTable>[];
}

/** Notes how the initial datasets stand after a full pass, and lifts the gate or says that all failed. */
export async function updateOnboarding(
  work: TenantWork,
  { run, integration, datasets, jobs }: RunEnd,
): Promise<void> {
  if (integration.onboardingStartedAt === null || integration.onboardedAt !== null || run.scope !== 'full')
    return;
  const initial = initialDatasets(integration, datasets);
  const states = new Map<string, InitialState | null>(
    initial.map(({ recordType, initialState }) => [recordType, initialState]),
  );
  for (const { recordType, state } of jobs) {
    const initialState = initialStateOf(state);
    if (!states.has(recordType) || initialState === null) continue;
    states.set(recordType, initialState);
    await saveInitialState(work, { integrationId: integration.integrationId, recordType, initialState });
  }
  // Canceled before it began: nobody reads them until somebody asks for it.
  if (run.kind === 'onboarding' && run.state === 'canceled' && jobs.length === 0)
    for (const [recordType, state] of states) states.set(recordType, state ?? 'failed');
  if ([...states.values()].includes(null)) return;
  if ([...states.values()].includes('succeeded'))
    await liftOnboardingLock(work, integration, states, datasets);
  else await notifyAllFailed(work, integration, states, datasets);
}

/** One that is no longer read holds up nobody; where none of the first ones is left, those that came later stand in for them. */
export function initialDatasets<Dataset extends { recordType: string; isInitial: boolean }>(
  { recordTypes }: Pick<Integration, 'recordTypes'>,
  datasets: readonly Dataset[],
): Dataset[] {
  const read = datasets.filter(({ recordType }) => pullsType(recordTypes[recordType]));
  return read.some(({ isInitial }) => isInitial) ? read.filter(({ isInitial }) => isInitial) : read;
}

function initialStateOf(state: JobState): InitialState | null {
  if (!isJobEnded(state)) return null;
  return state === 'canceled' || state === 'failed'
    ? 'failed'
    : state === 'not_supported'
      ? 'not_supported'
      : 'succeeded';
}

/** Notes how one dataset ended while its run goes on; nothing once the gate is up. */
export async function recordInitialJob(
  { trx, tenantId }: TenantWork,
  {
    run,
    recordType,
    state,
  }: { run: Pick<Selectable<SyncRunsTable>, 'integrationId' | 'scope'>; recordType: string; state: JobState },
): Promise<void> {
  const initialState = initialStateOf(state);
  if (run.scope !== 'full' || initialState === null) return;
  await sql`
    update sync_datasets dataset set initial_state = ${initialState} from integrations integration
    where dataset.tenant_id = ${tenantId} and dataset.integration_id = ${run.integrationId} and dataset.record_type = ${recordType} and dataset.is_initial
      and integration.tenant_id = ${tenantId} and integration.integration_id = ${run.integrationId}
      and integration.onboarding_started_at is not null and integration.onboarded_at is null`.execute(trx);
}

async function liftOnboardingLock(
  work: TenantWork,
  integration: Integration,
  states: Map<string, InitialState | null>,
  datasets: readonly SyncDataset[],
): Promise<void> {
  const { integrationId } = integration;
  await work.trx
    .updateTable('integrations')
    .set({
      onboardedAt: work.now,
      onboardingFailedAt: null,
      // What is synced both ways is pushed only now that theirs is here and matched (rules.md 17).
      ...(integration.initialPush === 'all' && pushesWhatItPulls(integration)
        ? { backfillReason: 'initial' as const, backfillCursor: null }
        : {}),
    })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await enqueuePush(work, { integrationId, nextDueAt: work.now });
  await resolveNotification(work, { integrationId, kind: 'onboarding_failed', now: work.now });
  await tell(work, {
    integration,
    states,
    datasets,
    kind: 'onboarding_complete',
    detail: `${integration.app} is onboarded: its records can be changed now.`,
  });
}

async function notifyAllFailed(
  work: TenantWork,
  integration: Integration,
  states: Map<string, InitialState | null>,
  datasets: readonly SyncDataset[],
): Promise<void> {
  const isNews = integration.onboardingFailedAt === null;
  await work.trx
    .updateTable('integrations')
    .set({ onboardingFailedAt: work.now })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integration.integrationId)
    .execute();
  const detail = `Nothing of ${integration.app} could be read. Look at its last sync run, put right what it says, and start a full sync.`;
  if (isNews) await tell(work, { integration, states, datasets, kind: 'onboarding_failed', detail });
}

/** In the platform and by e-mail, at once, viewed or not. */
async function tell(
  work: TenantWork,
  {
    integration,
    states,
    datasets,
    kind,
    detail,
  }: {
    integration: Integration;
    states: Map<string, InitialState | null>;
    datasets: readonly SyncDataset[];
    kind: 'onboarding_complete' | 'onboarding_failed';
    detail: string;
  },
): Promise<void> {
  const { integrationId, app, accountName } = integration;
  const recipients = await notifyAdmins(work, { integrationId, kind, detail });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  const address = (await findTenant(work))?.contactEmail ?? null;
  const content = {
    integration_id: toTypeId('int', integrationId),
    app,
    account_name: accountName,
    datasets: [...states].flatMap(([recordType, state]) =>
      state === null
        ? []
        : [
            {
              record_type: recordType,
              state,
              records: datasets.find((dataset) => dataset.recordType === recordType)?.localTotal ?? 0,
            },
          ],
    ),
  };
  const contact =
    address === null
      ? null
      : { address, emailId: await queueEmail(work, { kind, recipient: address, content }) };
  await emailAtOnce(work, recipients, { kind, content, alreadySent: contact });
}

function pushesWhatItPulls({ recordTypes }: Integration): boolean {
  return Object.values(recordTypes).some(({ direction }) => direction === 'both');
}

async function saveInitialState(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    recordType,
    initialState,
  }: { integrationId: string; recordType: string; initialState: InitialState },
): Promise<void> {
  await trx
    .updateTable('syncDatasets')
    .set({ initialState })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .execute();
}
