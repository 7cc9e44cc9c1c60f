import type { Generated } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type {
  OverviewAction,
  OverviewInvalidity,
  OverviewJobState,
  OverviewState,
} from '../../domain/overviews/overview';
import type { SyncDirection } from '../../domain/records/mapping-directions';
import type { SyncError } from '../../domain/sync-error';
import type { Json } from './json-column';

export interface OverviewsTable {
  tenantId: string;
  overviewId: string;
  integrationId: string;
  state: OverviewState;
  requestedBy: string;
  personId: string | null;
  requestedAt: Date;
  generatedAt: Date | null;
  expiresAt: Date | null;
  appliedSyncRunId: string | null;
  invalidAt: Date | null;
  invalidReason: OverviewInvalidity | null;
  invalidBy: string | null;
  replacedByOverviewId: string | null;
  replacedBySyncRunId: string | null;
  dataDeletedAt: Date | null;
}

export interface OverviewJobsTable {
  tenantId: string;
  overviewId: string;
  recordType: string;
  direction: SyncDirection;
  state: OverviewJobState;
  cursor: string | null;
  pages: Generated<number>;
  repeatedPages: Generated<number>;
  readFinishedAt: Date | null;
  /** How far the comparison with what the pages showed has come. */
  comparedPart: Generated<number>;
  afterRecordId: string | null;
  comparedWith: 'third_party' | 'last_push' | null;
  expectedRecords: number | null;
  recordsRead: Generated<number>;
  creates: Generated<number>;
  updates: Generated<number>;
  deletes: Generated<number>;
  unchanged: Generated<number>;
  notPossible: Generated<number>;
  attempts: Generated<number>;
  failingSince: Date | null;
  waitingUntil: Date | null;
  error: Json<SyncError | null> | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  updatedAt: Date;
}

export interface OverviewPagesTable {
  tenantId: string;
  overviewId: string;
  recordType: string;
  direction: SyncDirection;
  page: number;
  idsDigest: string;
  seen: string[];
}

export interface OverviewItemsTable {
  tenantId: string;
  overviewId: string;
  overviewItemId: string;
  direction: SyncDirection;
  recordType: string;
  action: OverviewAction;
  recordId: string | null;
  externalId: string | null;
  remoteId: string | null;
  baseVersion: number | null;
  remoteHash: string | null;
  before: Json<JsonObject | null> | null;
  after: Json<JsonObject | null> | null;
  reason: string | null;
  outcome: 'applied' | 'skipped' | null;
}
