/** All routes of the API. A new subject is a file and a line here, and a row per route in `access.ts`. */
import type { Authenticator } from '../authenticator';
import type { ApiDependencies } from '../dependencies';
import type { Route } from '../route';
import { apiKeyRoutes } from './api-keys';
import { auditLogRoutes } from './audit-log';
import { connectorRoutes } from './connectors';
import { consoleSignInRoutes } from './console-sign-in';
import { deletionReviewRoutes } from './deletion-reviews';
import { eventRoutes } from './events';
import { integrationLifeRoutes } from './integration-life';
import { integrationRoutes } from './integrations';
import { meRoutes } from './me';
import { metadataRoutes } from './metadata';
import { notificationRoutes } from './notifications';
import { notificationSettingsRoutes } from './notification-settings';
import { onboardingRoutes } from './onboarding';
import { operationRoutes } from './operations';
import { overviewRoutes } from './overviews';
import { peopleRoutes } from './people';
import { personSessionRoutes } from './person-sessions';
import { pushRoutes } from './pushes';
import { recordBatchRoutes } from './record-batch';
import { recordRoutes } from './records';
import { recordSyncRoutes } from './record-syncs';
import { streamRoutes } from './stream';
import { syncConflictRoutes } from './sync-conflicts';
import { syncRunDetailRoutes } from './sync-run-details';
import { syncRunRequestRoutes } from './sync-run-requests';
import { syncRunRoutes } from './sync-runs';
import { syncScheduleRoutes } from './sync-schedules';
import { syncStatusRoutes } from './sync-status';
import { tenantRoutes } from './tenants';
import { timeZoneRoutes } from './time-zones';
import { webhookDeliveryRoutes } from './webhook-deliveries';
import { webhookEndpointRoutes } from './webhook-endpoints';

export function createRoutes(dependencies: ApiDependencies & { authenticator: Authenticator; openapi: () => object }): readonly Route[] {
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
