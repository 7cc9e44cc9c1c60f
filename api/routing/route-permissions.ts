/**
 * The permissions of all routes. A route without a row, or a row without a route, stops the process at start.
 *
 *   public    needs no authentication
 *   platform  needs the platform key, which belongs to the team that runs Syncline
 *   viewer    a role within a tenant: reads
 *   operator  also changes records and starts syncs
 *   admin     also changes integrations, people, keys and webhook endpoints, and approves deletions and
 *             pushes
 * Each role includes the ones above it.
 *
 * Routes that need authentication are mounted twice: under /v1 for keys, and under /console/v1 for sessions
 * of the console: of people, or of operators who signed in with the platform key. Routes that begin with
 * /console/v1 in this table exist for sessions only. Keys do not work under /console/v1, nor cookies under
 * /v1.
 */
import type { ApiKeyRole } from '../../db/tables/tenants';
import type { Route } from './define-route';

export type Access = 'public' | 'platform' | ApiKeyRole;

export const ROUTE_PERMISSIONS: Readonly<Record<string, Access>> = {
  'GET /livez': 'public',
  'GET /readyz': 'public',
  'GET /openapi.json': 'public',

  'POST /v1/tenants': 'platform',
  'GET /v1/tenants': 'platform',
  'GET /v1/tenants/{tenant_id}': 'platform',
  'PATCH /v1/tenants/{tenant_id}': 'platform',
  'DELETE /v1/tenants/{tenant_id}': 'platform',
  'GET /v1/tenants/{tenant_id}/deletion': 'platform',
  'GET /v1/tenants/{tenant_id}/export': 'platform',
  'POST /v1/tenants/{tenant_id}/api-keys': 'platform',

  'GET /v1/platform/audit-log': 'platform',
  'GET /v1/platform/outbox': 'platform',
  'POST /v1/platform/outbox/{message_id}/retry': 'platform',
  'GET /v1/platform/webhook-endpoints': 'platform',
  'POST /v1/platform/webhook-endpoints': 'platform',
  'GET /v1/platform/webhook-endpoints/{endpoint_id}': 'platform',
  'PATCH /v1/platform/webhook-endpoints/{endpoint_id}': 'platform',
  'DELETE /v1/platform/webhook-endpoints/{endpoint_id}': 'platform',
  'POST /v1/platform/webhook-endpoints/{endpoint_id}/rotate-secret': 'platform',
  'POST /v1/platform/webhook-endpoints/{endpoint_id}/test': 'platform',
  'POST /v1/platform/webhook-endpoints/{endpoint_id}/disable': 'platform',
  'POST /v1/platform/webhook-endpoints/{endpoint_id}/enable': 'platform',
  'POST /v1/platform/webhook-endpoints/{endpoint_id}/recover': 'platform',
  'GET /v1/platform/webhook-deliveries': 'platform',
  'GET /v1/platform/webhook-deliveries/{delivery_id}': 'platform',
  'POST /v1/platform/webhook-deliveries/{delivery_id}/resend': 'platform',

  'GET /v1/platform/oauth-apps': 'platform',
  'POST /v1/platform/oauth-apps': 'platform',
  'GET /v1/platform/oauth-apps/{oauth_app_id}': 'platform',
  'PATCH /v1/platform/oauth-apps/{oauth_app_id}': 'platform',
  'DELETE /v1/platform/oauth-apps/{oauth_app_id}': 'platform',
  'GET /v1/platform/oauth-apps/{oauth_app_id}/incoming-webhooks': 'platform',
  'POST /v1/platform/oauth-apps/{oauth_app_id}/incoming-webhooks/address': 'platform',
  'GET /v1/platform/oauth-apps/{oauth_app_id}/incoming-webhooks/definitions': 'platform',
  'DELETE /v1/platform/oauth-apps/{oauth_app_id}/incoming-webhooks/address': 'platform',
  'PUT /v1/platform/oauth-apps/{oauth_app_id}/incoming-webhooks/secret': 'platform',

  'GET /v1/tenant': 'viewer',
  'PATCH /v1/tenant': 'admin',
  'GET /v1/tenant/export': 'admin',
  'GET /v1/api-keys': 'admin',
  'POST /v1/api-keys': 'admin',
  'DELETE /v1/api-keys/{api_key_id}': 'admin',

  'POST /v1/tenants/{tenant_id}/first-admin': 'platform',
  'GET /v1/people': 'admin',
  'POST /v1/people': 'admin',
  'GET /v1/people/{person_id}': 'admin',
  'PATCH /v1/people/{person_id}': 'admin',
  'DELETE /v1/people/{person_id}': 'admin',
  'POST /v1/people/{person_id}/invitation': 'admin',
  'DELETE /v1/people/{person_id}/email-refusal': 'admin',
  'DELETE /v1/people/{person_id}/identities': 'admin',
  'GET /v1/people/{person_id}/sessions': 'admin',
  'DELETE /v1/people/{person_id}/sessions/{session_id}': 'admin',

  'GET /console/v1/sign-in': 'public',
  'POST /console/v1/sign-in': 'public',
  'POST /console/v1/passwords': 'public',
  'GET /console/v1/oidc': 'public',
  'GET /console/v1/oidc/callback': 'public',
  'POST /console/v1/sign-out': 'viewer',
  'POST /console/v1/platform/sign-in': 'public',
  'POST /console/v1/platform/sign-out': 'platform',
  'GET /console/v1/platform/session': 'platform',
  'GET /console/v1/me': 'viewer',
  'POST /console/v1/me/password': 'viewer',
  'GET /console/v1/me/sessions': 'viewer',
  'DELETE /console/v1/me/sessions/{session_id}': 'viewer',

  'GET /v1/connectors': 'viewer',
  'GET /v1/connectors/{kind}': 'viewer',

  'GET /v1/third-party-definitions': 'viewer',
  'GET /v1/third-party-definitions/{definition_key}': 'viewer',
  'GET /v1/third-party-definition-schema': 'viewer',
  'POST /v1/third-party-definitions/draft': 'admin',
  'POST /v1/third-party-definitions/try': 'admin',
  'POST /v1/platform/third-party-definitions/draft': 'platform',
  'POST /v1/platform/third-party-definitions/try': 'platform',
  'GET /v1/platform/stopped-rollouts': 'platform',
  'GET /v1/platform/third-party-definitions': 'platform',
  'POST /v1/platform/third-party-definitions': 'platform',
  'GET /v1/platform/third-party-definitions/{definition_key}/versions': 'platform',
  'GET /v1/platform/third-party-definitions/{definition_key}/versions/{version}': 'platform',
  'GET /v1/platform/third-party-definitions/{definition_key}/integrations': 'platform',
  'GET /v1/platform/third-party-definitions/{definition_key}/rollouts': 'platform',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts': 'platform',
  'GET /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}': 'platform',
  'GET /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/integrations': 'platform',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/approve': 'platform',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/pause': 'platform',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/resume': 'platform',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/cancel': 'platform',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/retry': 'platform',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/roll-back': 'platform',

  'GET /v1/integrations': 'viewer',
  'POST /v1/integrations': 'admin',
  'GET /v1/integrations/{integration_id}': 'viewer',
  'PATCH /v1/integrations/{integration_id}': 'admin',
  'DELETE /v1/integrations/{integration_id}': 'admin',
  'PUT /v1/integrations/{integration_id}/credentials': 'admin',
  'POST /v1/integrations/{integration_id}/pause': 'operator',
  'POST /v1/integrations/{integration_id}/resume': 'operator',
  'POST /v1/integrations/{integration_id}/check': 'operator',
  'POST /v1/integrations/{integration_id}/mapping-preview': 'admin',
  'POST /v1/integrations/{integration_id}/sync-runs': 'operator',
  'GET /v1/integrations/{integration_id}/differences': 'viewer',
  'GET /v1/integrations/{integration_id}/incoming-webhooks': 'viewer',
  'POST /v1/integrations/{integration_id}/incoming-webhooks/address': 'admin',
  'PUT /v1/integrations/{integration_id}/incoming-webhooks/secret': 'admin',
  'POST /v1/connect-sessions': 'admin',
  'GET /v1/connect-sessions': 'admin',
  'GET /v1/connect-sessions/{connect_session_id}': 'admin',
  'POST /v1/connect-sessions/{connect_session_id}/cancel': 'admin',
  'GET /v1/connect-settings': 'viewer',
  'PATCH /v1/connect-settings': 'admin',
  'GET /v1/integrations/{integration_id}/record-types': 'viewer',
  'GET /v1/integrations/{integration_id}/sync-schedule': 'viewer',
  'GET /v1/integrations/{integration_id}/skipped-runs': 'viewer',

  'GET /v1/oauth-apps': 'viewer',
  'POST /v1/oauth-apps': 'admin',
  'GET /v1/oauth-apps/{oauth_app_id}': 'viewer',
  'PATCH /v1/oauth-apps/{oauth_app_id}': 'admin',
  'DELETE /v1/oauth-apps/{oauth_app_id}': 'admin',
  'GET /v1/oauth-apps/{oauth_app_id}/incoming-webhooks': 'admin',
  'POST /v1/oauth-apps/{oauth_app_id}/incoming-webhooks/address': 'admin',
  'GET /v1/oauth-apps/{oauth_app_id}/incoming-webhooks/definitions': 'admin',
  'DELETE /v1/oauth-apps/{oauth_app_id}/incoming-webhooks/address': 'admin',
  'PUT /v1/oauth-apps/{oauth_app_id}/incoming-webhooks/secret': 'admin',

  'POST /v1/records/batch': 'operator',
  'GET /v1/records/{record_type}': 'viewer',
  'GET /v1/records/{record_type}/{external_id}': 'viewer',
  'PUT /v1/records/{record_type}/{external_id}': 'operator',
  'PATCH /v1/records/{record_type}/{external_id}': 'operator',
  'DELETE /v1/records/{record_type}/{external_id}': 'operator',

  'GET /v1/erasures': 'admin',
  'POST /v1/erasures': 'admin',
  'GET /v1/erasures/{erasure_id}': 'admin',
  'POST /v1/erasures/{erasure_id}/confirm': 'admin',
  'POST /v1/erasures/{erasure_id}/lift': 'admin',

  'GET /v1/record-syncs': 'viewer',
  'POST /v1/record-syncs/retry': 'operator',
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/push-now': 'operator',
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/hold': 'operator',
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/release': 'operator',
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/discard': 'operator',
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/retry': 'operator',

  'POST /v1/integrations/{integration_id}/overviews': 'operator',
  'POST /v1/integrations/{integration_id}/sync-now': 'operator',
  'GET /v1/operations/{operation_id}': 'viewer',
  'GET /v1/overviews': 'viewer',
  'GET /v1/overviews/{overview_id}': 'viewer',
  'GET /v1/overviews/{overview_id}/items': 'viewer',

  'GET /v1/sync-runs': 'viewer',
  'GET /v1/sync-runs/{sync_run_id}': 'viewer',
  'GET /v1/sync-runs/{sync_run_id}/jobs': 'viewer',
  'GET /v1/sync-runs/{sync_run_id}/changes': 'viewer',
  'GET /v1/sync-runs/{sync_run_id}/errors': 'viewer',
  'POST /v1/sync-runs/{sync_run_id}/cancel': 'operator',
  'POST /v1/sign-ins': 'operator',
  'GET /v1/onboarding': 'viewer',
  'GET /v1/sync-status': 'viewer',
  'GET /v1/sync-summary': 'viewer',
  'GET /v1/metadata-changes': 'viewer',
  'GET /v1/drifts': 'viewer',
  'GET /v1/sync-conflicts': 'viewer',
  'POST /v1/sync-conflicts/{sync_conflict_id}/decide': 'operator',
  'POST /v1/sync-conflicts/decide-alike': 'operator',
  'POST /v1/drifts/decide': 'operator',
  'GET /v1/parked-work': 'viewer',
  'POST /v1/parked-work/{work_id}/retry': 'admin',
  'GET /v1/push-reviews': 'viewer',
  'GET /v1/push-reviews/{push_review_id}': 'viewer',
  'GET /v1/push-reviews/{push_review_id}/records': 'viewer',
  'POST /v1/push-reviews/{push_review_id}/approve': 'admin',
  'POST /v1/push-reviews/{push_review_id}/discard': 'admin',
  'GET /v1/deletion-reviews': 'viewer',
  'GET /v1/deletion-reviews/{deletion_review_id}': 'viewer',
  'GET /v1/deletion-reviews/{deletion_review_id}/records': 'viewer',
  'POST /v1/deletion-reviews/{deletion_review_id}/approve': 'admin',
  'POST /v1/deletion-reviews/{deletion_review_id}/discard': 'admin',

  'GET /v1/events': 'viewer',
  'GET /v1/webhook-endpoints': 'viewer',
  'POST /v1/webhook-endpoints': 'admin',
  'GET /v1/webhook-endpoints/{endpoint_id}': 'viewer',
  'PATCH /v1/webhook-endpoints/{endpoint_id}': 'admin',
  'DELETE /v1/webhook-endpoints/{endpoint_id}': 'admin',
  'POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret': 'admin',
  'POST /v1/webhook-endpoints/{endpoint_id}/test': 'operator',
  'POST /v1/webhook-endpoints/{endpoint_id}/disable': 'admin',
  'POST /v1/webhook-endpoints/{endpoint_id}/enable': 'admin',
  'POST /v1/webhook-endpoints/{endpoint_id}/recover': 'operator',
  'GET /v1/webhook-deliveries': 'viewer',
  'GET /v1/webhook-deliveries/{delivery_id}': 'viewer',
  'POST /v1/webhook-deliveries/{delivery_id}/resend': 'operator',

  'GET /v1/pushes': 'viewer',
  'GET /v1/pushes/{push_id}': 'viewer',
  'GET /v1/notifications': 'viewer',
  'GET /v1/notifications/unread': 'viewer',
  'POST /v1/notifications/viewed': 'viewer',
  'POST /v1/notifications/{notification_id}/viewed': 'viewer',
  'GET /v1/notification-settings': 'viewer',
  'PATCH /v1/notification-settings': 'admin',
  'PATCH /v1/notification-settings/own': 'viewer',
  'GET /v1/audit-log': 'admin',
  'GET /v1/stream': 'viewer',
  'GET /v1/time-zones': 'viewer',
};

