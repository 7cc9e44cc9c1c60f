/**
 * Deletion by absence (rules.md 31): only after a full pass that read every page, soft, and only below a
 * threshold. Above it, the deletions wait until an admin approves or discards them.
 */
import { sql } from 'kysely';
import { exceedsBrake } from '../../domain/brakes/brake';
import type { RecordDraft } from '../../domain/records/record-draft';
import { brakeOf } from '../../domain/records/record-type-settings';
import type { TenantWork } from '../database';
import { findIntegration } from '../integrations/integrations';
import { emitRecordEvents } from '../records/record-events';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { createReview, resolveIfDecided, supersedeReviews } from './deletion-reviews';
import { lockSyncJob, type SyncJob } from './job-rows';
import type { PassKey } from './page';
import { softDelete } from './soft-delete';

/**
 * Decides once, after both sides were compared. Parked deletions of earlier passes are superseded.
 * `isCertain` is false if a record may have moved between pages unnoticed; missing records then always need a
 * review.
 */
export async function planDeletions(
  work: TenantWork,
  { isCertain = true, ...pass }: PassKey & { isCertain?: boolean },
): Promise<'none' | 'delete' | 'needs_review'> {
  await supersedeReviews(work, { ...pass, kind: 'delete' });
  const job = await lockSyncJob(work, pass);
  // Before an initial load, Syncline has no record that could be missing.
  const missing = job === undefined || job.isInitialLoad ? 0 : job.recordsMissing;
  if (missing === null) throw new Error('The sides are not compared yet.');
  if (missing === 0) {
    await resolveIfDecided(work, pass);
    return 'none';
  }
  // Records created by this pass do not count: those of another account must not make up for the ones that
  // are missing.
  const before = (job?.linksCompared ?? 0) - (job?.recordsNew ?? 0);
  if (isCertain && !(await exceedsThreshold(work, pass, { now: missing, before }))) {
    await resolveIfDecided(work, pass);
    return 'delete';
  }
  const detail =
    `${missing} of ${before} ${pass.recordType} no longer exist at the third party. ` +
    'Syncline deleted nothing: approve or discard the deletions.';
  await createReview(work, pass, {
    kind: 'delete',
    fields: [],
    recordsMissing: missing,
    recordsBefore: before,
    detail,
  });
  return 'needs_review';
}

async function exceedsThreshold(
  work: TenantWork,
  pass: PassKey,
  { now, before }: { now: number; before: number },
): Promise<boolean> {
  const integration = await findIntegration(work, pass);
  const brake = brakeOf(integration?.typeSettings ?? {}, pass.recordType, 'pull_delete');
  const earlier = await countDeletedSince(work, pass, hoursBefore(work.now, brake.windowHours));
  return exceedsBrake(brake, { now, earlier, held: before + earlier });
}

const hoursBefore = (at: Date, hours: number): Date => new Date(at.getTime() - hours * 3_600_000);

/** Records that passes deleted without a review and without an overview; only full ones delete. */
async function countDeletedSince(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: PassKey,
  since: Date,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select coalesce(sum(job.records_deleted), 0)::bigint as count
    from sync_runs run
    cross join lateral (
      select records_deleted from sync_jobs
      where tenant_id = ${opaqueToPlanner(tenantId)} and sync_run_id = run.sync_run_id
        and record_type = ${recordType} limit 1) job
    where run.tenant_id = ${opaqueToPlanner(tenantId)} and run.integration_id = ${opaqueToPlanner(integrationId)}
      and run.scope = 'full' and run.overview_id is null
      and coalesce(run.finished_at, 'infinity') > ${since}`.execute(trx);
  return rows[0]?.count ?? 0;
}

/**
 * Deletes the next missing records of a pass; with an overview, those of them whose deletion was reviewed in
 * it (rules.md 21), without a second approval.
 * @returns how many missing records it handled; fewer than `limit` = no more are left.
 */
export async function deleteMissing(
  work: TenantWork,
  { limit, overviewId, ...pass }: PassKey & { limit: number; overviewId?: string | undefined },
): Promise<number> {
  const job = await lockSyncJob(work, pass);
  if (job === undefined || job.finishedAt !== null) return 0;
  const recordIds = await takeMissing(work, { ...pass, limit });
  const linkedBefore = job.startedAt;
  const deleted = await softDelete(work, { ...pass, recordIds, linkedBefore, overviewId });
  if (deleted.length > 0) await logDeleted(work, pass, job, deleted);
  return recordIds.length;
}

async function logDeleted(
  work: TenantWork,
  pass: PassKey,
  { pages: page }: SyncJob,
  deleted: RecordDraft[],
): Promise<void> {
  const { trx, tenantId, now } = work;
  const { syncRunId, recordType } = pass;
  await trx
    .insertInto('syncPages')
    .values({
      tenantId,
      syncRunId,
      recordType,
      page,
      idsDigest: '',
      seen: null,
      created: [],
      changed: '[]',
      deleted: deleted.map(({ recordId }) => recordId),
      at: now,
    })
    .execute();
  await trx
    .updateTable('syncJobs')
    .set((eb) => ({
      pages: page + 1,
      recordsDeleted: eb('recordsDeleted', '+', deleted.length),
      updatedAt: now,
    }))
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .execute();
  await emitRecordEvents(work, pass, deleted);
}

/** Removes the next missing records from the list. */
async function takeMissing(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType, limit }: PassKey & { limit: number },
): Promise<string[]> {
  const next = sql`
    select record_id from missing_records
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}
    limit ${limit}`;
  const { rows } = await sql<{ recordId: string }>`
    delete from missing_records
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}
      and record_id = any(array(${next}))
    returning record_id`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}
