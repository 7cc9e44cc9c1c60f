/**
 * Names and messages of the schedules of an integration and of the workflows that they start. Permanent:
 * schedules carry them.
 */
import { defineSearchAttributeKey } from '@temporalio/common';
import { typeIdOf } from '../domain/typeid';

export const SCHEDULED_SYNC_WORKFLOW = 'scheduledSyncWorkflow';

export const SYNC_SCHEDULES = ['hourly', 'nightly'] as const;
type SyncSchedule = (typeof SYNC_SCHEDULES)[number];

interface ScheduleKey {
  integrationId: string;
  schedule: SyncSchedule;
}

/** One of each per integration that pulls: `sync-hourly:int_…`, `sync-nightly:int_…`. */
export function syncScheduleId({ integrationId, schedule }: ScheduleKey): string {
  return `sync-${schedule}:${typeIdOf('int', integrationId)}`;
}

/** A schedule that starts nothing: its note is the newest mark of the database. */
export function databaseMarkScheduleId(installationId: string): string {
  return `database-mark:${installationId}`;
}

/** Temporal appends the scheduled time: `scheduled-sync:hourly:int_…-2026-11-21T10:17:00Z`. */
export function scheduledSyncWorkflowId({ integrationId, schedule }: ScheduleKey): string {
  return `scheduled-sync:${schedule}:${typeIdOf('int', integrationId)}`;
}

/** Set by Temporal on workflows that a schedule starts. */
export const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

export interface ScheduledSyncInput extends ScheduleKey {
  tenantId: string;
}

export interface RequestScheduledSyncInput extends ScheduledSyncInput {
  /** The scheduled time, in milliseconds since 1970. */
  scheduledAt: number;
}

/**
 * The outcome of one scheduled start. `nothing`: no run was due (the integration was deleted, has no such
 * schedule, or is being onboarded), or its run had been requested before.
 */
export interface ScheduledSyncResult {
  outcome:
    | 'requested'
    | 'skipped_overlap'
    | 'skipped_paused'
    | 'skipped_needs_reauthorization'
    | 'skipped_already_ran'
    | 'nothing';
  /** `run_…`: the requested run, or the run because of which this one was skipped. */
  syncRunId: string | null;
}
