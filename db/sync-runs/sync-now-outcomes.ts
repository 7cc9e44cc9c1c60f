/**
 * What became of the pushes that a Sync Now made due (rules.md 22): pushed in that version or a later one, or
 * the record sync is gone, held or discarded (then no end is foreseeable).
 */
import { sql } from 'kysely';
import { pushJobOf } from '../../domain/overviews/overview';
import type { TenantWork } from '../database';
import type { RecordError } from '../pull/page';
import { addRecordErrors } from '../pull/record-errors';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { FIRST_ID } from '../sql/ids';
import { inIndexOrder } from '../sql/index-order';

/** Why a push of a Sync Now was not sent. */
export const UNSENT = {
  sync_failed: 'The third party rejected the record. The record shows the errors.',
  held: 'The record is held. Release it to push it.',
  waits: 'The record waits for another one, whose sync failed or is held.',
  discarded: 'The change was discarded, so it was not pushed.',
} as const;

const isUnsent = (code: string): code is keyof typeof UNSENT => code in UNSENT;

interface Followed {
  syncRunId: string;
  recordType: string;
}

/** `after`: a record id. */
interface Look {
  after: string;
  limit: number;
}

/**
 * Looks at some of the pushes that have not ended yet: those behind `after`, and the first ones if there are
 * fewer. @returns how many it recorded, and `after` for the next look; null if all pushes have ended.
 */
export async function recordPushOutcomes(
  work: TenantWork,
  followed: Followed,
  { integrationId }: { integrationId: string },
  { after, limit }: Look,
): Promise<{ ended: number; after: string | null }> {
  const open = await listOpen(work, followed, { after, limit });
  // The first ones are all that is left, if they are fewer than the limit.
  const first =
    after === FIRST_ID || open.length === limit
      ? open
      : await listOpen(work, followed, { after: FIRST_ID, limit });
  const recordIds = [...new Set([...open, ...first])];
  const ended = await findEnded(work, followed, { integrationId, recordIds });
  const recorded = await recordEnded(work, followed, ended);
  const isLast = ended.length === recordIds.length && first.length < limit;
  return {
    ended: recorded,
    after: open.length === limit ? (open.at(-1) as string) : isLast ? null : FIRST_ID,
  };
}

async function listOpen(
  work: TenantWork,
  { syncRunId, recordType }: Followed,
  { after, limit }: Look,
): Promise<string[]> {
  const open = sql<{ recordId: string }>`
    select record_id from sync_run_pushes
    where tenant_id = ${opaqueToPlanner(work.tenantId)} and sync_run_id = ${opaqueToPlanner(syncRunId)}
      and record_type = ${recordType} and outcome is null and record_id > ${after}
    order by record_id limit ${limit}`;
  const { rows } = await inIndexOrder(work, () => open.execute(work.trx));
  return rows.map(({ recordId }) => recordId);
}

interface EndedPush {
  recordId: string;
  /** null = the record is being erased, or was. */
  externalId: string | null;
  outcome: 'synced' | 'sync_failed' | 'left';
  stopped: 'held' | 'discarded' | 'waits' | null;
}

async function findEnded(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: Followed,
  { integrationId, recordIds }: { integrationId: string; recordIds: readonly string[] },
): Promise<EndedPush[]> {
  const tenant = opaqueToPlanner(tenantId);
  const integration = opaqueToPlanner(integrationId);
  const { rows } = await sql<EndedPush>`
    select *, case when stopped is not null then 'left' else result end as outcome from (
      select asked.record_id, record.external_id,
        case when record_sync.record_id is null then 'left'
          when push.result = 'succeeded' or record_sync.result_status = 'synced' then 'synced'
          when record_sync.result_status = 'sync_failed' then 'sync_failed' else 'left' end as result,
        case when push.is_last then null when record_sync.discarded_at >= asked.made_due_at then 'discarded'
          when record_sync.held_at is not null then 'held' when waits.in_vain then 'waits' end as stopped
      from unnest(${recordIds}::uuid[]) as wanted(record_id)
      cross join lateral (
        select record_id, version, made_due_at from sync_run_pushes
        where tenant_id = ${tenant} and sync_run_id = ${opaqueToPlanner(syncRunId)}
          and record_type = ${recordType} and record_id = wanted.record_id limit 1) asked
      left join lateral (
        select external_id from records
        where tenant_id = ${tenant} and record_id = asked.record_id and changed_by <> 'erasure' limit 1) record
        on true
      left join lateral (
        select * from record_syncs
        where tenant_id = ${tenant} and integration_id = ${integration} and record_id = asked.record_id
        limit 1) record_sync on true
      left join lateral (
        select result, finished_at is not null and started_at >= asked.made_due_at
          and record_version >= asked.version as is_last
        from pushes where tenant_id = ${tenant} and push_id = record_sync.last_push_id limit 1) push on true
      left join lateral (
        select true as in_vain from push_references awaited
        cross join lateral (
          select status, held_at from record_syncs
          where tenant_id = ${tenant} and integration_id = ${integration} and record_id = awaited.target_id
          limit 1) target
        where awaited.tenant_id = ${tenant} and awaited.integration_id = ${integration}
          and awaited.record_id = asked.record_id and awaited.state in ('waiting', 'left_out')
          and awaited.waits_until = record_sync.due_at
          and (target.status = 'sync_failed' or target.held_at is not null) limit 1) waits on true
      where record_sync.record_id is null
        or (record_sync.push_id is null and record_sync.lease_until is null
          and (record_sync.window_opened_at is null or record_sync.held_at is not null
            or waits.in_vain or push.is_last))) ended`.execute(trx);
  return rows;
}

/** @returns how many. */
async function recordEnded(
  work: TenantWork,
  { syncRunId, recordType }: Followed,
  found: readonly EndedPush[],
): Promise<number> {
  const ended = await markEnded(work, { syncRunId, recordType }, found);
  if (ended.length === 0) return 0;
  const { trx, tenantId } = work;
  const errors = ended.flatMap(({ outcome, stopped, externalId }): RecordError[] => {
    const code = stopped ?? outcome;
    return isUnsent(code) ? [{ remoteId: externalId, code, message: UNSENT[code] }] : [];
  });
  const job = { syncRunId, recordType: pushJobOf(recordType) };
  await addRecordErrors(work, job, { errors, count: errors.length }, 'recordsFailed');
  const synced = ended.filter(({ outcome }) => outcome === 'synced').length;
  await sql`
    update sync_jobs set records_changed = records_changed + ${synced},
      records_read = records_read + ${ended.length},
      records_unchanged = records_unchanged + ${ended.length - synced - errors.length}
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${job.recordType}`.execute(
    trx,
  );
  return ended.length;
}

/** @returns those that no other attempt of the job has recorded meanwhile, and so has counted. */
async function markEnded(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: Followed,
  found: readonly EndedPush[],
): Promise<EndedPush[]> {
  const marked = new Set<string>();
  for (const result of ['synced', 'sync_failed', 'left'] as const) {
    const recordIds = found.flatMap(({ outcome, recordId }) => (outcome === result ? [recordId] : []));
    if (recordIds.length === 0) continue;
    const { rows } = await sql<{ recordId: string }>`
      update sync_run_pushes set outcome = ${result}
      where tenant_id = ${opaqueToPlanner(tenantId)} and sync_run_id = ${opaqueToPlanner(syncRunId)}
        and record_type = ${recordType} and record_id = any(${recordIds}::uuid[]) and outcome is null
      returning record_id`.execute(trx);
    for (const { recordId } of rows) marked.add(recordId);
  }
  return found.filter(({ recordId }) => marked.has(recordId));
}
