/**
 * The ranges of a list: each is read as a list of its own, with its own cursor, on any worker (rule 60). What
 * they count is summed up in their job. Their rows end with the job.
 */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { TenantWork } from '../../database';
import type { SyncRangesTable } from '../../tables/pull';
import { type JobKey, lockSyncJob, type SyncJob } from '../job-rows';

export type SyncRange = Selectable<SyncRangesTable>;

/** The number of the first page of a range, so that the pages of a job keep different numbers. */
export const firstPageOf = (range: number): number => (range + 1) * 1_000_000;

/**
 * The pages of a pass that began with page `first`. One that started over is read in one piece, so the pages
 * of its ranges are of the pass before.
 */
export const isOfPass = (page: RawBuilder<unknown>, first: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql<boolean>`(${page} >= ${first} and (${first} = 0 or ${page} < ${firstPageOf(0)}))`;

/** In their order. Empty: the list is read in one piece. */
export async function listRanges({ trx, tenantId }: TenantWork, key: JobKey): Promise<SyncRange[]> {
  return trx
    .selectFrom('syncRanges')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', key.syncRunId)
    .where('recordType', '=', key.recordType)
    .orderBy('range')
    .execute();
}

/**
 * Locked against other executions until the end of the transaction, but its row is not: who changes it locks
 * the job first.
 */
export async function lockRange(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: JobKey,
  range: number,
): Promise<SyncRange | undefined> {
  const key = sql`hashtextextended(${`range ${syncRunId} ${range} ${recordType}`}, 0)`;
  await sql`select pg_advisory_xact_lock(${key})`.execute(trx);
  return trx
    .selectFrom('syncRanges')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .where('range', '=', range)
    .executeTakeFirst();
}

/** Divides a job that has read no page. @returns false if it has ended, or was begun. */
export async function divideJob(
  work: TenantWork,
  key: JobKey,
  { bounds, isInitialLoad, expectedRecords }: DividedList,
): Promise<boolean> {
  const { trx, tenantId, now } = work;
  const job = await lockSyncJob(work, key);
  if (job === undefined || job.finishedAt !== null || job.pages > 0) return false;
  const { syncRunId, recordType } = key;
  await trx
    .insertInto('syncRanges')
    .values(
      bounds.map((text, range) => ({
        tenantId,
        syncRunId,
        recordType,
        range,
        bounds: text,
        cursor: null,
        isInitialLoad,
        remoteTotal: null,
        expectedRecords: null,
        readFinishedAt: null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  if (expectedRecords !== null)
    await trx
      .updateTable('syncJobs')
      .set({ expectedRecords, updatedAt: now })
      .where('tenantId', '=', tenantId)
      .where('syncRunId', '=', syncRunId)
      .where('recordType', '=', recordType)
      .execute();
  return true;
}

interface DividedList {
  /** One per range, in the words of the connector. */
  bounds: readonly string[];
  isInitialLoad: boolean;
  /** The size of the whole list, if that was counted before. */
  expectedRecords: number | null;
}

/** The job whose ranges were all read to their end; undefined if it has ended, or one was not. */
export async function endRanges(work: TenantWork, key: JobKey): Promise<SyncJob | undefined> {
  const { trx, tenantId, now } = work;
  const job = await lockSyncJob(work, key);
  if (job === undefined || job.finishedAt !== null) return undefined;
  if (job.readFinishedAt !== null) return job;
  const ranges = await listRanges(work, key);
  if (ranges.length === 0 || ranges.some(({ readFinishedAt }) => readFinishedAt === null)) return undefined;
  return trx
    .updateTable('syncJobs')
    .set({
      readFinishedAt: now,
      isInitialLoad: ranges.every(({ isInitialLoad }) => isInitialLoad),
      remoteTotal: sumOf(ranges.map(({ remoteTotal }) => remoteTotal)),
      expectedRecords: job.expectedRecords ?? sumOf(ranges.map(({ expectedRecords }) => expectedRecords)),
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', key.syncRunId)
    .where('recordType', '=', key.recordType)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** null if one of them is unknown. */
function sumOf(totals: readonly (number | null)[]): number | null {
  return totals.reduce<number | null>(
    (sum, total) => (sum === null || total === null ? null : sum + total),
    0,
  );
}

/** Stores how far a range was read. The caller has locked it and its job. @returns false if it is gone. */
export async function saveRange(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType, range, pages }: SyncRange,
  progress: Pick<
    SyncRange,
    | 'cursor'
    | 'pages'
    | 'repeatedPages'
    | 'isInitialLoad'
    | 'remoteTotal'
    | 'expectedRecords'
    | 'readFinishedAt'
  >,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('syncRanges')
    .set(progress)
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .where('range', '=', range)
    .where('pages', '=', pages)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Of jobs that have ended, or start over in one piece. */
export async function dropRanges(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordTypes }: { syncRunId: string; recordTypes: readonly string[] },
): Promise<void> {
  await trx
    .deleteFrom('syncRanges')
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', sql<string>`any(${[...recordTypes]}::text[])`)
    .execute();
}
