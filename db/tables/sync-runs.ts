import type { Generated } from 'kysely';
import type { RunKind, RunScope, RunState } from '../../domain/sync-runs/sync-run';
import type { Json } from './json-column';

export interface SyncRunsTable {
  tenantId: string;
  syncRunId: string;
  integrationId: string;
  kind: RunKind;
  /** The kinds of the requests that the run covers. */
  standsFor: Generated<RunKind[]>;
  /** A person asked for it, or joined it. */
  isAwaited: Generated<boolean>;
  scope: RunScope;
  /** null = all record types that the integration pulls. */
  recordTypes: string[] | null;
  startedBy: string;
  /** The overview that it applies. */
  overviewId: Generated<string | null>;
  /** `YYYY-MM-DD` */
  localDate: string | null;
  followsSyncRunId: string | null;
  requestedAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  cancelRequestedAt: Date | null;
  canceledBy: string | null;
  state: RunState;
  successfulJobs: Generated<number>;
  failedJobs: Generated<number>;
  isSyncFinished: Generated<boolean>;
  milestones: Generated<Date[]>;
}

export interface StatusOfRecordType {
  record_type: string;
  syncline: number | null;
  app: number | null;
  difference: number | null;
  /** RFC 3339; when the third party's records were counted. */
  counted_at: string | null;
}

export interface SyncStatusesTable {
  tenantId: string;
  syncStatusId: string;
  integrationId: string;
  syncRunId: string;
  app: string;
  accountName: string;
  asOf: Date;
  totalDifference: number | null;
  totalSyncline: number | null;
  totalApp: number | null;
  breakdown: Json<StatusOfRecordType[]>;
}

export interface SkippedRunsTable {
  tenantId: string;
  skippedRunId: string;
  integrationId: string;
  schedule: 'hourly' | 'nightly';
  scheduledAt: Date;
  reason: 'skipped_overlap' | 'skipped_paused' | 'skipped_needs_reauthorization' | 'skipped_already_ran';
  syncRunId: string | null;
  at: Date;
}

export interface SyncRunPushesTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  recordId: string;
  version: number;
  madeDueAt: Date;
  outcome: 'synced' | 'sync_failed' | 'left' | null;
}

export interface CompanySyncsTable {
  tenantId: string;
  synchronizedAt: Date | null;
  failedAt: Date | null;
}

/** The next time of a schedule (db/sync-runs/sync-schedules.ts). */
export interface SyncSchedulesTable {
  tenantId: string;
  integrationId: string;
  schedule: 'hourly' | 'nightly';
  basis: string;
  nextAt: Date;
}
