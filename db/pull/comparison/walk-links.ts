/**
 * Compares the links of an integration with the ids that a list held, in chunks. Each chunk and its place in
 * the row of the job are one transaction, so that a walk continues where it stopped.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import { FIRST_ID } from '../../sql/ids';
import { lockSyncJob, type SyncJob } from '../job-rows';
import { type InTenant, isInPart, pagesOfJob, type Part, partsFor, SeenIds } from './seen-ids';

const LINKS_PER_CHUNK = 5_000;

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
  /** Of the record type, in the part that `seen` holds. */
  links: readonly Link[];
  seen: SeenIds;
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
  const links = await readLinks(work, walk, place);
  const ofPart = links.filter(({ isOfType, recordId }) => isOfType && isInPart(recordId, part));
  const { compared, missing } = await compare(work, { links: ofPart, seen, linkedBefore: before });
  const isPartDone = links.length < linksPerChunk;
  const isDone = isPartDone && part.part === part.parts - 1;
  return work.trx
    .updateTable('syncJobs')
    .set({
      comparedPart: isPartDone && !isDone ? part.part + 1 : part.part,
      comparedTo: isPartDone ? null : (links.at(-1)?.recordId ?? null),
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

/** The next links of the integration, of all record types. */
export async function readLinks(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: Pick<Walk, 'integrationId' | 'recordType'>,
  { after, linkedBefore, limit }: { after: string | null; linkedBefore: Date | null; limit: number },
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
