/** Starts the run that reads what webhooks have named, once it is due. */
import { sql } from 'kysely';
import { pulledRecordTypes } from '../../../domain/records/mapping-directions';
import { INCOMING_QUIET_MS, incomingDueAt } from '../../../domain/sync-runs/incoming-window';
import type { TenantWork } from '../../database';
import { lockIntegration } from '../../integrations/integrations';
import { insertWebhookRun } from '../sync-run-requests';

interface Place {
  integrationId: string;
}

export interface IncomingReads {
  /** When to look again; null = nothing waits. */
  nextDueAt: Date | null;
  /** How many records and record types wait for a run. */
  waiting: number;
}

/**
 * Everything that waits goes to one run, also what is not due yet. While an integration is paused or needs
 * new credentials, nothing waits: the runs after that read what was modified since.
 */
export async function startIncomingReads(work: TenantWork, place: Place): Promise<IncomingReads> {
  const integration = await lockIntegration(work, place);
  const isAtWork =
    integration !== undefined && integration.pausedAt === null && integration.needsReauthorizationAt === null;
  await forget(work, place, isAtWork ? pulledRecordTypes(integration) : []);
  const { waiting, firstAt, lastAt, recordTypes } = await readWaiting(work, place);
  if (firstAt === null || lastAt === null) return { nextDueAt: null, waiting: 0 };
  const dueAt = incomingDueAt(firstAt, lastAt);
  if (dueAt > work.now) return { nextDueAt: dueAt, waiting };
  const queued = await lockQueued(work, place);
  if (queued !== undefined) await addTypes(work, queued, recordTypes);
  const syncRunId = queued?.syncRunId ?? (await insertWebhookRun(work, { ...place, recordTypes }));
  await work.trx
    .updateTable('incomingChanges')
    .set({ syncRunId })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', place.integrationId)
    // A type that was named meanwhile has no job in the run.
    .where('recordType', 'in', recordTypes)
    .where('syncRunId', 'is', null)
    .execute();
  // What was being noted meanwhile may have relied on this look, and sent no message.
  return { nextDueAt: new Date(work.now.getTime() + INCOMING_QUIET_MS), waiting: 0 };
}

/** What no run will read: other record types, and what a run has left that a former release has ended. */
async function forget(
  { trx, tenantId }: TenantWork,
  { integrationId }: Place,
  recordTypes: readonly string[],
): Promise<void> {
  await sql`
    delete from incoming_changes incoming
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and (
      (sync_run_id is null and not record_type = any(${[...recordTypes]}::text[]))
      or (sync_run_id is not null and not exists (
        select from sync_runs run
        where run.tenant_id = ${tenantId} and run.sync_run_id = incoming.sync_run_id
          and run.state in ('queued', 'running', 'waiting'))))`.execute(trx);
}

interface Waiting {
  waiting: number;
  firstAt: Date | null;
  lastAt: Date | null;
  recordTypes: string[];
}

async function readWaiting({ trx, tenantId }: TenantWork, { integrationId }: Place): Promise<Waiting> {
  const { rows } = await sql<Waiting>`
    select count(*)::float8 as waiting, min(first_at) as first_at, max(last_at) as last_at,
      coalesce(array_agg(distinct record_type), '{}') as record_types
    from incoming_changes
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and sync_run_id is null`.execute(trx);
  return rows[0] ?? { waiting: 0, firstAt: null, lastAt: null, recordTypes: [] };
}

/** It has not started, and does not before this transaction ends. */
async function lockQueued(
  { trx, tenantId }: TenantWork,
  { integrationId }: Place,
): Promise<{ syncRunId: string; recordTypes: string[] | null } | undefined> {
  return trx
    .selectFrom('syncRuns')
    .select(['syncRunId', 'recordTypes'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('kind', '=', 'webhook')
    .where('state', '=', 'queued')
    .forUpdate()
    .executeTakeFirst();
}

async function addTypes(
  { trx, tenantId }: TenantWork,
  queued: { syncRunId: string; recordTypes: string[] | null },
  recordTypes: readonly string[],
): Promise<void> {
  if (queued.recordTypes === null) return;
  await trx
    .updateTable('syncRuns')
    .set({ recordTypes: [...new Set([...queued.recordTypes, ...recordTypes])].toSorted() })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', queued.syncRunId)
    .execute();
}
