/**
 * The onboarding lock (rules.md 33): from linking until every initial dataset is complete and at least one
 * succeeded, changes to the pulled record types are refused. If all failed, the lock stays until a later full
 * pass succeeds. Pausing or deleting the integration lifts it; a push-only integration has none. Metadata is
 * never a condition (rules.md 57).
 */
import { type Selectable, sql } from 'kysely';
import { toTypeId } from '../../sql/ids';
import { isJobEnded, type JobState } from '../../../domain/sync-runs/sync-run';
import type { TenantWork } from '../../database';
import { queueEmail } from '../../notifications/emails';
import { findIntegration, type Integration } from '../../integrations/integrations';
import { emailAtOnce } from '../../notifications/email-decision';
import { resolveNotification, notifyAdmins } from '../../notifications/notifications';
import { enqueuePush } from '../../platform/outbox';
import { directionOfJob } from '../../../domain/overviews/overview';
import { pullsType } from '../../../domain/records/mapping-directions';
import { appendStreamEvent } from '../../platform/change-feed';
import { METADATA_JOB, type SyncJobsTable } from '../../tables/pull';
import type { SyncRunsTable } from '../../tables/sync-runs';
import { listSyncDatasets, type SyncDataset } from '../sync-datasets';
import { findTenant } from '../../tenants/tenants';

type InitialState = NonNullable<SyncDataset['initialState']>;

interface RunEnd {
  run: Selectable<SyncRunsTable>;
  integration: Integration;
  datasets: readonly SyncDataset[];
  jobs: readonly Selectable<SyncJobsTable>[];
}

/**
 * Records the state of the initial datasets after a full pass, then lifts the lock or reports that all
 * failed.
 */
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
  // Canceled before it started: the datasets stay unread until a run is requested.
  if (run.kind === 'onboarding' && run.state === 'canceled' && jobs.length === 0)
    for (const [recordType, state] of states) states.set(recordType, state ?? 'failed');
  if ([...states.values()].includes(null)) return;
  if ([...states.values()].includes('succeeded'))
    await liftOnboardingLock(work, integration, states, datasets);
  else await notifyAllFailed(work, integration, states, datasets);
}

/**
 * As soon as the last dataset of a run has ended, although its metadata may still be retried: metadata is
 * never a condition of the lock (rules.md 57).
 */
export async function updateOnboardingDuring(
  work: TenantWork,
  run: RunEnd['run'],
  jobs: RunEnd['jobs'],
): Promise<void> {
  const read = datasetJobsOf(jobs);
  if (run.scope !== 'full' || read.length === 0 || !read.every(({ state }) => isJobEnded(state))) return;
  const integration = await findIntegration(work, run);
  if (integration === undefined || integration.onboardedAt !== null) return;
  const datasets = await listSyncDatasets(work, run);
  await updateOnboarding(work, { run, integration, datasets, jobs: read });
}

/** The jobs that read records: neither metadata nor pushes. */
export function datasetJobsOf<Job extends { recordType: string }>(jobs: readonly Job[]): Job[] {
  return jobs.filter(
    ({ recordType }) => recordType !== METADATA_JOB && directionOfJob(recordType).direction === 'pull',
  );
}

/** A dataset that is no longer mapped is ignored; if no initial one is left, later ones count instead. */
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

/** Records how one dataset ended while its run continues. No effect once the lock is lifted. */
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
      // Record types in both directions are pushed only now that remote records are matched (rules.md 17).
      ...(integration.initialPush === 'all' && pushesWhatItPulls(integration)
        ? { backfillReason: 'initial' as const, backfillCursor: null }
        : {}),
    })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await enqueuePush(work, { integrationId, nextDueAt: work.now });
  await resolveNotification(work, { integrationId, kind: 'onboarding_failed', now: work.now });
  await notifyAboutOnboarding(work, {
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
  const isFirstFailure = integration.onboardingFailedAt === null;
  await work.trx
    .updateTable('integrations')
    .set({ onboardingFailedAt: work.now })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integration.integrationId)
    .execute();
  const detail =
    `${integration.app}: no record type could be read. ` +
    'Fix the errors of its last sync run, then start a full sync.';
  if (isFirstFailure)
    await notifyAboutOnboarding(work, { integration, states, datasets, kind: 'onboarding_failed', detail });
}

/** Notifies admins in the console and sends an e-mail at once, even if the notification has been viewed. */
async function notifyAboutOnboarding(
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
