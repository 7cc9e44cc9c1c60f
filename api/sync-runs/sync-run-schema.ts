/** Sync runs and their jobs on the wire (rules.md 28, 30, 33 to 36). */
import { z } from 'zod';
import { directionOfJob } from '../../domain/overviews/overview';
import { toTypeId } from '../../db/sql/ids';
import type { SyncJob } from '../../db/pull/job-rows';
import type { ListedSyncRun } from '../../db/sync-runs/sync-runs';
import { METADATA_JOB } from '../../db/tables/pull';
import { JOB_STATES, RUN_KINDS, RUN_SCOPES, RUN_STATES } from '../../domain/sync-runs/sync-run';
import {
  instant,
  orNull,
  recordTypeName,
  syncError,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';

export const runKind = z.enum(RUN_KINDS).meta({
  id: 'SyncRunKind',
  description: [
    '- `onboarding`: everything, once after linking.',
    '- `hourly`: what was modified since the last successful run, and metadata.',
    '- `nightly`: everything, with deletions, and metadata.',
    '- `sign_in`: what was modified; somebody signed in.',
    '- `last_day`: what was modified in the last 24 hours; asked for by hand.',
    '- `incremental`: what was modified; asked for by hand.',
    '- `full`: everything; asked for by hand, or because of a new mapping.',
    '- `drift_repair`: everything of the record types whose totals differed.',
  ].join('\n'),
});
export const runState = z.enum(RUN_STATES).meta({
  id: 'SyncRunState',
  description: [
    'Follows from the jobs:',
    '- `queued`: asked for, not begun.',
    '- `running`: a job is being worked on.',
    '- `waiting`: every job that is not done waits; each says for what and until when.',
    '- `succeeded`: all was read and kept.',
    '- `partially_succeeded`: a job failed beside one that succeeded, or records could not be kept.',
    '- `failed`: no job succeeded.',
    '- `canceled`: somebody canceled it before its jobs were done.',
  ].join('\n'),
});
const count = z.int().meta({ example: 0 });

const progress = z
  .object({
    records_read: count,
    records_new: count,
    records_changed: count,
    records_deleted: count,
    records_unchanged: count,
    records_failed: count.meta({
      description: 'Records that could not be kept, or not as they are; see the errors of the run.',
    }),
    expected_records: count
      .nullable()
      .meta({ description: 'null = the third party does not say, or a dataset was not begun.' }),
    estimated_end_at: instant
      .nullable()
      .meta({ description: 'When all is read if it goes on at the rate so far; null = nobody can tell.' }),
  })
  .meta({ id: 'SyncRunProgress' });

export const syncRun = z
  .object({
    id: typeId('run'),
    integration_id: typeId('int'),
    kind: runKind,
    scope: z.enum(RUN_SCOPES).meta({
      description:
        '`modified`: since the last successful run. `last_day`: in the last 24 hours. `full`: everything; only this finds deletions.',
    }),
    record_types: z
      .array(recordTypeName)
      .nullable()
      .meta({ description: 'null = all that the integration pulls.' }),
    state: runState,
    started_by: z.string().meta({ description: 'Who or what asked for it.', example: 'key:payroll' }),
    requested_at: instant,
    started_at: instant.nullable(),
    finished_at: instant.nullable(),
    local_date: z.string().nullable().meta({
      description: "Of a nightly run: the date it stands for in the tenant's time zone.",
      format: 'date',
      example: '2026-11-21',
    }),
    overview_id: typeId('ovw')
      .nullable()
      .meta({ description: 'The Sync Overview that it applies, and nothing else.' }),
    follows_sync_run_id: typeId('run')
      .nullable()
      .meta({ description: 'The run behind which this one was queued.' }),
    successful_jobs: count,
    failed_jobs: count.meta({
      description:
        'Jobs that have failed for good; while the run goes on also those whose last attempt failed.',
    }),
    is_sync_finished: z.boolean(),
    milestones: z
      .array(instant)
      .meta({ description: 'When it had gone on for another 12 hours without an end.' }),
    cancel_requested_at: instant
      .nullable()
      .meta({ description: 'What is being read then ends at its next page.' }),
    canceled_by: z.string().nullable(),
    progress,
  })
  .meta({ id: 'SyncRun' });

export const syncJob = z
  .object({
    kind: z.enum(['dataset', 'metadata']),
    record_type: recordTypeName.nullable().meta({ description: 'null for metadata.' }),
    direction: z
      .enum(['pull', 'push'])
      .meta({ description: '`push`: a job of a Sync Now that sends; its records are those that were sent.' }),
    state: z.enum(JOB_STATES).meta({
      id: 'SyncJobState',
      description:
        '`waiting`: see waiting_reason. `not_supported`: the connector cannot read this record type; it counts as complete, not as a success.',
    }),
    modified_since: instant
      .nullable()
      .meta({ description: 'Only what was modified since then is read; null = everything.' }),
    as_of: instant.nullable().meta({
      description: "The third party's own clock at the first page: where the next incremental run begins.",
    }),
    pages: count,
    records_read: count,
    records_new: count,
    records_changed: count,
    records_deleted: count,
    records_unchanged: count,
    records_failed: count,
    expected_records: count
      .nullable()
      .meta({ description: 'What the first page said the list holds; null = it did not say.' }),
    deletes_withheld: z.enum(['list_changed', 'needs_review']).nullable().meta({
      description:
        'Why missing records were not deleted. `list_changed`: the list moved while it was read. `needs_review`: too many, or nothing tells whether the list moved; see the deletion reviews.',
    }),
    attempts: count.meta({
      description: 'How often it was begun or begun again. Whether it failed is told by its state alone.',
    }),
    is_last_attempt_failed: z.boolean(),
    failing_since: instant.nullable(),
    waiting_reason: z.enum(['retry', 'outage', 'rate_limit', 'permits', 'paused', 'pushes']).nullable(),
    waiting_until: instant
      .nullable()
      .meta({ description: 'null = until somebody acts, or it does not wait.' }),
    error: orNull(syncError).meta({
      description: 'What the last attempt ended with; null once a page came through.',
    }),
    started_at: instant.nullable(),
    read_finished_at: instant
      .nullable()
      .meta({ description: 'When the last page was read; what is left then is to delete and to count.' }),
    finished_at: instant.nullable(),
    updated_at: instant,
  })
  .meta({ id: 'SyncJob' });

export function toWireRun(run: ListedSyncRun): z.output<typeof syncRun> {
  const { progress: counts } = run;
  return {
    id: toTypeId('run', run.syncRunId),
    integration_id: toTypeId('int', run.integrationId),
    kind: run.kind,
    scope: run.scope,
    record_types: run.recordTypes,
    state: run.state,
    started_by: run.startedBy,
    requested_at: toInstant(run.requestedAt),
    started_at: toInstantOrNull(run.startedAt),
    finished_at: toInstantOrNull(run.finishedAt),
    local_date: run.localDate,
    overview_id: run.overviewId === null ? null : toTypeId('ovw', run.overviewId),
    follows_sync_run_id: run.followsSyncRunId === null ? null : toTypeId('run', run.followsSyncRunId),
    successful_jobs: run.successfulJobs,
    failed_jobs: run.failedJobs,
    is_sync_finished: run.isSyncFinished,
    milestones: run.milestones.map(toInstant),
    cancel_requested_at: toInstantOrNull(run.cancelRequestedAt),
    canceled_by: run.canceledBy,
    progress: {
      records_read: counts.recordsRead,
      records_new: counts.recordsNew,
      records_changed: counts.recordsChanged,
      records_deleted: counts.recordsDeleted,
      records_unchanged: counts.recordsUnchanged,
      records_failed: counts.recordsFailed,
      expected_records: counts.expectedRecords,
      estimated_end_at: toInstantOrNull(counts.estimatedEndAt),
    },
  };
}

export function toWireJob(job: SyncJob): z.output<typeof syncJob> {
  const isMetadata = job.recordType === METADATA_JOB;
  const { recordType, direction } = directionOfJob(job.recordType);
  return {
    kind: isMetadata ? 'metadata' : 'dataset',
    record_type: isMetadata ? null : recordType,
    direction,
    state: job.state,
    modified_since: toInstantOrNull(job.modifiedSince),
    as_of: toInstantOrNull(job.asOf),
    pages: job.pages,
    records_read: job.recordsRead,
    records_new: job.recordsNew,
    records_changed: job.recordsChanged,
    records_deleted: job.recordsDeleted,
    records_unchanged: job.recordsUnchanged,
    records_failed: job.recordsFailed,
    expected_records: job.expectedRecords,
    deletes_withheld: job.deletesWithheld,
    attempts: job.attempts,
    is_last_attempt_failed: job.isLastAttemptFailed,
    failing_since: toInstantOrNull(job.failingSince),
    waiting_reason: job.waitingReason,
    waiting_until: toInstantOrNull(job.waitingUntil),
    error: job.error,
    started_at: toInstantOrNull(job.startedAt),
    read_finished_at: toInstantOrNull(job.readFinishedAt),
    finished_at: toInstantOrNull(job.finishedAt),
    updated_at: toInstant(job.updatedAt),
  };
}
