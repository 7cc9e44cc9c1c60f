/** The tables as Kysely sees them: camelCase here, snake_case in PostgreSQL (migrations/). Instants are Dates, durations milliseconds. */
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { JsonObject } from '../domain/json';
import type { RecordTypeMapping } from '../domain/mapping';
import type { StartedBecause } from '../domain/window';
import type { SyncError } from '../domain/sync-error';

/** Stored as jsonb: read as values, written as text that is JSON already. */
type Json<T> = ColumnType<T, string, string>;

export type RecordTypeMappings = Record<string, RecordTypeMapping>;
export type ApiKeyRole = 'viewer' | 'operator' | 'admin';
export type SettledStatus = 'synced' | 'sync_failed';
export type PushResultKind = 'succeeded' | 'failed' | 'superseded' | 'no_net_change' | 'discarded' | 'left' | 'closed';
export type PushEffect = 'created' | 'updated' | 'deactivated' | 'deleted' | 'none';

export interface TenantsTable {
  tenantId: string;
  name: string;
  timeZone: string;
  contactEmail: string | null;
  version: Generated<number>;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
}

export interface TenantKeysTable {
  tenantId: string;
  tenantKeyId: string;
  wrappedKey: string;
  createdAt: Generated<Date>;
}

export interface ApiKeysTable {
  tenantId: string;
  apiKeyId: string;
  publicId: string;
  secretHash: Buffer;
  name: string;
  role: ApiKeyRole;
  createdBy: string;
  createdAt: Generated<Date>;
  expiresAt: Date;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

export interface IdempotencyKeysTable {
  tenantId: string;
  idempotencyKey: string;
  fingerprint: Buffer;
  status: number;
  response: Json<unknown>;
  createdAt: Generated<Date>;
}

/** What the last check that somebody asked for came to. */
export interface LastCheck {
  /** RFC 3339. */
  at: string;
  ok: boolean;
  kind: CheckFailure | null;
  /** For people: the third party's words where it said any. */
  message: string;
}
export type CheckFailure = 'unavailable' | 'rate_limited' | 'unauthorized' | 'record_rejected' | 'internal';

export interface IntegrationsTable {
  tenantId: string;
  integrationId: string;
  connector: string;
  app: string;
  accountName: string;
  config: Json<JsonObject>;
  recordTypes: Json<RecordTypeMappings>;
  mappingVersion: Generated<number>;
  /** Sealed (delivery-proof text of db/sealing.ts); never leaves the database layer in the clear except towards a connector. */
  credentials: string | null;
  credentialsUpdatedAt: Date | null;
  gracePeriodMs: number;
  maxWaitMs: number | null;
  initialPush: 'all' | 'none';
  pausedAt: Date | null;
  needsReauthorizationAt: Date | null;
  blockedUntil: Date | null;
  blockedBecause: 'outage' | 'rate_limit' | null;
  blockedDetail: string | null;
  outageSince: Date | null;
  failedProbes: Generated<number>;
  lastCheck: Json<LastCheck | null> | null;
  backfillReason: 'initial' | 'mapping_changed' | null;
  backfillCursor: string | null;
  version: Generated<number>;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  deletedAt: Date | null;
}

export interface RecordsTable {
  tenantId: string;
  recordId: string;
  recordType: string;
  externalId: string;
  version: number;
  fields: Json<JsonObject>;
  occurredAt: Date;
  changedAt: Date;
  changedBy: string;
  deletedAt: Date | null;
  createdAt: Date;
}

export interface RecordChangesTable {
  tenantId: string;
  recordId: string;
  changeId: string;
  version: number;
  outcome: 'applied' | 'stale';
  isDelete: boolean;
  changedFields: string[];
  changedBy: string;
  occurredAt: Date;
  changedAt: Date;
  requestId: string;
}

export interface RecordLinksTable {
  tenantId: string;
  integrationId: string;
  recordId: string;
  remoteId: string;
  remoteVersion: string | null;
  /** The last payload both sides agreed on. */
  agreed: Json<JsonObject>;
  isDeactivated: boolean;
  updatedAt: Date;
}

export type RecordSyncStatus = 'synced' | 'sync_failed' | 'syncing' | 'sync_pending';

export interface RecordSyncsTable {
  tenantId: string;
  integrationId: string;
  recordId: string;
  relevantVersion: number;
  windowOpenedAt: Date | null;
  dueAt: Date | null;
  windowReason: StartedBecause | null;
  windowFields: Generated<string[]>;
  windowChangedBy: Generated<string[]>;
  isBackfill: Generated<boolean>;
  heldAt: Date | null;
  heldBy: string | null;
  pushId: string | null;
  pushVersion: number | null;
  pushHash: string | null;
  pushRefusals: Generated<number>;
  isPushFailing: Generated<boolean>;
  claimId: string | null;
  leaseUntil: Date | null;
  nextAttemptAt: Date | null;
  giveUpAt: Date | null;
  settledStatus: SettledStatus | null;
  concludedVersion: number | null;
  concludedHash: string | null;
  errors: Json<SyncError[] | null> | null;
  lastPushId: string | null;
  unresolvedPushId: string | null;
  lastSyncedAt: Date | null;
  discardedAt: Date | null;
  discardedBy: string | null;
  status: GeneratedAlways<RecordSyncStatus | null>;
  wakeAt: GeneratedAlways<Date | null>;
}

export interface PushesTable {
  tenantId: string;
  pushId: string;
  integrationId: string;
  recordId: string;
  recordVersion: number;
  mappingVersion: number;
  operation: 'upsert' | 'deactivate' | 'delete' | 'leave';
  startedBecause: StartedBecause;
  changedFields: string[];
  changedBy: string[];
  payload: Json<JsonObject | null> | null;
  result: PushResultKind | null;
  effect: PushEffect | null;
  remoteId: string | null;
  errors: Json<SyncError[] | null> | null;
  attempts: number;
  startedAt: Date;
  lastAttemptAt: Date | null;
  finishedAt: Date | null;
}

export interface OutboxTable {
  outboxId: GeneratedAlways<number>;
  tenantId: string;
  lane: 'record_push';
  subjectId: string;
  wakeAt: Date;
  leasedUntil: Date | null;
  createdAt: Generated<Date>;
}

export type NotificationKind = 'integration_needs_reauthorization' | 'integration_unavailable';

export interface NotificationsTable {
  tenantId: string;
  notificationId: string;
  kind: NotificationKind;
  integrationId: string;
  detail: string;
  createdAt: Date;
  resolvedAt: Date | null;
}

export interface AuditLogTable {
  tenantId: string;
  auditId: string;
  actor: string;
  action: string;
  target: string | null;
  detail: Json<JsonObject>;
  ip: string | null;
  requestId: string;
  at: Generated<Date>;
}

export interface StreamEventsTable {
  tenantId: string;
  streamEventId: GeneratedAlways<number>;
  transactionId: Generated<string>;
  topic: string;
  body: Json<JsonObject>;
  createdAt: Generated<Date>;
}

export interface Tables {
  tenants: TenantsTable;
  tenantKeys: TenantKeysTable;
  apiKeys: ApiKeysTable;
  idempotencyKeys: IdempotencyKeysTable;
  integrations: IntegrationsTable;
  records: RecordsTable;
  recordChanges: RecordChangesTable;
  recordLinks: RecordLinksTable;
  recordSyncs: RecordSyncsTable;
  pushes: PushesTable;
  outbox: OutboxTable;
  notifications: NotificationsTable;
  auditLog: AuditLogTable;
  streamEvents: StreamEventsTable;
}
