/**
 * The ids of seen records have served to find missing ones; only the changes are kept permanently. What was
 * missing stays if a review is about it, and ends with the review.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { candidatesOf } from './page-stages/match-candidates';
import { dropRanges } from './ranges/sync-ranges';
import { changeSome } from '../sql/some-rows';
import { type BackgroundTask, beginBackgroundTask, type Chunk } from '../platform/background-tasks';

/** Rows that the end of a job clears itself. */
const ROWS_AT_END = 100;

interface EndedJobs {
  syncRunId: string;
  recordTypes: readonly string[];
}

/** Of ended jobs. A background task clears what is left of a large pass. */
export async function clearPassState(
  work: TenantWork,
  { integrationId, ...jobs }: EndedJobs & { integrationId: string },
): Promise<void> {
  if (jobs.recordTypes.length === 0) return;
  await dropRanges(work, jobs);
  if ((await clearSome(work, jobs, ROWS_AT_END)) < ROWS_AT_END) return;
  await beginBackgroundTask(
    work,
    { integrationId, kind: 'clear_pass_state', subjectId: jobs.syncRunId, requestedBy: 'syncline' },
    clearPassStateOfRun,
  );
}

/** Clears the state of all jobs of a run that have ended. */
export async function clearPassStateOfRun(
  work: TenantWork,
  { subjectId }: Pick<BackgroundTask, 'subjectId'>,
  limit: number,
): Promise<Chunk> {
  const syncRunId = subjectId ?? '';
  const ended = await work.trx
    .selectFrom('syncJobs')
    .select('recordType')
    .where('tenantId', '=', work.tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('finishedAt', 'is not', null)
    .execute();
  const rows = await clearSome(
    work,
    { syncRunId, recordTypes: ended.map(({ recordType }) => recordType) },
    limit,
  );
  return { rows, next: rows < limit ? null : { step: '', cursor: null } };
}

async function clearSome(
  work: TenantWork,
  { syncRunId, recordTypes }: EndedJobs,
  limit: number,
): Promise<number> {
  const isOfTheJobs = (types: readonly string[]) => sql`tenant_id = ${work.tenantId}
    and sync_run_id = ${syncRunId} and record_type = any(${[...types]}::text[])`;
  const cleared = await changeSome(work, {
    table: 'sync_pages',
    set: sql`seen = null`,
    where: sql`${isOfTheJobs(recordTypes)} and seen is not null`,
    limit,
  });
  if (cleared === limit) return limit;
  const deleted = await changeSome(work, {
    table: 'match_keys',
    where: isOfTheJobs([...recordTypes, ...recordTypes.map(candidatesOf)]),
    limit: limit - cleared,
  });
  const done = cleared + deleted;
  if (done === limit) return limit;
  const ended = await changeSome(work, {
    table: 'missing_records',
    where: isOfTheJobs(await withoutReview(work, { syncRunId, recordTypes })),
    limit: limit - done,
  });
  return done + ended;
}

/** A review is made before its job ends. Its list may be long, and is not read to find that it stays. */
async function withoutReview(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordTypes }: EndedJobs,
): Promise<string[]> {
  const reviews = await trx
    .selectFrom('deletionReviews')
    .select('recordType')
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('kind', '=', 'delete')
    .execute();
  const reviewed = new Set(reviews.map(({ recordType }) => recordType));
  return recordTypes.filter((recordType) => !reviewed.has(recordType));
}
