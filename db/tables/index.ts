/** The tables as Kysely sees them: camelCase here, snake_case in PostgreSQL (migrations/). Instants are Dates, durations milliseconds. */
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import type { StartedBecause } from '../../domain/push/debounce-window';
import type { SyncError } from '../../domain/sync-error';
import type { JobState, JobWait, RunKind, RunScope, RunState } from '../../domain/sync-runs/sync-run';
import type {
  OperationKind,
  OverviewAction,
  OverviewInvalidity,
  OverviewJobState,
  OverviewState,
  SyncDirection,
} from '../../domain/overviews/overview';
import type { EventType } from '../../domain/webhooks/event-catalogue';
import type { MetadataChangeKind } from '../../domain/records/metadata-change';
import type { NotificationDecision, NotificationKind } from '../../domain/notifications/notification-kinds';
import type { RecordTypeField } from '../../domain/records/record-type';

/** Stored as jsonb: read as values, written as text that is JSON already. */
type Json<T> = ColumnType<T, string, string>;

export type ApiKeyRole = 'viewer' | 'operator' | 'admin';
export type ResultStatus = 'synced' | 'sync_failed';
export type PushResultKind =
  | 'succeeded'
  | 'failed'
  | 'superseded'
  | 'no_net_change'
  | 'discarded'
  | 'left'
  | 'closed';
export type PushEffect = 'created' | 'updated' | 'deactivated' | 'deleted' | 'none';

