/** Deletes lists of missing records that neither a job nor a review needs any more (rules.md 62). */
import { sql } from 'kysely';
import type { Work } from '../database';
import { readInOrder } from '../sql/index-order';

/** Examined in one transaction. Each pass under way and each review that is kept has a list. */
const LISTS_MAX = 10_000;

/**
 * The end of a job deletes its list; processes of former versions leave it, and so does a restored database.
 * @returns how many rows were deleted; fewer than `limit` = no more are left.
 */
export async function deleteLeftLists(work: Work, limit: number): Promise<number> {
  await readInOrder(work);
  const isOf = (table: string) => sql`${sql.ref(`${table}.tenant_id`)} = list.tenant_id
    and ${sql.ref(`${table}.sync_run_id`)} = list.sync_run_id
    and ${sql.ref(`${table}.record_type`)} = list.record_type`;
  const { numAffectedRows } = await sql`
    with recursive lists as (
      (select tenant_id, sync_run_id, record_type from missing_records
        order by tenant_id, sync_run_id, record_type limit 1)
      union all
      select next.* from lists list cross join lateral (
        select tenant_id, sync_run_id, record_type from missing_records
        where (tenant_id, sync_run_id, record_type) > (list.tenant_id, list.sync_run_id, list.record_type)
        order by tenant_id, sync_run_id, record_type limit 1) next),
    ended as materialized (
      select list.* from (select * from lists limit ${LISTS_MAX}) list
      where (select job.finished_at from sync_jobs job where ${isOf('job')} limit 1) is not null
        and (select true from deletion_reviews review where ${isOf('review')} and review.kind = 'delete'
          limit 1) is null)
    delete from missing_records where ctid = any(array(
      select row.ctid from ended list
      cross join lateral (
        select missing.ctid from missing_records missing where ${isOf('missing')} limit ${limit}) row
      limit ${limit}))`.execute(work.trx);
  return Number(numAffectedRows ?? 0n);
}
