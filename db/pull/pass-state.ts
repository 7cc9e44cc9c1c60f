/** The state of a pass besides its pages: interruptions, repeated records, and why deletions are withheld. */
import { sql } from 'kysely';
import type { WatermarkKept } from '../../domain/sync-runs/sync-run';
import type { TenantWork } from '../database';
import { readsBlockedUntilSql } from '../integrations/availability';
import { isMutedSql } from '../records/record-events';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { METADATA_JOB } from '../tables/pull';
import type { PassKey } from './page';
import { lockSyncJob } from './job-rows';
import { dropRanges, listRanges } from './ranges/sync-ranges';

export interface Interruption {
  /** The integration was deleted. */
  isGone: boolean;
  /**
   * No further page may be requested: the integration is deleted or paused, its reads are blocked, or the run
   * was canceled.
   */
  isInterrupted: boolean;
  /** Onboarding: reads are flagged as partial and changes are refused (rules.md 33). */
  isLocked: boolean;
  /** No events are emitted about the integration's records yet (rules.md 40). */
  isMuted: boolean;
  /** Records wait because they were edited here and deleted there. */
  hasEditedAndMissing: boolean;
  /** Records of the type wait because a field was suddenly empty. */
  hasEmptied: boolean;
  /** Records of the tenant were erased. */
  hasErased: boolean;
  /** The records of the dataset were counted before, so that its growth is known. */
  isCounted: boolean;
  /** Other integrations have records of the type. */
  isShared: boolean;
}

const GONE: Interruption = {
  isGone: true,
  isInterrupted: true,
  isLocked: true,
  isMuted: true,
  hasEditedAndMissing: false,
  hasEmptied: false,
  hasErased: false,
  isCounted: false,
  isShared: false,
};

export async function checkForInterruption(
  { trx, tenantId, now }: TenantWork,
  { integrationId, syncRunId, recordType }: PassKey,
): Promise<Interruption> {
  const { rows } = await sql<Interruption>`
    select integration.deleted_at is not null as is_gone,
      run.cancel_requested_at is not null or integration.paused_at is not null or integration.deleted_at is not null
        or coalesce(${readsBlockedUntilSql} > ${now}, false)
        or integration.needs_reauthorization_at is not null as is_interrupted,
      integration.onboarded_at is null as is_locked, ${isMutedSql('integration')} as is_muted,
      exists (select from sync_conflicts
        where tenant_id = ${tenantId} and integration_id = ${integrationId} and state = 'open'
          and kind = 'edited_here_deleted_there') as has_edited_and_missing,
      exists (select from emptied_records
        where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
          and remote is not null) as has_emptied,
      (select true from erased_hashes where tenant_id = ${tenantId} limit 1) is not null as has_erased,
      exists (select from sync_datasets
        where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
          and local_total is not null) as is_counted,
      exists (select from integrations other
        where other.tenant_id = ${opaqueToPlanner(tenantId)} and other.integration_id <> ${integrationId}
          and other.deleted_at is null and other.record_types ? ${recordType}) as is_shared
    from sync_runs run cross join integrations integration
    where run.tenant_id = ${opaqueToPlanner(tenantId)} and run.sync_run_id = ${syncRunId}
      and integration.tenant_id = ${opaqueToPlanner(tenantId)} and integration.integration_id = ${integrationId}`.execute(
    trx,
  );
  return rows[0] ?? GONE;
}

/**
 * After a change of the integration's list or account: how far a pass in progress has read says nothing about
 * the new one, and full passes may not delete what they do not find.
 */
export async function markListReplaced(
  { trx, tenantId, now }: TenantWork,
  { integrationId }: Pick<PassKey, 'integrationId'>,
): Promise<void> {
  await sql`
    update sync_jobs job set updated_at = ${now},
      deletes_withheld = coalesce(job.deletes_withheld, case when run.scope = 'full' then 'list_changed' end),
      watermark_kept = coalesce(job.watermark_kept, case when job.record_type !~ '^(push|verify):'
        and (job.pages > 0 or job.state = 'running') then 'list_changed' end)
    from sync_runs run
    where run.tenant_id = ${tenantId} and run.integration_id = ${integrationId} and run.finished_at is null
      and job.tenant_id = run.tenant_id and job.sync_run_id = run.sync_run_id and job.record_type <> ${METADATA_JOB}
      and job.started_at is not null and job.finished_at is null`.execute(trx);
}

/** Stores why missing records are not deleted although every page was read. */
export async function markDeletesWithheld(
  { trx, tenantId, now }: TenantWork,
  { syncRunId, recordType }: PassKey,
  reason: 'list_changed' | 'needs_review',
): Promise<void> {
  await trx
    .updateTable('syncJobs')
    .set({ deletesWithheld: reason, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .execute();
}

/** Stores why the watermark stays where it was. */
export async function markWatermarkKept(
  { trx, tenantId, now }: TenantWork,
  { syncRunId, recordType }: PassKey,
  reason: WatermarkKept,
): Promise<void> {
  await trx
    .updateTable('syncJobs')
    .set({ watermarkKept: reason, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .execute();
}

/** How often a pass started over because its cursor expired. */
const RESTARTS_MAX = 3;

/**
 * Lets the pass begin with the first page again, in one piece. What was stored stays, and is counted. Page
 * numbers go on. `readsAll`: not with what has changed since the sync token, which is not known there any
 * more. What was deleted since is then found by a full pass.
 * @returns false if it was restarted often enough.
 */
export async function restartPass(
  work: TenantWork,
  { syncRunId, recordType }: PassKey,
  at: { range?: number | undefined; pages: number; readsAll?: boolean },
): Promise<boolean> {
  const { trx, tenantId, now } = work;
  const job = await lockSyncJob(work, { syncRunId, recordType });
  if (job === undefined || job.finishedAt !== null || job.readFinishedAt !== null) return true;
  const chain =
    at.range === undefined
      ? job
      : (await listRanges(work, { syncRunId, recordType })).find(({ range }) => range === at.range);
  // Another range has started over already, or another worker has continued.
  if (chain?.pages !== at.pages) return true;
  const { numUpdatedRows } = await trx
    .updateTable('syncJobs')
    .set({
      restarts: sql<number>`restarts + 1`,
      recordsReadBefore: sql<number>`records_read`,
      // A worker that still reads from the old position finds another number of pages, and stops.
      pages: sql<number>`pages + 1`,
      firstPage: sql<number>`pages + 1`,
      cursor: null,
      nextSyncToken: null,
      ...(at.readsAll === true && { syncToken: null, hasTombstones: true }),
      asOf: null,
      repeatedPages: 0,
      remoteTotal: null,
      expectedRecords: null,
      isInitialLoad: false,
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .where('finishedAt', 'is', null)
    .where('restarts', '<', RESTARTS_MAX)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await dropRanges(work, { syncRunId, recordTypes: [recordType] });
  return true;
}