export interface TenantsTable {
  tenantId: string;
  name: string;
  timeZone: string;
  contactEmail: string | null;
  companySynchronizedPolicy: Generated<CompanySynchronizedPolicy>;
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
  /** Sealed (delivery-proof text of db/platform/encryption.ts); never leaves the database layer in the clear except towards a connector. */
  credentials: string | null;
  credentialsUpdatedAt: Date | null;
  gracePeriodMs: number;
  maxWaitMs: number | null;
  initialPush: 'all' | 'none';
  pausedAt: Date | null;
  needsReauthorizationAt: Date | null;
  blockedUntil: Date | null;
  blockedReason: 'outage' | 'rate_limit' | null;
  blockedDetail: string | null;
  outageSince: Date | null;
  failedProbes: Generated<number>;
  lastCheck: Json<LastCheck | null> | null;
  backfillReason: 'initial' | 'mapping_changed' | null;
  backfillCursor: string | null;
  onboardingStartedAt: Date | null;
  onboardedAt: Date | null;
  onboardingFailedAt: Date | null;
  firstSyncCompletedAt: Date | null;
  companySynchronizedPolicy: CompanySynchronizedPolicy | null;
  isHourlySyncOn: Generated<boolean>;
  /** `HH:MM` in the tenant's time zone; null = no nightly run. */
  nightlySyncAt: Generated<string | null>;
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
  recordType: string;
  remoteId: string;
  remoteKey: GeneratedAlways<number>;
  remoteVersion: string | null;
  /** What the third party held when we last read it; null = not read since it changed. */
  remoteHash: string | null;
  /** The last payload both sides agreed on; null where we only read. */
  agreed: Json<JsonObject | null> | null;
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
  resultStatus: ResultStatus | null;
  resultVersion: number | null;
  resultHash: string | null;
  errors: Json<SyncError[] | null> | null;
  lastPushId: string | null;
  unresolvedPushId: string | null;
  lastSyncedAt: Date | null;
  discardedAt: Date | null;
  discardedBy: string | null;
  status: GeneratedAlways<RecordSyncStatus | null>;
  nextDueAt: GeneratedAlways<Date | null>;
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

/**
 * What an outbox row wakes: the lane of an integration's pushes, its sync runs, its schedules, one e-mail, a webhook endpoint's deliveries, an overview, or what becomes of a
 * notification where one person is concerned (first, and once it was viewed).
 */
export type OutboxTopic =
  | 'record_push'
  | 'sync_run'
  | 'sync_schedule'
  | 'email'
  | 'webhook_endpoint'
  | 'overview'
  | 'notification'
  | 'notification_viewed';

export interface OutboxTable {
  outboxId: GeneratedAlways<number>;
  tenantId: string;
  topic: OutboxTopic;
  subjectId: string;
  nextDueAt: Date;
  leasedUntil: Date | null;
  createdAt: Generated<Date>;
}

export interface NotificationsTable {
  tenantId: string;
  notificationId: string;
  kind: NotificationKind;
  integrationId: string | null;
  overviewId: string | null;
  syncRunId: string | null;
  webhookEndpointId: string | null;
  detail: string;
  createdAt: Date;
  resolvedAt: Date | null;
}

/** How somebody came to see a notification (rules.md 25). */
export type ViewedHow = 'seen' | 'opened' | 'target_opened' | 'marked';

export interface NotificationRecipientsTable {
  tenantId: string;
  notificationRecipientId: string;
  notificationId: string;
  personId: string;
  operationId: string | null;
  visibleAt: Date;
  revealedAt: Date | null;
  emailAt: Date | null;
  viewedAt: Date | null;
  viewedHow: ViewedHow | null;
  decision: NotificationDecision | null;
  decisionReason: string | null;
  decidedAt: Date | null;
  emailId: string | null;
  emailWithdrawnReason: EmailWithdrawal | null;
}

export interface NotificationSettingsTable {
  tenantId: string;
  isEmailOn: Generated<boolean>;
  emailDelaySeconds: Generated<number>;
  version: Generated<number>;
  updatedAt: Date;
}

export interface UndeliverableAddressesTable {
  tenantId: string;
  personId: string;
  email: string;
  detail: string;
  refusedAt: Date;
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

export interface SyncRunsTable {
  tenantId: string;
  syncRunId: string;
  integrationId: string;
  kind: RunKind;
  scope: RunScope;
  /** null = all that the integration pulls. */
  recordTypes: string[] | null;
  startedBy: string;
  /** The snapshot that it applies. */
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

/** The `record_type` of the job that reads metadata. */
export const METADATA_JOB = '';

export interface SyncJobsTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  state: JobState;
  modifiedSince: Date | null;
  cursor: string | null;
  pages: Generated<number>;
  repeatedPages: Generated<number>;
  asOf: Date | null;
  readFinishedAt: Date | null;
  remoteTotal: number | null;
  expectedRecords: number | null;
  recordsRead: Generated<number>;
  recordsNew: Generated<number>;
  recordsChanged: Generated<number>;
  recordsDeleted: Generated<number>;
  recordsUnchanged: Generated<number>;
  recordsFailed: Generated<number>;
  deletesWithheld: 'list_changed' | 'needs_review' | null;
  hasTombstones: Generated<boolean>;
  /** Nothing of the type was linked when it began, and every page since held nothing but new records. */
  isInitialLoad: Generated<boolean>;
  attempts: Generated<number>;
  failingSince: Date | null;
  isLastAttemptFailed: Generated<boolean>;
  error: Json<SyncError | null> | null;
  waitingUntil: Date | null;
  waitingReason: JobWait | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  updatedAt: Date;
}

export interface SyncPagesTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  page: number;
  idsDigest: string;
  seen: string[] | null;
  created: string[];
  changed: Json<{ record_id: string; fields: string[] }[]>;
  deleted: string[];
  at: Date;
}

export interface SyncRecordErrorsTable {
  tenantId: string;
  syncRunId: string;
  syncRecordErrorId: string;
  recordType: string;
  remoteId: string | null;
  code: string;
  message: string;
  at: Date;
}

export interface SyncDatasetsTable {
  tenantId: string;
  integrationId: string;
  recordType: string;
  watermark: Date | null;
  isInitial: boolean;
  initialState: 'succeeded' | 'failed' | 'not_supported' | null;
  lastSucceededAt: Date | null;
  fullSucceededAt: Date | null;
  localTotal: number | null;
  remoteTotal: number | null;
  countedAt: Date | null;
  knownDifference: number | null;
}

export interface StatusOfRecordType {
  record_type: string;
  syncline: number | null;
  app: number | null;
  difference: number | null;
  /** RFC 3339; when theirs were counted. */
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
  reason: 'skipped_overlap' | 'skipped_paused' | 'skipped_needs_reauthorization' | 'skipped_done_tonight';
  syncRunId: string | null;
  at: Date;
}

export interface DeletionReviewsTable {
  tenantId: string;
  deletionReviewId: string;
  integrationId: string;
  syncRunId: string;
  recordType: string;
  recordIds: string[];
  recordsHeld: number;
  state: 'pending' | 'approved' | 'discarded' | 'superseded';
  recordsDeleted: number | null;
  decidedBy: string | null;
  decidedAt: Date | null;
  createdAt: Date;
}

export interface KnownRecordTypesTable {
  tenantId: string;
  integrationId: string;
  recordType: string;
  label: string;
  fields: Json<RecordTypeField[]>;
  seenAt: Date;
  removedAt: Date | null;
}

export interface MetadataChangesTable {
  tenantId: string;
  metadataChangeId: string;
  integrationId: string;
  syncRunId: string;
  recordType: string;
  kind: MetadataChangeKind;
  field: string | null;
  detail: Json<JsonObject>;
  at: Date;
}

export interface SyncConflictsTable {
  tenantId: string;
  syncConflictId: string;
  integrationId: string;
  syncRunId: string;
  recordType: string;
  remoteId: string;
  recordId: string | null;
  kind: 'field_changed_on_both_sides' | 'ambiguous_match';
  field: string | null;
  ours: Json<unknown> | null;
  theirs: Json<unknown> | null;
  winner: 'ours' | 'theirs' | null;
  detail: string;
  at: Date;
}

export interface MatchKeysTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  value: string;
  recordId: string;
}

