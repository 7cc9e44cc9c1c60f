/** The JSON of sync runs and their jobs (rules.md 28, 30, 33 to 36). */
import { z } from 'zod';
import { directionOfJob } from '../../domain/overviews/overview';
import { toTypeId } from '../../db/sql/ids';
import type { SyncJob } from '../../db/pull/job-rows';
import type { ListedSyncRun } from '../../db/sync-runs/sync-runs';
import { METADATA_JOB } from '../../db/tables/pull';
import {
  JOB_STATES,
  RUN_KINDS,
  RUN_SCOPES,
  RUN_STATES,
  WATERMARK_KEPT,
} from '../../domain/sync-runs/sync-run';
import {
  instant,
  orNull,
  recordTypeName,
  syncError,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';

const runKind = z.enum(RUN_KINDS).meta({
  id: 'SyncRunKind',
  description: [
    '- `onboarding`: the initial load: all records, once after linking.',
    '- `hourly`: records modified since the last successful run, and metadata.',
    '- `nightly`: all records, deletions and metadata.',
    '- `sign_in`: modified records, because a user signed in.',
    '- `last_day`: records modified in the last 24 hours, on request.',
    '- `incremental`: modified records, on request.',
    '- `full`: all records, on request or because of a mapping change.',
    '- `drift_repair`: all records of the types whose totals differed.',
    '- `webhook`: the records that webhooks of the app have named.',
  ].join('\n'),
});
const runState = z.enum(RUN_STATES).meta({
  id: 'SyncRunState',
  description: [
    'The state follows from the jobs:',
    '- `queued`: requested, not started.',
    '- `running`: at least one job is active.',
    '- `waiting`: all unfinished jobs wait; each shows the reason and until when.',
    '- `succeeded`: all records were read and imported.',
    '- `partially_succeeded`: some jobs failed and some succeeded, or some records could not be imported or were held back.',
    '- `failed`: no job succeeded.',
    '- `canceled`: a user canceled the run before its jobs were done.',
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
      description: 'Records that could not be imported; see the errors of the run.',
    }),
    records_held_back: count.meta({
      description:
        'Records that were read and left for a later run: `just_pushed` and `may_be_our_creation` in the errors ' +
        'of the run. The next incremental run reads them again. `records_read` is the sum of new, changed, ' +
        'unchanged, failed and held back records.',
    }),
    records_skipped: count.meta({
      description: 'Reviewed changes of a Sync Now that were not applied because a side has changed since.',
    }),
    expected_records: count
      .nullable()
      .meta({ description: 'null = the app does not tell, or a dataset has not started.' }),
    estimated_end_at: instant
      .nullable()
      .meta({ description: 'The estimated end at the current rate; null = unknown.' }),
  })
  .meta({ id: 'SyncRunProgress' });

export const syncRun = z
  .object({
    id: typeId('run'),
    integration_id: typeId('int'),
    kind: runKind,
    stands_for: z.array(runKind).meta({
      description: 'The kinds of the requests that the run covers, for example of a schedule that joined it.',
    }),
    scope: z.enum(RUN_SCOPES).meta({
      description:
        '`modified`: records modified since the last successful run. `last_day`: records ' +
        'modified in the last 24 hours. `full`: all records; only this finds deletions.',
    }),
    record_types: z
      .array(recordTypeName)
      .nullable()
      .meta({ description: 'null = all record types that the integration pulls.' }),
    state: runState,
    started_by: z.string().meta({ description: 'Who or what requested the run.', example: 'key:payroll' }),
    requested_at: instant,
    started_at: instant.nullable(),
    finished_at: instant.nullable(),
    local_date: z.string().nullable().meta({
      description: "For a nightly run, its schedule date in the tenant's time zone.",
      format: 'date',
      example: '2026-11-21',
    }),
    overview_id: typeId('ovw').nullable().meta({ description: 'The Sync Overview that the run applies.' }),
    follows_sync_run_id: typeId('run')
      .nullable()
      .meta({ description: 'The run after which this one was queued.' }),
    successful_jobs: count,
    failed_jobs: count.meta({
      description: 'Jobs that have failed; while the run continues, also jobs whose last attempt failed.',
    }),
    is_sync_finished: z.boolean(),
    milestones: z
      .array(instant)
      .meta({ description: 'The times at which the run had continued for another 12 hours.' }),
    cancel_requested_at: instant
      .nullable()
      .meta({ description: 'When canceling was requested. Active jobs end at their next page.' }),
    canceled_by: z.string().nullable(),
    progress,
  })
  .meta({ id: 'SyncRun' });

