/**
 * Requests for sync runs (rules.md 30): per integration at most one run is executed and one waits behind it.
 * A request that the current run covers joins it; all wider requests share a single follow-up run.
 */
import { sql } from 'kysely';
import {
  isWider,
  type RunKind,
  type RunRequest,
  type RunScope,
  SCOPE_OF,
  widest,
} from '../../domain/sync-runs/sync-run';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { type Integration, lockIntegration } from '../integrations/integrations';
import { enqueue } from '../platform/outbox';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { appendStreamEvent } from '../platform/change-feed';

export interface NewRun {
  integrationId: string;
  kind: RunKind;
  /** null = all record types that the integration pulls. */
  recordTypes?: readonly string[] | null;
  /** The requester: `key:payroll`, `schedule:hourly`, `sign_in:ana`, `syncline`. */
  startedBy: string;
  /** The schedule date of a nightly run. */
  localDate?: string | null;
  /** The current run does not count, whatever it reads: it started under another mapping, for example. */
  mustFollow?: boolean;
  /** A person waits for it: it comes before scheduled work, and so does the run that it joins. */
  isAwaited?: boolean;
}

export interface RequestedRun {
  syncRunId: string;
  /** True if an existing run covers the request. */
  isCoalesced: boolean;
}

interface OpenRun extends RunRequest {
  syncRunId: string;
  kind: RunKind;
  state: 'queued' | 'running' | 'waiting';
  scope: RunScope;
  /** Canceled: it covers no request any more. */
  cancelRequestedAt: Date | null;
}

/** @returns undefined if the integration is deleted or pulls nothing. Locks the integration's row. */
export async function requestSyncRun(work: TenantWork, asked: NewRun): Promise<RequestedRun | undefined> {
  const integration = await lockIntegration(work, asked);
  if (integration === undefined || !hasWork(integration, asked)) return undefined;
  const open = await findOpenRuns(work, asked);
  const request: RunRequest = { scope: SCOPE_OF[asked.kind], recordTypes: asked.recordTypes ?? null };

  const atWork = open.find(({ state }) => state !== 'queued');
  if (
    atWork?.cancelRequestedAt === null &&
    atWork.kind !== 'sync_now' &&
    asked.mustFollow !== true &&
    !isWider(request, atWork)
  ) {
    await addPurpose(work, atWork, asked);
    return { syncRunId: atWork.syncRunId, isCoalesced: true };
  }
  const queued = open.find(({ state }) => state === 'queued');
  if (queued !== undefined) {
    if (isWider(request, queued)) await widen(work, queued, request, asked);
    await addPurpose(work, queued, asked);
    return { syncRunId: queued.syncRunId, isCoalesced: true };
  }
  return {
    syncRunId: await insertRun(work, { asked, request, follows: atWork?.syncRunId ?? null }),
    isCoalesced: false,
  };
}

/** Nightly runs verify what is only pushed; the others have nothing to do then. */
const hasWork = (integration: Pick<Integration, 'recordTypes'>, { kind }: NewRun): boolean =>
  pulledRecordTypes(integration).length > 0 ||
  (kind === 'nightly' && Object.keys(integration.recordTypes).length > 0);

/** The current or waiting run, for requesters that must not add one (schedules). */
export async function findOpenRuns(work: TenantWork, place: { integrationId: string }): Promise<OpenRun[]> {
  // A waiting Sync Now covers no other request: it may read only what was reviewed, and it pushes too. A run
  // for webhooks reads only what they named.
  return (await findUnfinishedRuns(work, place)).filter(
    ({ kind, state }) => kind !== 'webhook' && (kind !== 'sync_now' || state !== 'queued'),
  );
}

