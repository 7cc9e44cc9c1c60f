/**
 * Records that webhooks have named, until a run has read them. A webhook is a hint: its content is never
 * stored, and what a run could not read is left to the next incremental or full run.
 */
import { sql } from 'kysely';
import { INCOMING_QUIET_MS } from '../../../domain/sync-runs/incoming-window';
import type { TenantWork } from '../../database';
import { enqueue } from '../../platform/outbox';
import { rowsFrom } from '../../sql/bulk-rows';

/** `remoteId`: null = the third party did not say which record of the type it was. */
export interface IncomingChange {
  recordType: string;
  remoteId: string | null;
}

interface Place {
  integrationId: string;
}

/** So many of an integration wait at most. Beyond that, whole record types are read instead. */
const WAITING_MAX = 5_000;
/** Waits for the whole record type. */
const WHOLE_TYPE = '';
/** A change that arrived so recently is still quiet, so its message is under way. */
const MESSAGE_UNDER_WAY_MS = INCOMING_QUIET_MS - 1_000;

/** Once per record, however often it is named. */
export async function addIncomingChanges(
  work: TenantWork,
  { integrationId, changes }: Place & { changes: readonly IncomingChange[] },
): Promise<void> {
  if (changes.length === 0) return;
  const { trx, tenantId, now } = work;
  const isFull = (await countWaiting(work, { integrationId })) >= WAITING_MAX;
  const keys = new Set(
    changes.map(({ recordType, remoteId }) =>
      JSON.stringify([recordType, isFull ? WHOLE_TYPE : (remoteId ?? WHOLE_TYPE)]),
    ),
  );
  const rows = [...keys].toSorted().map((key) => {
    const [record_type, remote_id] = JSON.parse(key) as [string, string];
    return { record_type, remote_id };
  });
  const isUnderWay = await hasRecent(work, { integrationId });
  await sql`
    insert into incoming_changes as known (tenant_id, integration_id, record_type, remote_id, first_at, last_at)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_type, remote_id, ${now}::timestamptz, ${now}::timestamptz
    from ${rowsFrom(rows, 'record_type text, remote_id text')}
    on conflict (tenant_id, integration_id, record_type, remote_id) do update set
      first_at = case when known.sync_run_id is null then known.first_at else excluded.first_at end,
      last_at = greatest(known.last_at, excluded.last_at),
      sync_run_id = null`.execute(trx);
  if (isUnderWay) return;
  const nextDueAt = new Date(now.getTime() + INCOMING_QUIET_MS);
  await enqueue(work, { topic: 'incoming_changes', integrationId, nextDueAt });
}

async function countWaiting({ trx, tenantId }: TenantWork, { integrationId }: Place): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::float8 as count from (
      select from incoming_changes
      where tenant_id = ${tenantId} and integration_id = ${integrationId} limit ${WAITING_MAX}) waiting`.execute(
    trx,
  );
  return rows[0]?.count ?? 0;
}

async function hasRecent({ trx, tenantId, now }: TenantWork, { integrationId }: Place): Promise<boolean> {
  const row = await trx
    .selectFrom('incomingChanges')
    .select('firstAt')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('syncRunId', 'is', null)
    .where('firstAt', '>', new Date(now.getTime() - MESSAGE_UNDER_WAY_MS))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export interface NamedRecords {
  remoteIds: string[];
  /** Pass it to get the next ones; null = these were the last. */
  next: string | null;
}

/** What a run has to read of a record type, in the order of their ids. */
export async function readNamedRecords(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    syncRunId,
    recordType,
    after,
    limit,
  }: Place & { syncRunId: string; recordType: string; after: string; limit: number },
): Promise<NamedRecords> {
  const { rows } = await sql<{ remoteId: string }>`
    select remote_id from incoming_changes
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
      and sync_run_id = ${syncRunId} and remote_id > ${after}
    order by remote_id limit ${limit + 1}`.execute(trx);
  const remoteIds = rows.slice(0, limit).map(({ remoteId }) => remoteId);
  return { remoteIds, next: rows.length > limit ? (remoteIds.at(-1) ?? null) : null };
}

/** The run has to read what was modified in the record type, not only the named records. */
export async function isWholeTypeNamed(
  { trx, tenantId }: TenantWork,
  { integrationId, syncRunId, recordType }: Place & { syncRunId: string; recordType: string },
): Promise<boolean> {
  const row = await trx
    .selectFrom('incomingChanges')
    .select('remoteId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .where('remoteId', '=', WHOLE_TYPE)
    .where('syncRunId', '=', syncRunId)
    .executeTakeFirst();
  return row !== undefined;
}

/** They were read. One that was named again meanwhile no longer belongs to the run, and stays. */
export async function endNamedRecords(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    syncRunId,
    recordType,
    remoteIds,
  }: Place & { syncRunId: string; recordType: string; remoteIds: readonly string[] },
): Promise<void> {
  if (remoteIds.length === 0) return;
  await trx
    .deleteFrom('incomingChanges')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .where('remoteId', 'in', [...remoteIds])
    .where('syncRunId', '=', syncRunId)
    .execute();
}

/** What a run leaves at its end: whole record types, and records that it could not read. */
export async function forgetNamedRecords(
  { trx, tenantId }: TenantWork,
  { integrationId, syncRunId }: Place & { syncRunId: string },
): Promise<void> {
  await trx
    .deleteFrom('incomingChanges')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('syncRunId', '=', syncRunId)
    .execute();
}