export const syncJob = z
  .object({
    kind: z.enum(['dataset', 'metadata']),
    record_type: recordTypeName.nullable().meta({ description: 'null for metadata.' }),
    direction: z.enum(['pull', 'push', 'verify']).meta({
      description:
        '`push`: a job of a Sync Now that pushes; its records are the pushed ones. `verify`: compares ' +
        'what was pushed with what the app holds, for record types that are only pushed.',
    }),
    state: z.enum(JOB_STATES).meta({
      id: 'SyncJobState',
      description:
        '`waiting`: see `waiting_reason`. `not_supported`: the connector cannot read this record ' +
        'type; the job counts as complete, but not as a success.',
    }),
    modified_since: instant
      .nullable()
      .meta({ description: 'Only records modified since this time are read; null = all records.' }),
    as_of: instant.nullable().meta({
      description: "The app's clock at the first page. The next incremental run starts from this time.",
    }),
    pages: count,
    records_read: count,
    records_new: count,
    records_changed: count,
    records_deleted: count,
    records_unchanged: count,
    records_failed: count,
    records_held_back: count,
    records_skipped: count,
    expected_records: count
      .nullable()
      .meta({ description: 'The total that the first page reported; null = it reported none.' }),
    watermark_kept: z
      .enum(WATERMARK_KEPT)
      .nullable()
      .meta({
        description:
          'Why the next incremental run reads again from where this one began. `held_back`: records were ' +
          'held back that may be creations of Syncline. `just_pushed`: records were pushed while they were read. `list_changed`: the list changed while it was read, so a record may be missing.',
      }),
    webhooks_missed: count.nullable().meta({
      description:
        'Changes that the run found and no webhook of the app had announced. null = webhooks are not set up ' +
        'for the record type, or were not when it was last read.',
    }),
    deletes_withheld: z
      .enum(['list_changed', 'needs_review'])
      .nullable()
      .meta({
        description:
          'Why missing records were not deleted. `list_changed`: the list changed while it was ' +
          'read. `needs_review`: too many records, or it is unknown whether the list changed; see ' +
          'the deletion reviews.',
      }),
    attempts: count.meta({
      description: 'The number of starts, including restarts. Only the state tells whether the job failed.',
    }),
    is_last_attempt_failed: z.boolean(),
    failing_since: instant.nullable(),
    waiting_reason: z.enum(['retry', 'outage', 'rate_limit', 'permits', 'paused', 'pushes']).nullable(),
    waiting_until: instant
      .nullable()
      .meta({ description: 'null = the job does not wait, or waits for an action by a user.' }),
    error: orNull(syncError).meta({
      description: 'The error of the last attempt; null once a page was read successfully.',
    }),
    started_at: instant.nullable(),
    read_finished_at: instant
      .nullable()
      .meta({ description: 'When the last page was read. Deleting and counting follow.' }),
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
    stands_for: run.standsFor.length === 0 ? [run.kind] : run.standsFor,
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
      records_held_back: counts.recordsHeldBack,
      records_skipped: counts.recordsSkipped,
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
    records_held_back: job.recordsHeldBack,
    records_skipped: job.recordsSkipped,
    watermark_kept: job.watermarkKept,
    expected_records: job.expectedRecords,
    webhooks_missed: job.webhooksMissed,
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
