/**
 * All routes of the API. A new subject is a file and a line here, and a row per route in
 * `route-permissions.ts`.
 */
import { apiKeyRoutes } from './auth/api-key-routes';
import { consoleSignInRoutes } from './auth/console-sign-in-routes';
import { meRoutes } from './auth/me-routes';
import { peopleRoutes } from './auth/people-routes';
import { personSessionRoutes } from './auth/person-session-routes';
import { connectSessionRoutes } from './connect/connect-session-routes';
import { connectSettingsRoutes } from './connect/connect-settings-routes';
import { healthRoutes } from './http/health-routes';
import { appWebhookRoutes } from './incoming/app-webhook-routes';
import { incomingWebhookRoutes } from './incoming/incoming-webhook-routes';
import { connectorRoutes } from './integrations/connector-routes';
import { integrationLifecycleRoutes } from './integrations/integration-lifecycle-routes';
import { integrationRoutes } from './integrations/integration-routes';
import { mappingSampleRoutes } from './integrations/mappings/mapping-sample-routes';
import { metadataRoutes } from './integrations/metadata-routes';
import { oauthAppRoutes } from './integrations/oauth/oauth-app-routes';
import { onboardingRoutes } from './integrations/onboarding-routes';
import { notificationRoutes } from './notifications/notification-routes';
import { notificationSettingsRoutes } from './notifications/notification-settings-routes';
import { personEmailRoutes } from './notifications/person-email-routes';
import { operationRoutes } from './overviews/operation-routes';
import { overviewRoutes } from './overviews/overview-routes';
import { syncNowRoutes } from './overviews/sync-now-routes';
import { erasureRoutes } from './records/erasure-routes';
import { pushRoutes } from './records/push-routes';
import { recordBatchRoutes } from './records/record-batch-routes';
import { recordRoutes } from './records/record-routes';
import { recordSyncActionRoutes } from './records/record-sync-action-routes';
import { recordSyncRoutes } from './records/record-sync-routes';
import type { Route } from './routing/define-route';
import { streamRoutes } from './stream/stream-routes';
import { deletionReviewRoutes } from './sync-runs/deletion-review-routes';
import { outboxRoutes } from './platform/outbox-routes';
import { platformSessionRoutes } from './platform/platform-session-routes';
import { parkedWorkRoutes } from './sync-runs/parked-work-routes';
import { pushReviewRoutes } from './sync-runs/push-review-routes';
import { driftRoutes } from './sync-runs/drift-routes';
import { syncConflictRoutes } from './sync-runs/sync-conflict-routes';
import { syncRunDetailRoutes } from './sync-runs/sync-run-detail-routes';
import { syncRunRequestRoutes } from './sync-runs/sync-run-request-routes';
import { syncRunRoutes } from './sync-runs/sync-run-routes';
import { syncScheduleRoutes } from './sync-runs/sync-schedule-routes';
import { syncStatusRoutes } from './sync-runs/sync-status-routes';
import { syncSummaryRoutes } from './sync-runs/sync-summary-routes';
import { auditLogRoutes } from './tenants/audit-log-routes';
import { tenantDeletionRoutes } from './tenants/tenant-deletion-routes';
import { tenantExportRoutes } from './tenants/tenant-export-routes';
import { tenantRoutes } from './tenants/tenant-routes';
import { builderRoutes } from './third-parties/builder-routes';
import { definitionRoutes } from './third-parties/definition-routes';
import { platformDefinitionRoutes } from './third-parties/platform-definition-routes';
import { rolloutRoutes } from './third-parties/rollouts/rollout-routes';
import { stoppedRolloutRoutes } from './third-parties/rollouts/stopped-rollout-routes';
import { timeZoneRoutes } from './tenants/time-zone-routes';
import { webhookDeliveryRoutes } from './webhooks/delivery-routes';
import { webhookEndpointActionRoutes } from './webhooks/endpoint-action-routes';
import { webhookEndpointRoutes } from './webhooks/endpoint-routes';
import { eventRoutes } from './webhooks/event-routes';

export const routes: readonly Route[] = [
  ...healthRoutes,
  ...tenantRoutes,
  ...tenantDeletionRoutes,
  ...tenantExportRoutes,
  ...apiKeyRoutes,
  ...peopleRoutes,
  ...personEmailRoutes,
  ...personSessionRoutes,
  ...consoleSignInRoutes,
  ...platformSessionRoutes,
  ...meRoutes,
  ...connectorRoutes,
  ...builderRoutes,
  ...incomingWebhookRoutes,
  ...appWebhookRoutes,
  ...definitionRoutes,
  ...platformDefinitionRoutes,
  ...rolloutRoutes,
  ...stoppedRolloutRoutes,
  ...integrationRoutes,
  ...integrationLifecycleRoutes,
  ...oauthAppRoutes,
  ...connectSessionRoutes,
  ...connectSettingsRoutes,
  ...recordBatchRoutes,
  ...recordRoutes,
  ...erasureRoutes,
  ...recordSyncRoutes,
  ...recordSyncActionRoutes,
  ...overviewRoutes,
  ...syncNowRoutes,
  ...operationRoutes,
  ...syncRunRequestRoutes,
  ...syncRunRoutes,
  ...syncRunDetailRoutes,
  ...syncScheduleRoutes,
  ...onboardingRoutes,
  ...syncStatusRoutes,
  ...syncSummaryRoutes,
  ...mappingSampleRoutes,
  ...metadataRoutes,
  ...syncConflictRoutes,
  ...driftRoutes,
  ...deletionReviewRoutes,
  ...parkedWorkRoutes,
  ...outboxRoutes,
  ...pushReviewRoutes,
  ...pushRoutes,
  ...eventRoutes,
  ...webhookEndpointRoutes,
  ...webhookEndpointActionRoutes,
  ...webhookDeliveryRoutes,
  ...notificationRoutes,
  ...notificationSettingsRoutes,
  ...auditLogRoutes,
  ...streamRoutes,
  ...timeZoneRoutes,
];