export interface RateLimitsTable {
  tenantId: string;
  integrationId: string;
  ratePerSecond: number | null;
  ceilingPerSecond: number | null;
  tokens: Generated<number>;
  refilledAt: Date;
  slowedAt: Date | null;
  requestsCounted: Generated<number>;
  countingSince: Date;
  quotaLimit: number | null;
  quotaRemaining: number | null;
  quotaReportedAt: Date | null;
  quotaResetsAt: Date | null;
}

export interface EmailsTable {
  tenantId: string;
  emailId: string;
  kind: string;
  recipient: string;
  content: Json<JsonObject>;
  attempts: Generated<number>;
  lastError: string | null;
  createdAt: Date;
  sentAt: Date | null;
  failedAt: Date | null;
  personId: string | null;
  attemptedAt: Date | null;
  withdrawnAt: Date | null;
  withdrawnReason: EmailWithdrawal | null;
}

/** Why an e-mail did not leave after all. */
export type EmailWithdrawal = Exclude<NotificationDecision, 'emailed'> | 'digest';

/** What a person may do; the same three as an API key's. */
export type PersonRole = ApiKeyRole;
export type PersonTokenKind = 'first_admin' | 'invitation' | 'password_reset';

export interface PeopleTable {
  tenantId: string;
  personId: string;
  name: string;
  /** Unique over the installation, whatever its case. */
  email: string;
  role: PersonRole;
  /** argon2id in its usual text form; null = none chosen yet. */
  passwordHash: string | null;
  disabledAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  lastSignedInAt: Date | null;
  version: Generated<number>;
}

export interface PersonTokensTable {
  tenantId: string;
  personTokenId: string;
  personId: string;
  kind: PersonTokenKind;
  /** SHA-256 of the token. */
  tokenHash: Buffer;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
  usedAt: Date | null;
}

/** What a session holds once somebody has signed in; before that only what a sign-in elsewhere has to bring back. */
export interface SignedIn {
  tenantId: string;
  personId: string;
  sessionId: string;
  /** RFC 3339. */
  at: string;
  ip: string | null;
  userAgent: string | null;
}

/** Written by connect-pg-simple; read here. */
export interface ConsoleSessionsTable {
  /** SHA-256 of what the browser holds, in hex. */
  sid: string;
  sess: Json<{ signedIn?: SignedIn }>;
  expire: Date;
  tenantId: GeneratedAlways<string | null>;
  personId: GeneratedAlways<string | null>;
  sessionId: GeneratedAlways<string | null>;
}

export interface SignInFailuresTable {
  /** SHA-256 of the account's or the network's name. */
  subject: Buffer;
  failures: number;
  since: Date;
}

export interface OperationsTable {
  tenantId: string;
  operationId: string;
  kind: OperationKind;
  integrationId: string;
  overviewId: string | null;
  syncRunId: string | null;
  requestedBy: string;
  personId: string | null;
  requestedAt: Date;
  endedAt: Date | null;
  answeredAt: Date | null;
}

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

