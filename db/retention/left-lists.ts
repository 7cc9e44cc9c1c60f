/** Deletes lists of missing records that neither a job nor a review needs any more (rules.md 62). */
import { type RawBuilder, sql } from 'kysely';
import type { Work } from '../database';
import { FIRST_ID } from '../sql/ids';
import { readInOrder } from '../sql/index-order';

/** Examined in one transaction. Each pass under way and each review that is kept has a list. */
const LISTS_MAX = 10_000;

interface LeftLists {
  /** The last list that was examined before; undefined = from the first one on. */
  after: string | undefined;
  /** Of rows. */
  limit: number;
  listsMax?: number;
}

/**
 * The end of a job deletes its list; processes of former versions leave it, and so does a restored database.
 * @returns how many rows were deleted: `limit` = call again. Otherwise `last` is where to continue; undefined
 * = that was the last list.
 */
export async function deleteLeftLists(
  work: Work,
  { after, limit, listsMax = LISTS_MAX }: LeftLists,
): Promise<{ deleted: number; last: string | undefined }> {
  await readInOrder(work);
  const key = (table: string) =>
    sql.join(['tenant_id', 'sync_run_id', 'record_type'].map((name) => sql.ref(`${table}.${name}`)));
  const isOf = (table: string) => sql`(${key(table)}) = (${key('list')})`;
  const [tenantId = FIRST_ID, syncRunId = FIRST_ID, recordType = ''] =
    after === undefined ? [] : (JSON.parse(after) as string[]);
  const first = sql`(${tenantId}::uuid, ${syncRunId}::uuid, ${recordType}::text)`;
  const next = (behind: RawBuilder<unknown>) => sql`
    select ${key('one')} from missing_records one where (${key('one')}) > ${behind}
    order by ${key('one')} limit 1`;
  const { rows } = await sql<{ deleted: number; last: string | null }>`
    with recursive lists as (
      (${next(first)})
      union all
      select next.* from lists list cross join lateral (${next(sql`(${key('list')})`)}) next),
    examined as materialized (select * from lists limit ${listsMax}),
    ended as materialized (
      select list.* from examined list
      where (select job.finished_at from sync_jobs job where ${isOf('job')} limit 1) is not null
        and (select true from deletion_reviews review where ${isOf('review')} and review.kind = 'delete'
          limit 1) is null),
    deleted as (
      delete from missing_records where ctid = any(array(
        select row.ctid from ended list
        cross join lateral (
          select missing.ctid from missing_records missing where ${isOf('missing')} limit ${limit}) row
        limit ${limit}))
      returning true)
    select (select count(*) from deleted)::int as deleted,
      (select jsonb_build_array(${key('list')})::text from examined list
        order by ${key('list')} offset ${listsMax - 1} limit 1) as last`.execute(work.trx);
  const { deleted = 0, last = null } = rows[0] ?? {};
  return { deleted, last: last ?? undefined };
}