/**
 * Throws unless the table and the routes match, and every route that changes something has an action for the
 * audit log.
 */
export function checkPermissions(routes: readonly Route[]): void {
  const served = new Set(routes.map(nameOf));
  const withoutRow = [...served].filter((name) => ROUTE_PERMISSIONS[name] === undefined);
  const withoutRoute = Object.keys(ROUTE_PERMISSIONS).filter((name) => !served.has(name));
  const withoutAction = routes
    .filter((route) => route.method !== 'get' && route.action === undefined)
    .map(nameOf);
  if (withoutRow.length > 0)
    throw new Error(`Routes without a row in api/routing/route-permissions.ts: ${withoutRow.join(', ')}.`);
  if (withoutRoute.length > 0)
    throw new Error(`Rows in api/routing/route-permissions.ts without a route: ${withoutRoute.join(', ')}.`);
  if (withoutAction.length > 0)
    throw new Error(`Routes without an action for the audit log: ${withoutAction.join(', ')}.`);
}

const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string =>
  `${method.toUpperCase()} ${path}`;

export function permissionOf(route: Pick<Route, 'method' | 'path'>): Access {
  const access = ROUTE_PERMISSIONS[nameOf(route)];
  if (access === undefined) throw new Error(`${nameOf(route)} has no row in route-permissions.ts.`);
  return access;
}

const RANK: Readonly<Record<ApiKeyRole, number>> = { viewer: 1, operator: 2, admin: 3 };

export const lesserRole = (one: ApiKeyRole, other: ApiKeyRole): ApiKeyRole =>
  RANK[one] < RANK[other] ? one : other;

export const isConsoleOnly = (path: string): boolean => path.startsWith('/console/');

export function includesRole(held: ApiKeyRole, needed: ApiKeyRole): boolean {
  return RANK[held] >= RANK[needed];
}
