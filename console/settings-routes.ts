/** Pages of the company's settings, people, webhooks and erasures. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { auditSearch, webhookSearch, webhooksSearch } from './search';
import { inShell } from './shell-route';

const accountRoute = createRoute({
  ...inShell,
  path: '/account',
  component: lazyRouteComponent(() => import('./pages/account/AccountPage'), 'AccountPage'),
});

const peopleRoute = createRoute({
  ...inShell,
  path: '/settings/people',
  component: lazyRouteComponent(() => import('./pages/settings/PeoplePage'), 'PeoplePage'),
});

const webhooksRoute = createRoute({
  ...inShell,
  path: '/webhooks',
  validateSearch: webhooksSearch,
  component: lazyRouteComponent(() => import('./pages/webhooks/WebhooksPage'), 'WebhooksPage'),
});

const webhookEndpointRoute = createRoute({
  ...inShell,
  path: '/webhooks/$endpointId',
  validateSearch: webhookSearch,
  component: lazyRouteComponent(() => import('./pages/webhooks/EndpointPage'), 'EndpointPage'),
});

const webhookDeliveryRoute = createRoute({
  ...inShell,
  path: '/webhook-deliveries/$deliveryId',
  component: lazyRouteComponent(() => import('./pages/webhooks/DeliveryPage'), 'DeliveryPage'),
});

const settingsRoute = createRoute({
  ...inShell,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/settings/SettingsPage'), 'SettingsPage'),
});

const apiKeysRoute = createRoute({
  ...inShell,
  path: '/settings/api-keys',
  component: lazyRouteComponent(() => import('./pages/settings/ApiKeysPage'), 'ApiKeysPage'),
});

const oauthAppsRoute = createRoute({
  ...inShell,
  path: '/settings/oauth-apps',
  component: lazyRouteComponent(() => import('./pages/oauth-apps/OAuthAppsPage'), 'OAuthAppsPage'),
});

const oauthAppRoute = createRoute({
  ...inShell,
  path: '/settings/oauth-apps/$oauthAppId',
  component: lazyRouteComponent(() => import('./pages/oauth-apps/OAuthAppPage'), 'OAuthAppPage'),
});

const erasuresRoute = createRoute({
  ...inShell,
  path: '/erasures',
  component: lazyRouteComponent(() => import('./pages/erasures/ErasuresPage'), 'ErasuresPage'),
});

const erasureRoute = createRoute({
  ...inShell,
  path: '/erasures/$erasureId',
  component: lazyRouteComponent(() => import('./pages/erasures/ErasurePage'), 'ErasurePage'),
});

const auditLogRoute = createRoute({
  ...inShell,
  path: '/settings/audit-log',
  validateSearch: auditSearch,
  component: lazyRouteComponent(() => import('./pages/settings/AuditLogPage'), 'AuditLogPage'),
});

export const settingsRoutes = [
  accountRoute,
  peopleRoute,
  webhooksRoute,
  webhookEndpointRoute,
  webhookDeliveryRoute,
  settingsRoute,
  apiKeysRoute,
  oauthAppsRoute,
  oauthAppRoute,
  erasuresRoute,
  erasureRoute,
  auditLogRoute,
] as const;
