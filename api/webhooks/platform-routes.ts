/**
 * Webhook endpoints exist twice (rules.md 43): those of a tenant, and those of the platform, which receive
 * the events of all tenants. The routes are declared for tenants and derived for the platform.
 */
import type { Route } from '../routing/define-route';

/** The same route under /v1/platform, for the platform key. */
export function toPlatformRoute(route: Route): Route {
  if (route.scope !== 'tenant') throw new Error(`${route.path} is not a route of tenants.`);
  return {
    ...route,
    scope: 'platform',
    path: route.path.replace(/^\/v1\//, '/v1/platform/'),
    operationId: `${route.operationId}OfPlatform`,
    summary: `${route.summary} (platform)`,
  };
}
