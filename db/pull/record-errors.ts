/** The errors of a sync job at single records: what could not be stored, pushed or applied as reviewed. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { rowsFrom } from '../sql/bulk-rows';
import { newUuid } from '../sql/ids';
import { type JobKey, lockSyncJob, type SyncJob } from './job-rows';
import type { RecordError } from './page';

/** Errors that are kept per job; their number is counted on. */
const ERRORS_KEPT_MAX = 1_000;
const MESSAGE_LENGTH_MAX = 1_000;

/** Adds errors to a job that has not ended, and `count` to the number that `countedAs` names. */
export async function addRecordErrors(
  work: TenantWork,
  key: JobKey,
  { errors, count }: { errors: readonly RecordError[]; count: number },
  countedAs: 'recordsFailed' | 'recordsSkipped',
): Promise<void> {
  const job = await lockSyncJob(work, key);
  if (job === undefined || job.finishedAt !== null || count === 0) return;
  if (countedAs === 'recordsFailed') await insertRecordErrors(work, job, errors);
  else await insertWarnings(work, job, errors);
  await work.trx
    .updateTable('syncJobs')
    .set({ [countedAs]: job[countedAs] + count, updatedAt: work.now })
    .where('tenantId', '=', work.tenantId)
    .where('syncRunId', '=', key.syncRunId)
    .where('recordType', '=', key.recordType)
    .execute();
}

/** Inserts as many entries as the job may still keep beside its errors. They do not count as failed. */
export async function insertWarnings(
  work: TenantWork,
  job: Pick<SyncJob, 'syncRunId' | 'recordType'>,
  warnings: readonly RecordError[],
): Promise<void> {
  if (warnings.length === 0) return;
  const { rows } = await sql<{ kept: number }>`
    select count(*)::int as kept from (
      select from sync_record_errors
      where tenant_id = ${work.tenantId} and sync_run_id = ${job.syncRunId}
        and record_type = ${job.recordType} limit ${ERRORS_KEPT_MAX}) known`.execute(work.trx);
  await insertRecordErrors(work, { ...job, recordsFailed: rows[0]?.kept ?? ERRORS_KEPT_MAX }, warnings);
}

/** Inserts as many as the job may still keep. The caller has locked the job and counts the errors. */
export async function insertRecordErrors(
  { trx, tenantId, now }: TenantWork,
  { syncRunId, recordType, recordsFailed }: Pick<SyncJob, 'syncRunId' | 'recordType' | 'recordsFailed'>,
  errors: readonly RecordError[],
): Promise<void> {
  const kept = errors.slice(0, Math.max(0, ERRORS_KEPT_MAX - recordsFailed));
  if (kept.length === 0) return;
  const rows = kept.map(({ remoteId, code, message }) => ({
    error_id: newUuid(),
    remote_id: remoteId,
    code,
    message: message.slice(0, MESSAGE_LENGTH_MAX),
  }));
  await sql`
    insert into sync_record_errors
      (tenant_id, sync_run_id, sync_record_error_id, record_type, remote_id, code, message, at)
    select ${tenantId}::uuid, ${syncRunId}::uuid, error_id, ${recordType}, remote_id, code, message, ${now}::timestamptz
    from ${rowsFrom(rows, 'error_id uuid, remote_id text, code text, message text')}`.execute(trx);
}