/** All current and waiting runs. */
export async function findUnfinishedRuns(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<OpenRun[]> {
  const rows = await trx
    .selectFrom('syncRuns')
    .select(['syncRunId', 'kind', 'state', 'scope', 'recordTypes', 'cancelRequestedAt'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('state', 'in', ['queued', 'running', 'waiting'])
    .execute();
  return rows as OpenRun[];
}

/** Signals the workflow of the integration's runs to re-read the rows. */
export async function enqueueSyncRuns(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<void> {
  await enqueue(work, { topic: 'sync_run', integrationId, nextDueAt: work.now });
}

/**
 * What waits for its next attempt is tried at once, as often and as long as at first: the cause may be
 * corrected. The caller enqueues the runs.
 */
export async function retryWaitingJobs(
  { trx, tenantId, now }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<void> {
  await sql`
    update sync_jobs job set waiting_until = ${now}, failing_since = null, attempts = 0, updated_at = ${now}
    from sync_runs run
    where run.tenant_id = ${tenantId} and run.integration_id = ${integrationId}
      and run.state in ('queued', 'running', 'waiting')
      and job.tenant_id = run.tenant_id and job.sync_run_id = run.sync_run_id
      and job.state = 'waiting' and job.waiting_reason in ('retry', 'outage')`.execute(trx);
}

async function addPurpose(
  { trx, tenantId }: TenantWork,
  { syncRunId }: OpenRun,
  { kind, isAwaited = false }: NewRun,
): Promise<void> {
  await sql`
    update sync_runs set
      stands_for = case when ${kind} = any(stands_for) then stands_for else stands_for || ${kind}::text end,
      is_awaited = is_awaited or ${isAwaited}
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId}
      and (not ${kind} = any(stands_for) or (${isAwaited} and not is_awaited))`.execute(trx);
}

async function widen(
  { trx, tenantId }: TenantWork,
  queued: OpenRun,
  request: RunRequest,
  { kind }: NewRun,
): Promise<void> {
  const { scope, recordTypes } = widest(request, queued);
  await trx
    .updateTable('syncRuns')
    .set({
      scope,
      recordTypes: recordTypes === null ? null : [...recordTypes],
      ...(scope === queued.scope ? {} : { kind: SCOPE_OF[kind] === scope ? kind : 'full' }),
    })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', queued.syncRunId)
    .execute();
}

async function insertRun(
  work: TenantWork,
  { asked, request, follows }: { asked: NewRun; request: RunRequest; follows: string | null },
): Promise<string> {
  const syncRunId = newUuid();
  await insertRunRow(work, { syncRunId, overviewId: null, asked, request, follows });
  return syncRunId;
}

/** A run that pulls and pushes: everything, or what an overview showed. */
export async function insertSyncNow(
  work: TenantWork,
  {
    syncRunId,
    integrationId,
    overviewId,
    startedBy,
  }: { syncRunId: string; integrationId: string; overviewId: string | null; startedBy: string },
): Promise<void> {
  const request: RunRequest = { scope: 'full', recordTypes: null };
  await insertRunRow(work, {
    syncRunId,
    overviewId,
    asked: { integrationId, kind: 'sync_now', startedBy },
    request,
    follows: null,
  });
}

/** A run that reads the records that webhooks have named. */
export async function insertWebhookRun(
  work: TenantWork,
  { integrationId, recordTypes }: { integrationId: string; recordTypes: string[] },
): Promise<string> {
  const asked = { integrationId, kind: 'webhook', recordTypes, startedBy: 'syncline' } as const;
  const request: RunRequest = { scope: SCOPE_OF.webhook, recordTypes };
  return insertRun(work, { asked, request, follows: null });
}

async function insertRunRow(
  work: TenantWork,
  {
    syncRunId,
    overviewId,
    asked,
    request,
    follows,
  }: {
    syncRunId: string;
    overviewId: string | null;
    asked: NewRun;
    request: RunRequest;
    follows: string | null;
  },
): Promise<void> {
  const { trx, tenantId, now } = work;
  await trx
    .insertInto('syncRuns')
    .values({
      tenantId,
      syncRunId,
      integrationId: asked.integrationId,
      kind: asked.kind,
      standsFor: [asked.kind],
      isAwaited: asked.isAwaited ?? false,
      scope: request.scope,
      recordTypes: request.recordTypes === null ? null : [...request.recordTypes],
      startedBy: asked.startedBy,
      localDate: asked.localDate ?? null,
      followsSyncRunId: follows,
      overviewId,
      requestedAt: now,
      startedAt: null,
      finishedAt: null,
      cancelRequestedAt: null,
      canceledBy: null,
      state: 'queued',
    })
    .execute();
  await enqueueSyncRuns(work, asked);
  await appendStreamEvent(work, {
    topic: 'sync_runs',
    body: { integration_id: asked.integrationId, sync_run_id: syncRunId },
  });
}