export interface SyncRunPushesTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  recordId: string;
  version: number;
  madeDueAt: Date;
  outcome: 'synced' | 'sync_failed' | 'left' | null;
}

export type CompanySynchronizedPolicy = 'all_datasets' | 'first_dataset';

export interface EventSequencesTable {
  tenantId: string;
  lastSequence: number;
}

export interface EventsTable {
  tenantId: string;
  eventId: string;
  sequence: number;
  type: EventType;
  integrationId: string | null;
  /** The body as receivers get it. */
  payload: Json<JsonObject>;
  createdAt: Date;
}

/** A secret that signs, sealed; all but the first end at `expiresAt` (RFC 3339). */
export interface EncryptedSecret {
  encrypted: string;
  expiresAt: string | null;
}

export interface WebhookEndpointsTable {
  /** `PLATFORM_TENANT_ID` where it is told of all tenants. */
  tenantId: string;
  webhookEndpointId: string;
  url: string;
  description: string;
  eventTypes: EventType[] | null;
  integrationIds: string[] | null;
  ratePerSecond: number | null;
  secrets: Json<EncryptedSecret[]>;
  disabledAt: Date | null;
  disabledReason: 'by_hand' | 'gone' | 'failing' | null;
  failingSince: Date | null;
  failedAttempts: Generated<number>;
  failedMessages: Generated<number>;
  warnedAt: Date | null;
  blockedUntil: Date | null;
  version: Generated<number>;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

export type DeliveryState = 'pending' | 'retrying' | 'delivered' | 'failed' | 'disabled';

export interface WebhookDeliveriesTable {
  tenantId: string;
  webhookDeliveryId: string;
  webhookEndpointId: string;
  eventId: string;
  state: DeliveryState;
  trigger: 'event' | 'resend' | 'recover' | 'test';
  attempts: Generated<number>;
  nextAttemptAt: Date | null;
  claimId: string | null;
  leaseUntil: Date | null;
  lastStatus: number | null;
  lastError: string | null;
  createdAt: Date;
  finishedAt: Date | null;
}

export interface WebhookAttemptsTable {
  tenantId: string;
  webhookDeliveryId: string;
  attempt: number;
  at: Date;
  durationMs: number;
  status: number | null;
  error: string | null;
  requestHeaders: Json<Record<string, string>>;
  responseHeaders: Json<Record<string, string> | null> | null;
  responseBody: string | null;
}

export interface CompanySyncsTable {
  tenantId: string;
  synchronizedAt: Date | null;
  failedAt: Date | null;
}

/** Owns the endpoints that are told of all tenants. */
export const PLATFORM_TENANT_ID = '00000000-0000-0000-0000-000000000000';

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
  notificationRecipients: NotificationRecipientsTable;
  notificationSettings: NotificationSettingsTable;
  undeliverableAddresses: UndeliverableAddressesTable;
  auditLog: AuditLogTable;
  streamEvents: StreamEventsTable;
  operations: OperationsTable;
  overviews: OverviewsTable;
  overviewJobs: OverviewJobsTable;
  overviewPages: OverviewPagesTable;
  overviewItems: OverviewItemsTable;
  syncRunPushes: SyncRunPushesTable;
  syncRuns: SyncRunsTable;
  syncJobs: SyncJobsTable;
  syncPages: SyncPagesTable;
  syncRecordErrors: SyncRecordErrorsTable;
  syncDatasets: SyncDatasetsTable;
  syncStatuses: SyncStatusesTable;
  skippedRuns: SkippedRunsTable;
  deletionReviews: DeletionReviewsTable;
  knownRecordTypes: KnownRecordTypesTable;
  metadataChanges: MetadataChangesTable;
  syncConflicts: SyncConflictsTable;
  matchKeys: MatchKeysTable;
  rateLimits: RateLimitsTable;
  emails: EmailsTable;
  people: PeopleTable;
  personTokens: PersonTokensTable;
  consoleSessions: ConsoleSessionsTable;
  signInFailures: SignInFailuresTable;
  eventSequences: EventSequencesTable;
  events: EventsTable;
  webhookEndpoints: WebhookEndpointsTable;
  webhookDeliveries: WebhookDeliveriesTable;
  webhookAttempts: WebhookAttemptsTable;
  companySyncs: CompanySyncsTable;
}
