/**
 * First stage of applying a page: locks its job or its range, and checks that the page may still be applied.
 * Pages of several ranges are applied at the same time; they lock the job when they store how far they are.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { lockMappings } from '../../records/mapping-lock';
import type { SyncJob } from '../job-rows';
import { isOfPass, lockRange, type SyncRange } from '../ranges/sync-ranges';
import type { PageToApply, PassKey } from '../page';
import { checkForInterruption, type Interruption } from '../pass-state';

/** `recordType`: the job's name. */
export type PageToOpen = PassKey &
  Pick<PageToApply, 'pagesBefore' | 'range'> & {
    records: readonly { remoteId: string }[];
    tombstones: readonly string[];
    refused: readonly { remoteId: string | null }[];
  };

export interface OpenPage extends Omit<Interruption, 'isGone'> {
  /** Locked, unless the page is of a range. */
  job: SyncJob;
  /** Locked. */
  range: SyncRange | undefined;
  /** Of the page's remote ids; the same digest again means that the list repeats itself. */
  idsDigest: string;
  /** An earlier page of the job held the same ids. */
  isRepeated: boolean;
}

/**
 * @returns undefined if the job has ended, another worker has continued with it, or the integration was
 * deleted.
 */
export async function openPage(work: TenantWork, page: PageToOpen): Promise<OpenPage | undefined> {
  // A worker of the former release may read the same pages in one piece: neither repeats the other's.
  const digest = digestOf(page);
  const idsDigest = page.range === undefined || digest === '' ? digest : `r ${digest}`;
  const locked = await lockJob(work, page, idsDigest);
  if (locked === undefined) return undefined;
  const { isRepeated, ...job } = locked;
  const range = page.range === undefined ? undefined : await lockRange(work, page, page.range);
  const chain = page.range === undefined ? job : range;
  if (job.finishedAt !== null || job.readFinishedAt !== null || chain === undefined) return undefined;
  if (chain.readFinishedAt !== null || chain.pages !== page.pagesBefore) return undefined;
  await lockMappings(work, 'shared');
  const { isGone, ...interruption } = await checkForInterruption(work, page);
  // Links that are written after the integration was deleted would never be removed.
  if (isGone) return undefined;
  return { job, range, idsDigest, isRepeated, ...interruption };
}

/**
 * Independent of the order, because a list that repeats itself may shuffle its records. Empty for an empty
 * page.
 */
function digestOf({ records, tombstones, refused }: PageToOpen): string {
  const ids = [
    ...records.map(({ remoteId }) => remoteId),
    ...tombstones,
    ...refused.map(({ remoteId }) => remoteId ?? ''),
  ];
  return ids.length === 0
    ? ''
    : createHash('sha256').update(JSON.stringify(ids.toSorted())).digest('base64url').slice(0, 22);
}

/**
 * The job, locked unless the page is of a range, and whether it has a page with the same ids. `isRepeated`
 * is read before the lock is granted; a page written in between also changes `pages`, so this one is not
 * applied then.
 */
async function lockJob(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType, range }: PageToOpen,
  idsDigest: string,
): Promise<(SyncJob & { isRepeated: boolean }) | undefined> {
  const row = await trx
    .selectFrom('syncJobs')
    .selectAll()
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom('syncPages')
          .select('page')
          .where('tenantId', '=', tenantId)
          .where('syncRunId', '=', syncRunId)
          .where('recordType', '=', recordType)
          .where('idsDigest', '=', idsDigest)
          .where('idsDigest', '<>', '')
          .where(isOfPass(sql.ref('page'), sql.ref('syncJobs.firstPage'))),
      ).as('isRepeated'),
    )
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .$if(range === undefined, (query) => query.forUpdate())
    .executeTakeFirst();
  return row && { ...row, isRepeated: row.isRepeated === true };
}
