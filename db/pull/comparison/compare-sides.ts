/**
 * Finds the linked records that no page of a full pass held, once per pass (rules.md 31). Each chunk of links
 * and its place in the row of the job are one transaction. What changes between chunks is compared again
 * before it is deleted.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import { FIRST_ID } from '../../sql/ids';
import { openConflictOf } from '../edited-and-missing';
import { lockSyncJob, type SyncJob } from '../job-rows';
import type { PassKey } from '../page';
import { type InTenant, isInPart, pagesOfJob, type Part, partsFor, SeenIds } from './seen-ids';

const LINKS_PER_CHUNK = 5_000;

interface ComparisonOptions {
  /** False: stop after the chunk. */
  mayContinue?(): boolean | Promise<boolean>;
  idsPerPart?: number;
  linksPerChunk?: number;
}

/** Safe to repeat: it continues after the last chunk. @returns `more`: call again. */
export async function compareSides(
  inTenant: InTenant,
  pass: PassKey,
  { mayContinue = () => true, idsPerPart, linksPerChunk = LINKS_PER_CHUNK }: ComparisonOptions = {},
): Promise<'done' | 'more'> {
  let job = await inTenant((work) => lockSyncJob(work, pass));
  // Before an initial load, Syncline has no record that could be missing.
  while (job !== undefined && job.finishedAt === null && !job.isInitialLoad && job.recordsMissing === null) {
    const parts = partsFor(job.recordsRead - job.recordsReadBefore, idsPerPart);
    const part = { part: job.comparedPart, parts };
    const seen = await SeenIds.read(inTenant, pagesOfJob(job), part);
    while (job?.recordsMissing === null && job.finishedAt === null && job.comparedPart === part.part) {
      job = await inTenant((work) => compareChunk(work, pass, { ...part, seen, limit: linksPerChunk }));
      if (job?.recordsMissing === null && !(await mayContinue())) return 'more';
    }
  }
  return 'done';
}

/**
 * Records linked or pushed since the pass began cannot be missing, and those with an open conflict wait for
 * its decision. @returns the job after the chunk; undefined if it is gone.
 */
async function compareChunk(
  work: TenantWork,
  pass: PassKey,
  { seen, limit, ...part }: Part & { seen: SeenIds; limit: number },
): Promise<SyncJob | undefined> {
  const job = await lockSyncJob(work, pass);
  // Another attempt of the activity may have compared the rest.
  const isNext = job?.finishedAt === null && job.recordsMissing === null && job.comparedPart === part.part;
  if (job === undefined || !isNext) return job;
  const links = await readLinks(work, pass, { job, limit });
  const compared = links.filter(({ isOfType, recordId }) => isOfType && isInPart(recordId, part));
  const missing = compared.filter(({ isOlder, recordId }) => isOlder && !seen.has(recordId));
  const found =
    job.missingFound +
    (await insertMissing(
      work,
      pass,
      missing.map(({ recordId }) => recordId),
    ));
  const isPartDone = links.length < limit;
  const isDone = isPartDone && part.part === part.parts - 1;
  return work.trx
    .updateTable('syncJobs')
    .set({
      comparedPart: isPartDone && !isDone ? part.part + 1 : part.part,
      comparedTo: isPartDone ? null : (links.at(-1)?.recordId ?? null),
      linksCompared: job.linksCompared + compared.length,
      missingFound: found,
      recordsMissing: isDone ? found : null,
    })
    .where('tenantId', '=', work.tenantId)
    .where('syncRunId', '=', pass.syncRunId)
    .where('recordType', '=', pass.recordType)
    .returningAll()
    .executeTakeFirst();
}

interface Link {
  recordId: string;
  isOfType: boolean;
  /** Than the pass. */
  isOlder: boolean;
}

async function readLinks(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: PassKey,
  { job, limit }: { job: SyncJob; limit: number },
): Promise<Link[]> {
  const { rows } = await sql<Link>`
    select record_id, record_type = ${recordType} as is_of_type,
      coalesce(updated_at < ${job.startedAt}, false) as is_older
    from record_links
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id > ${job.comparedTo ?? FIRST_ID}::uuid
    order by record_id limit ${limit}`.execute(trx);
  return rows;
}

async function insertMissing(
  { trx, tenantId }: TenantWork,
  { integrationId, syncRunId, recordType }: PassKey,
  recordIds: readonly string[],
): Promise<number> {
  if (recordIds.length === 0) return 0;
  const { numAffectedRows } = await sql`
    insert into missing_records (tenant_id, sync_run_id, record_type, record_id)
    select ${tenantId}::uuid, ${syncRunId}::uuid, ${recordType}::text, missing.record_id
    from unnest(${[...recordIds]}::uuid[]) as missing(record_id)
    where not exists (${openConflictOf(tenantId, integrationId, sql`missing.record_id`)})
    on conflict do nothing`.execute(trx);
  return Number(numAffectedRows ?? 0);
}
