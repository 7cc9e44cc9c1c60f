/**
 * Records that webhooks have named, until a run has read them. A webhook is a hint: its content is never
 * stored, and what a run could not read is left to the next incremental or full run.
 */
import { createHash } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { INCOMING_QUIET_MS } from '../../../domain/sync-runs/incoming-window';
import type { TenantWork } from '../../database';
import { enqueue } from '../../platform/outbox';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import { inIndexOrder } from '../../sql/index-order';
import type { IncomingChangesTable } from '../../tables/incoming';

/** `remoteId`: null = the third party did not say which record of the type it was. */
export interface IncomingChange {
  recordType: string;
  remoteId: string | null;
}

interface Place {
  integrationId: string;
}

/** About so many records of an integration wait at most. Beyond that, whole record types are read instead. */
const WAITING_MAX = 5_000;
/** A count reads all waiting records, so only about one new record in so many is counted. */
const RECORDS_PER_COUNT = 100;
/** Waits for the whole record type. */
const WHOLE_TYPE = '';
/** A change that arrived so recently is still quiet, so its message is under way. */
const MESSAGE_UNDER_WAY_MS = INCOMING_QUIET_MS - 1_000;

/** A record, or a whole record type. */
type Named = Pick<Selectable<IncomingChangesTable>, 'recordType' | 'remoteId'>;

/** Adds each record once, however often it is named, and not if its whole record type waits already. */
export async function addIncomingChanges(
  work: TenantWork,
  { integrationId, changes }: Place & { changes: readonly IncomingChange[] },
): Promise<void> {
  if (changes.length === 0) return;
  const { trx, tenantId, now } = work;
  const place = { integrationId };
  const named = changes.map(({ recordType, remoteId }) => ({ recordType, remoteId: remoteId ?? WHOLE_TYPE }));
  const waiting = await findWaiting(work, place, [...named, ...named.map(wholeOf)]);
  const isWaiting = (one: Named) => waiting.has(keyOf(one));
  const fresh = new Set(named.filter((one) => !isWaiting(one) && !isWaiting(wholeOf(one))).map(keyOf));
  const needsMessage = fresh.size > 0 && !(await hasRecent(work, place));
  const isCounted = fresh.size >= RECORDS_PER_COUNT || [...fresh].some(isSampled);
  const isFull = isCounted && (await countWaiting(work, place)) >= WAITING_MAX;
  const rows = rowsOf(named.map((one) => (isFull || isWaiting(wholeOf(one)) ? wholeOf(one) : one)));
  await sql`
    insert into incoming_changes as known (tenant_id, integration_id, record_type, remote_id, first_at, last_at)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_type, remote_id, ${now}::timestamptz, ${now}::timestamptz
    from ${rowsFrom(rows, COLUMNS)}
    on conflict (tenant_id, integration_id, record_type, remote_id) do update set
      first_at = case when known.sync_run_id is null then known.first_at else excluded.first_at end,
      last_at = greatest(known.last_at, excluded.last_at),
      sync_run_id = null`.execute(trx);
  if (!needsMessage) return;
  const nextDueAt = new Date(now.getTime() + INCOMING_QUIET_MS);
  await enqueue(work, { topic: 'incoming_changes', integrationId, nextDueAt });
}

const wholeOf = ({ recordType }: Named): Named => ({ recordType, remoteId: WHOLE_TYPE });
const keyOf = ({ recordType, remoteId }: Named): string => JSON.stringify([recordType, remoteId]);
/** True for about one key in `RECORDS_PER_COUNT`. */
const isSampled = (key: string): boolean =>
  createHash('sha256').update(key).digest().readUInt32BE() % RECORDS_PER_COUNT === 0;
const COLUMNS = 'record_type text, remote_id text';

/** Each record once, always in the same order, so that two transactions cannot deadlock. */
const rowsOf = (named: readonly Named[]): object[] =>
  [...new Map(named.map((one) => [keyOf(one), one]))]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { recordType, remoteId }]) => ({ record_type: recordType, remote_id: remoteId }));

/**
 * The keys (`keyOf`) of those that wait already and that no run has taken. Found by key: with a plain
 * `is null` the planner would read all that wait.
 */
async function findWaiting(
  { trx, tenantId }: TenantWork,
  { integrationId }: Place,
  named: readonly Named[],
): Promise<Set<string>> {
  const { rows } = await sql<Named>`
    select row.record_type, row.remote_id from ${rowsFrom(rowsOf(named), COLUMNS)} cross join lateral (
      select from incoming_changes
      where tenant_id = ${tenantId} and integration_id = ${integrationId}
        and record_type = row.record_type and remote_id = row.remote_id
        and coalesce(sync_run_id is null, false) limit 1) waiting`.execute(trx);
  return new Set(rows.map(keyOf));
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

async function hasRecent(work: TenantWork, { integrationId }: Place): Promise<boolean> {
  const newest = sql<{ firstAt: Date }>`
    select first_at from incoming_changes
    where tenant_id = ${opaqueToPlanner(work.tenantId)} and integration_id = ${integrationId}
      and sync_run_id is null
    order by first_at desc limit 1`;
  const { rows } = await inIndexOrder(work, () => newest.execute(work.trx));
  const [row] = rows;
  return row !== undefined && row.firstAt.getTime() > work.now.getTime() - MESSAGE_UNDER_WAY_MS;
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
