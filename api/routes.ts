/** All routes of the API. A new subject is a file and a line here, and a row per route in `access.ts`. */
import type { Authenticator } from './auth/api-key-auth';
import type { ApiDependencies } from './dependencies';
import type { Route } from './routing/define-route';
import { apiKeyRoutes } from './auth/api-key-routes';
import { auditLogRoutes } from './tenants/audit-log-routes';
import { connectorRoutes } from './integrations/connector-routes';
import { consoleSignInRoutes } from './auth/console-sign-in-routes';
import { deletionReviewRoutes } from './sync-runs/deletion-review-routes';
import { eventRoutes } from './webhooks/event-routes';
import { integrationLifeRoutes } from './integrations/integration-lifecycle-routes';
import { integrationRoutes } from './integrations/integration-routes';
import { meRoutes } from './auth/me-routes';
import { metadataRoutes } from './integrations/metadata-routes';
import { notificationRoutes } from './notifications/notification-routes';
import { notificationSettingsRoutes } from './notifications/notification-settings-routes';
import { onboardingRoutes } from './integrations/onboarding-routes';
import { operationRoutes } from './http/health-routes';
import { overviewRoutes } from './overviews/overview-routes';
import { peopleRoutes } from './auth/people-routes';
import { personSessionRoutes } from './auth/person-session-routes';
import { pushRoutes } from './records/push-routes';
import { recordBatchRoutes } from './records/record-batch-routes';
import { recordRoutes } from './records/record-routes';
import { recordSyncRoutes } from './records/record-sync-routes';
import { streamRoutes } from './stream/stream-routes';
import { syncConflictRoutes } from './sync-runs/sync-conflict-routes';
import { syncRunDetailRoutes } from './sync-runs/sync-run-detail-routes';
import { syncRunRequestRoutes } from './sync-runs/sync-run-requests';
import { syncRunRoutes } from './sync-runs/sync-run-routes';
import { syncScheduleRoutes } from './sync-runs/sync-schedule-routes';
import { syncStatusRoutes } from './sync-runs/sync-status-routes';
import { syncSummaryRoutes } from './sync-runs/sync-summary-routes';
import { tenantRoutes } from './tenants/tenant-routes';
import { timeZoneRoutes } from './tenants/time-zone-routes';
import { webhookDeliveryRoutes } from './webhooks/delivery-routes';
import { webhookEndpointRoutes } from './webhooks/endpoint-routes';

export function createRoutes(
  dependencies: ApiDependencies & { authenticator: Authenticator; openapi: () => object },
): readonly Route[] {
  return [
    ...operationRoutes(dependencies),
    ...tenantRoutes(dependencies),
    ...apiKeyRoutes,
    ...peopleRoutes(dependencies),
    ...personSessionRoutes,
    ...consoleSignInRoutes(dependencies),
    ...meRoutes(dependencies),
    ...connectorRoutes(dependencies),
    ...integrationRoutes(dependencies),
    ...integrationLifeRoutes(dependencies),
    ...recordBatchRoutes(dependencies),
    ...recordRoutes,
    ...recordSyncRoutes,
    ...overviewRoutes,
    ...syncRunRequestRoutes,
    ...syncRunRoutes,
    ...syncRunDetailRoutes,
    ...syncScheduleRoutes,
    ...onboardingRoutes,
    ...syncStatusRoutes,
    ...syncSummaryRoutes,
    ...metadataRoutes(dependencies),
    ...syncConflictRoutes,
    ...deletionReviewRoutes,
    ...pushRoutes,
    ...eventRoutes,
    ...webhookEndpointRoutes(dependencies),
    ...webhookDeliveryRoutes,
    ...notificationRoutes,
    ...notificationSettingsRoutes,
    ...auditLogRoutes,
    ...streamRoutes(dependencies),
    ...timeZoneRoutes,
  ];
}
