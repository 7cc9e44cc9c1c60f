/** What the schedules of an integration and the workflow that each tick starts agree on. Names are permanent: schedules carry them. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { typeIdOf } from '../domain/typeid';

export const SCHEDULED_SYNC_WORKFLOW = 'scheduledSyncWorkflow';

export const SYNC_SCHEDULES = ['hourly', 'nightly'] as const;
export type SyncSchedule = (typeof SYNC_SCHEDULES)[number];

interface Place {
  integrationId: string;
  schedule: SyncSchedule;
}

/** One of each per integration that pulls: `sync-hourly:int_…`, `sync-nightly:int_…`. */
export function syncScheduleId({ integrationId, schedule }: Place): string {
  return `sync-${schedule}:${typeIdOf('int', integrationId)}`;
}

/** Temporal adds the time that the tick stands for: `sync-tick:hourly:int_…-2026-11-21T10:17:00Z`. */
export function scheduledSyncWorkflowId({ integrationId, schedule }: Place): string {
  return `sync-tick:${schedule}:${typeIdOf('int', integrationId)}`;
}

/** Set by Temporal on what a schedule starts. */
export const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

export interface ScheduledSyncInput extends Place {
  tenantId: string;
}

export interface RequestScheduledSyncInput extends ScheduledSyncInput {
  /** The time it stands for, in milliseconds since 1970. */
  scheduledAt: number;
}

/** What a tick came to. `nothing`: it was not for us (the integration is gone, has no such schedule, is being onboarded), or its run was there already. */
export interface ScheduledSyncResult {
  outcome:
    | 'requested'
    | 'skipped_overlap'
    | 'skipped_paused'
    | 'skipped_needs_reauthorization'
    | 'skipped_already_ran'
    | 'nothing';
  /** `run_…`: the run that was asked for, or the one that was in the way. */
  syncRunId: string | null;
}
