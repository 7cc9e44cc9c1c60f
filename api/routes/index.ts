/** All routes of the API. A new subject is a file and a line here, and a row per route in `access.ts`. */
import type { Authenticator } from '../authenticator';
import type { ApiDependencies } from '../dependencies';
import type { Route } from '../route';
import { apiKeyRoutes } from './api-keys';
import { auditLogRoutes } from './audit-log';
import { connectorRoutes } from './connectors';
import { integrationLifeRoutes } from './integration-life';
import { integrationRoutes } from './integrations';
import { notificationRoutes } from './notifications';
import { operationRoutes } from './operations';
import { pushRoutes } from './pushes';
import { recordBatchRoutes } from './record-batch';
import { recordRoutes } from './records';
import { recordSyncRoutes } from './record-syncs';
import { streamRoutes } from './stream';
import { tenantRoutes } from './tenants';
import { timeZoneRoutes } from './time-zones';

export function createRoutes(dependencies: ApiDependencies & { authenticator: Authenticator; openapi: () => object }): readonly Route[] {
  return [
    ...operationRoutes(dependencies),
    ...tenantRoutes,
    ...apiKeyRoutes,
    ...connectorRoutes(dependencies),
    ...integrationRoutes(dependencies),
    ...integrationLifeRoutes(dependencies),
    ...recordBatchRoutes(dependencies),
    ...recordRoutes,
    ...recordSyncRoutes,
    ...pushRoutes,
    ...notificationRoutes,
    ...auditLogRoutes,
    ...streamRoutes(dependencies),
    ...timeZoneRoutes,
  ];
}
