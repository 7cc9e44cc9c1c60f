/**
 * Compares the links of an integration with the ids that a list held, in chunks. Each chunk and its place in
 * the row of the job are one transaction, so that a walk continues where it stopped.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import { FIRST_ID } from '../../sql/ids';
import { lockSyncJob, type SyncJob } from '../job-rows';
import { ID_BYTES, type InTenant, pagesOfJob, type Part, partsFor, SeenIds } from './seen-ids';

const LINKS_PER_CHUNK = 20_000;

export interface Walk {
  integrationId: string;
  syncRunId: string;
  /** The job's name; `recordType` is the type's. */
  job: string;
  recordType: string;
}

export interface Link {
  recordId: string;
  remoteId: string;
  isDeactivated: boolean;
  isOfType: boolean;
  /** Last linked or pushed before `linkedBefore`. */
  isOlder: boolean;
}

interface LinkChunk {
  /** The number of links of the record type in the part that is compared. */
  ofType: number;
  /** The number of these links that are old enough, and not deactivated unless `comparesDeactivated`. */
  comparable: number;
  /** The records of comparable links that the list did not contain. */
  unseen: readonly string[];
  linkedBefore: Date | null;
}

interface Compared {
  compared: number;
  missing: number;
}

export interface WalkOptions {
  /** False: stop after the chunk. */
  mayContinue?(): boolean | Promise<boolean>;
  idsPerPart?: number;
  linksPerChunk?: number;
}

interface WalkSteps extends WalkOptions {
  linkedBefore(startedAt: Date): Date;
  /** Whether links of deactivated records are comparable. */
  comparesDeactivated: boolean;
  compare(work: TenantWork, chunk: LinkChunk): Promise<Compared>;
}

/** Safe to repeat: it continues after the last chunk. @returns `more`: call again. */
export async function walkLinks(
  inTenant: InTenant,
  walk: Walk,
  { mayContinue = () => true, idsPerPart, ...steps }: WalkSteps,
): Promise<'done' | 'more'> {
  let job = await inTenant((work) => lockJob(work, walk));
  // Before an initial load, Syncline has no record that could be missing.
  while (job !== undefined && job.finishedAt === null && !job.isInitialLoad && job.recordsMissing === null) {
    const parts = partsFor(job.recordsRead - job.recordsReadBefore, idsPerPart);
    const part = { part: job.comparedPart, parts };
    const seen = await SeenIds.read(inTenant, pagesOfJob(job), part);
    while (job?.recordsMissing === null && job.finishedAt === null && job.comparedPart === part.part) {
      job = await inTenant((work) => compareChunk(work, walk, { ...steps, ...part, seen }));
      if (job?.recordsMissing === null && !(await mayContinue())) return 'more';
    }
  }
  return 'done';
}

const lockJob = (work: TenantWork, { syncRunId, job }: Walk): Promise<SyncJob | undefined> =>
  lockSyncJob(work, { syncRunId, recordType: job });

/** @returns the job after the chunk; undefined if it is gone. */
async function compareChunk(
  work: TenantWork,
  walk: Walk,
  {
    seen,
    linkedBefore,
    compare,
    comparesDeactivated,
    linksPerChunk = LINKS_PER_CHUNK,
    ...part
  }: Omit<WalkSteps, 'mayContinue' | 'idsPerPart'> & Part & { seen: SeenIds },
): Promise<SyncJob | undefined> {
  const job = await lockJob(work, walk);
  // Another attempt of the activity may have compared the rest.
  const isNext = job?.finishedAt === null && job.recordsMissing === null && job.comparedPart === part.part;
  if (job === undefined || !isNext) return job;
  const before = job.startedAt === null ? null : linkedBefore(job.startedAt);
  const place = { after: job.comparedTo, linkedBefore: before, limit: linksPerChunk };
  const { links, last, ofType, ids } = await readIds(work, walk, { ...place, ...part, comparesDeactivated });
  const { compared, missing } = await compare(work, {
    ofType,
    comparable: ids.length / ID_BYTES,
    unseen: seen.missingOf(ids),
    linkedBefore: before,
  });
  const isPartDone = links < linksPerChunk;
  const isDone = isPartDone && part.part === part.parts - 1;
  return work.trx
    .updateTable('syncJobs')
    .set({
      comparedPart: isPartDone && !isDone ? part.part + 1 : part.part,
      comparedTo: isPartDone ? null : last,
      linksCompared: job.linksCompared + compared,
      missingFound: job.missingFound + missing,
      recordsMissing: isDone ? job.missingFound + missing : null,
    })
    .where('tenantId', '=', work.tenantId)
    .where('syncRunId', '=', walk.syncRunId)
    .where('recordType', '=', walk.job)
    .returningAll()
    .executeTakeFirst();
}

interface LinkPlace {
  after: string | null;
  linkedBefore: Date | null;
  limit: number;
}

/** The next links as `readLinks`: their number, the last of all, and the ids of the comparable ones. */
async function readIds(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: Walk,
  place: LinkPlace & Part & { comparesDeactivated: boolean },
): Promise<{ links: number; last: string | null; ofType: number; ids: Buffer }> {
  const { after, linkedBefore, limit, part, parts, comparesDeactivated } = place;
  const { rows } = await sql<{ links: number; last: string | null; ofType: number; ids: Buffer | null }>`
    select count(*) as links, (array_agg(record_id order by record_id))[count(*)::int] as last,
      count(*) filter (where is_of_type) as of_type,
      string_agg(id, ''::bytea) filter (where is_of_type and is_comparable) as ids
    from (
      select record_id, uuid_send(record_id) as id,
        record_type = ${recordType} and get_byte(uuid_send(record_id), 15) % ${parts}::int = ${part}::int as is_of_type,
        coalesce(updated_at < ${linkedBefore}, false) and (${comparesDeactivated} or not is_deactivated) as is_comparable
      from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id > ${after ?? FIRST_ID}::uuid
      order by record_id limit ${limit}) link`.execute(trx);
  const { links = 0, last = null, ofType = 0, ids = null } = rows[0] ?? {};
  return { links, last, ofType, ids: ids ?? Buffer.alloc(0) };
}

/** The next links of the integration, of all record types. */
export async function readLinks(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: Pick<Walk, 'integrationId' | 'recordType'>,
  { after, linkedBefore, limit }: LinkPlace,
): Promise<Link[]> {
  const { rows } = await sql<Link>`
    select record_id, remote_id, is_deactivated, record_type = ${recordType} as is_of_type,
      coalesce(updated_at < ${linkedBefore}, false) as is_older
    from record_links
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id > ${after ?? FIRST_ID}::uuid
    order by record_id limit ${limit}`.execute(trx);
  return rows;
}
