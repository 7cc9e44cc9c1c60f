/** Pages of the operators of the platform, below `/platform`. They need a sign-in with the platform key. */
import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { asProblem } from './api/client';
import { rootRoute } from './root-route';
import { builderSearch, rolloutSearch, signInSearch, tenantsSearch } from './search';
import { platformSessionQuery } from './session/platform-session';

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/platform/sign-in',
  validateSearch: signInSearch,
  component: lazyRouteComponent(() => import('./session/PlatformSignInPage'), 'PlatformSignInPage'),
});

const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'platform-shell',
  component: lazyRouteComponent(() => import('./shell/PlatformShell'), 'PlatformShell'),
  async beforeLoad({ context, location }) {
    try {
      await context.queryClient.ensureQueryData(platformSessionQuery);
    } catch (error) {
      if (asProblem(error).status === 401)
        throw redirect({ to: '/platform/sign-in', search: { to: location.href } });
      throw error;
    }
  },
});

const inShell = { getParentRoute: () => shellRoute };

const homeRoute = createRoute({
  ...inShell,
  path: '/platform',
  beforeLoad() {
    throw redirect({ to: '/platform/outbox', replace: true });
  },
});

const outboxRoute = createRoute({
  ...inShell,
  path: '/platform/outbox',
  component: lazyRouteComponent(() => import('./pages/platform/OutboxPage'), 'OutboxPage'),
});

const tenantsRoute = createRoute({
  ...inShell,
  path: '/platform/tenants',
  validateSearch: tenantsSearch,
  component: lazyRouteComponent(() => import('./pages/platform/TenantsPage'), 'TenantsPage'),
});

const tenantRoute = createRoute({
  ...inShell,
  path: '/platform/tenants/$tenantId',
  component: lazyRouteComponent(() => import('./pages/platform/TenantPage'), 'TenantPage'),
});

const builderRoute = createRoute({
  ...inShell,
  path: '/platform/definition-builder',
  validateSearch: builderSearch,
  component: lazyRouteComponent(() => import('./pages/platform/builder/BuilderPage'), 'BuilderPage'),
});

const definitionsRoute = createRoute({
  ...inShell,
  path: '/platform/definitions',
  component: lazyRouteComponent(
    () => import('./pages/platform/definitions/DefinitionsPage'),
    'DefinitionsPage',
  ),
});

const definitionRoute = createRoute({
  ...inShell,
  path: '/platform/definitions/$definitionKey',
  component: lazyRouteComponent(
    () => import('./pages/platform/definitions/DefinitionPage'),
    'DefinitionPage',
  ),
});

const rolloutRoute = createRoute({
  ...inShell,
  path: '/platform/definitions/$definitionKey/rollouts/$rolloutId',
  validateSearch: rolloutSearch,
  component: lazyRouteComponent(() => import('./pages/platform/definitions/RolloutPage'), 'RolloutPage'),
});

const oauthAppsRoute = createRoute({
  ...inShell,
  path: '/platform/oauth-apps',
  component: lazyRouteComponent(() => import('./pages/oauth-apps/OAuthAppsPage'), 'PlatformOAuthAppsPage'),
});

const oauthAppRoute = createRoute({
  ...inShell,
  path: '/platform/oauth-apps/$oauthAppId',
  component: lazyRouteComponent(() => import('./pages/oauth-apps/OAuthAppPage'), 'PlatformOAuthAppPage'),
});

const auditLogRoute = createRoute({
  ...inShell,
  path: '/platform/audit-log',
  component: lazyRouteComponent(
    () => import('./pages/platform/PlatformAuditLogPage'),
    'PlatformAuditLogPage',
  ),
});

export const platformRoutes = [
  signInRoute,
  shellRoute.addChildren([
    homeRoute,
    outboxRoute,
    tenantsRoute,
    tenantRoute,
    definitionsRoute,
    builderRoute,
    definitionRoute,
    rolloutRoute,
    oauthAppsRoute,
    oauthAppRoute,
    auditLogRoute,
  ]),
] as const;
