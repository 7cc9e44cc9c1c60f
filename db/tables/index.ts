/** Every table by name, as Kysely sees it: camelCase here, snake_case in PostgreSQL (db/migrations). */
import type { ConnectSessionsTable, ConnectSettingsTable } from './connect';
import type {
  ErasedHashesTable,
  ErasureItemsTable,
  ErasureKeysTable,
  ErasuresTable,
  TenantDeletionsTable,
} from './erasures';
import type { IncomingAddressesTable, IncomingChangesTable } from './incoming';
import type {
  IntegrationTrialsTable,
  IntegrationsTable,
  RemoteRecordTypesTable,
  MetadataChangesTable,
  RateLimitsTable,
} from './integrations';
import type {
  EmailsTable,
  NotificationRecipientsTable,
  NotificationSettingsTable,
  NotificationsTable,
  OperationsTable,
  UndeliverableAddressesTable,
} from './notifications';
import type { OAuthAccountsTable, OAuthAppsTable, OAuthAppWebhooksTable, OAuthConsentsTable } from './oauth';
import type { OverviewItemsTable, OverviewJobsTable, OverviewPagesTable, OverviewsTable } from './overviews';
import type {
  AuditLogTable,
  BackgroundTasksTable,
  IdempotencyKeysTable,
  InstallationsTable,
  LeasesTable,
  OperatorFindingsTable,
  OutboxTable,
  RunningWorkTable,
  StreamEventsTable,
  TenantKeysTable,
} from './platform';
import type {
  DeletionReviewsTable,
  DriftsTable,
  EmptiedRecordsTable,
  MatchKeysTable,
  MissingRecordsTable,
  SyncConflictsTable,
  SyncDatasetsTable,
  SyncJobsTable,
  SyncPagesTable,
  SyncRangesTable,
  SyncRecordErrorsTable,
} from './pull';
import type {
  BrakeCountsTable,
  RemoteClaimsTable,
  PushesTable,
  PushReviewsTable,
  RecordChangesTable,
  RecordCountsTable,
  PushReferencesTable,
  RecordLinksTable,
  ReferencePromisesTable,
  OutageGiveUpsTable,
  RecordSyncsTable,
  RecordsTable,
} from './records';
import type {
  CompanySyncsTable,
  SkippedRunsTable,
  SyncRunPushesTable,
  SyncRunsTable,
  SyncSchedulesTable,
  SyncStatusesTable,
} from './sync-runs';
import type {
  DefinitionRolloutIntegrationsTable,
  DefinitionRolloutsTable,
  ThirdPartyDefinitionsTable,
  ThirdPartyDefinitionVersionsTable,
} from './third-parties';
import type {
  ApiKeysTable,
  ConsoleSessionsTable,
  PeopleTable,
  PersonIdentitiesTable,
  PersonTokensTable,
  SignInFailuresTable,
  TenantsTable,
} from './tenants';
import type {
  EventSequencesTable,
  EventsTable,
  WebhookAttemptsTable,
  WebhookDeliveriesTable,
  WebhookEndpointsTable,
} from './webhooks';

export interface Tables {
  tenants: TenantsTable;
  tenantDeletions: TenantDeletionsTable;
  tenantKeys: TenantKeysTable;
  apiKeys: ApiKeysTable;
  idempotencyKeys: IdempotencyKeysTable;
  installations: InstallationsTable;
  leases: LeasesTable;
  operatorFindings: OperatorFindingsTable;
  integrations: IntegrationsTable;
  integrationTrials: IntegrationTrialsTable;
  oauthApps: OAuthAppsTable;
  oauthAppWebhooks: OAuthAppWebhooksTable;
  oauthAccounts: OAuthAccountsTable;
  oauthConsents: OAuthConsentsTable;
  thirdPartyDefinitions: ThirdPartyDefinitionsTable;
  thirdPartyDefinitionVersions: ThirdPartyDefinitionVersionsTable;
  definitionRollouts: DefinitionRolloutsTable;
  definitionRolloutIntegrations: DefinitionRolloutIntegrationsTable;
  incomingAddresses: IncomingAddressesTable;
  incomingChanges: IncomingChangesTable;
  connectSessions: ConnectSessionsTable;
  connectSettings: ConnectSettingsTable;
  records: RecordsTable;
  recordChanges: RecordChangesTable;
  recordCounts: RecordCountsTable;
  recordLinks: RecordLinksTable;
  pushReferences: PushReferencesTable;
  referencePromises: ReferencePromisesTable;
  outageGiveUps: OutageGiveUpsTable;
  recordSyncs: RecordSyncsTable;
  pushes: PushesTable;
  pushReviews: PushReviewsTable;
  brakeCounts: BrakeCountsTable;
  remoteClaims: RemoteClaimsTable;
  outbox: OutboxTable;
  runningWork: RunningWorkTable;
  backgroundTasks: BackgroundTasksTable;
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
  syncRanges: SyncRangesTable;
  syncRecordErrors: SyncRecordErrorsTable;
  syncDatasets: SyncDatasetsTable;
  syncStatuses: SyncStatusesTable;
  syncSchedules: SyncSchedulesTable;
  skippedRuns: SkippedRunsTable;
  deletionReviews: DeletionReviewsTable;
  emptiedRecords: EmptiedRecordsTable;
  remoteRecordTypes: RemoteRecordTypesTable;
  metadataChanges: MetadataChangesTable;
  syncConflicts: SyncConflictsTable;
  matchKeys: MatchKeysTable;
  drifts: DriftsTable;
  missingRecords: MissingRecordsTable;
  rateLimits: RateLimitsTable;
  emails: EmailsTable;
  people: PeopleTable;
  personIdentities: PersonIdentitiesTable;
  personTokens: PersonTokensTable;
  consoleSessions: ConsoleSessionsTable;
  signInFailures: SignInFailuresTable;
  eventSequences: EventSequencesTable;
  events: EventsTable;
  webhookEndpoints: WebhookEndpointsTable;
  webhookDeliveries: WebhookDeliveriesTable;
  webhookAttempts: WebhookAttemptsTable;
  companySyncs: CompanySyncsTable;
  erasures: ErasuresTable;
  erasureItems: ErasureItemsTable;
  erasedHashes: ErasedHashesTable;
  erasureKeys: ErasureKeysTable;
}
