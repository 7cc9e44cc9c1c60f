/** Pages and their paths. Each page is a chunk of its own, loaded on the first visit. */
import { createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { asProblem, isChunkError } from './api/client';
import { queryClient } from './api/query-client';
import { Loading, ProblemView } from './common/States';
import { platformRoutes } from './platform-routes';
import { rootRoute } from './root-route';
import {
  auditSearch,
  conflictsSearch,
  driftsSearch,
  newIntegrationSearch,
  notificationsSearch,
  overviewSearch,
  overviewsSearch,
  recordsSearch,
  reviewsSearch,
  integrationsSearch,
  signInSearch,
  syncLogsSearch,
  syncStatusSearch,
  webhookSearch,
  webhooksSearch,
} from './search';
import { meQuery } from './session/session';
import { Shell } from './shell/Shell';

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: signInSearch,
  component: lazyRouteComponent(() => import('./session/SignInPage'), 'SignInPage'),
});
const setPasswordRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/password',
  component: lazyRouteComponent(() => import('./session/SetPasswordPage'), 'SetPasswordPage'),
});

/** All pages below need a sign-in, which leads back to the requested page. */
const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  component: Shell,
  async beforeLoad({ context, location }) {
    try {
      await context.queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (asProblem(error).status === 401) throw redirect({ to: '/sign-in', search: { to: location.href } });
      throw error;
    }
  },
});
const inShell = { getParentRoute: () => shellRoute };

const homeRoute = createRoute({
  ...inShell,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/home/HomePage'), 'HomePage'),
});

const recordsRoute = createRoute({
  ...inShell,
  path: '/records/$recordType',
  validateSearch: recordsSearch,
  component: lazyRouteComponent(() => import('./pages/records/RecordsPage'), 'RecordsPage'),
});
const recordRoute = createRoute({
  ...inShell,
  path: '/records/$recordType/$externalId',
  component: lazyRouteComponent(() => import('./pages/records/RecordPage'), 'RecordPage'),
});

const integrationsRoute = createRoute({
  ...inShell,
  path: '/integrations',
  validateSearch: integrationsSearch,
  component: lazyRouteComponent(() => import('./pages/integrations/IntegrationsPage'), 'IntegrationsPage'),
});
const newIntegrationRoute = createRoute({
  ...inShell,
  path: '/integrations/new',
  validateSearch: newIntegrationSearch,
  component: lazyRouteComponent(
    () => import('./pages/integrations/NewIntegrationPage'),
    'NewIntegrationPage',
  ),
});
const integrationRoute = createRoute({
  ...inShell,
  path: '/integrations/$integrationId',
  component: lazyRouteComponent(() => import('./pages/integrations/IntegrationPage'), 'IntegrationPage'),
});

const syncLogsRoute = createRoute({
  ...inShell,
  path: '/sync-runs',
  validateSearch: syncLogsSearch,
  component: lazyRouteComponent(() => import('./pages/sync-logs/SyncLogsPage'), 'SyncLogsPage'),
});
const syncLogRoute = createRoute({
  ...inShell,
  path: '/sync-runs/$syncRunId',
  component: lazyRouteComponent(() => import('./pages/sync-logs/SyncLogPage'), 'SyncLogPage'),
});
const conflictsRoute = createRoute({
  ...inShell,
  path: '/conflicts',
  validateSearch: conflictsSearch,
  component: lazyRouteComponent(() => import('./pages/conflicts/ConflictsPage'), 'ConflictsPage'),
});
const driftsRoute = createRoute({
  ...inShell,
  path: '/drifts',
  validateSearch: driftsSearch,
  component: lazyRouteComponent(() => import('./pages/drifts/DriftsPage'), 'DriftsPage'),
});
const parkedWorkRoute = createRoute({
  ...inShell,
  path: '/parked-work',
  component: lazyRouteComponent(() => import('./pages/parked-work/ParkedWorkPage'), 'ParkedWorkPage'),
});
const pushReviewsRoute = createRoute({
  ...inShell,
  path: '/push-reviews',
  validateSearch: reviewsSearch,
  component: lazyRouteComponent(() => import('./pages/push-reviews/PushReviewsPage'), 'PushReviewsPage'),
});
const pushReviewRoute = createRoute({
  ...inShell,
  path: '/push-reviews/$pushReviewId',
  component: lazyRouteComponent(() => import('./pages/push-reviews/PushReviewPage'), 'PushReviewPage'),
});
const deletionReviewsRoute = createRoute({
  ...inShell,
  path: '/deletion-reviews',
  validateSearch: reviewsSearch,
  component: lazyRouteComponent(
    () => import('./pages/deletion-reviews/DeletionReviewsPage'),
    'DeletionReviewsPage',
  ),
});
const deletionReviewRoute = createRoute({
  ...inShell,
  path: '/deletion-reviews/$deletionReviewId',
  component: lazyRouteComponent(
    () => import('./pages/deletion-reviews/DeletionReviewPage'),
    'DeletionReviewPage',
  ),
});
const syncStatusRoute = createRoute({
  ...inShell,
  path: '/sync-status',
  validateSearch: syncStatusSearch,
  component: lazyRouteComponent(() => import('./pages/sync-status/SyncStatusPage'), 'SyncStatusPage'),
});
const overviewsRoute = createRoute({
  ...inShell,
  path: '/overviews',
  validateSearch: overviewsSearch,
  component: lazyRouteComponent(() => import('./pages/overviews/OverviewsPage'), 'OverviewsPage'),
});
const overviewRoute = createRoute({
  ...inShell,
  path: '/overviews/$overviewId',
  validateSearch: overviewSearch,
  component: lazyRouteComponent(() => import('./pages/overviews/OverviewPage'), 'OverviewPage'),
});
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
const notificationsRoute = createRoute({
  ...inShell,
  path: '/notifications',
  validateSearch: notificationsSearch,
  component: lazyRouteComponent(() => import('./pages/notifications/NotificationsPage'), 'NotificationsPage'),
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

const routeTree = rootRoute.addChildren([
  signInRoute,
  setPasswordRoute,
  ...platformRoutes,
  shellRoute.addChildren([
    homeRoute,
    recordsRoute,
    recordRoute,
    integrationsRoute,
    newIntegrationRoute,
    integrationRoute,
    syncLogsRoute,
    syncLogRoute,
    conflictsRoute,
    driftsRoute,
    parkedWorkRoute,
    pushReviewsRoute,
    pushReviewRoute,
    deletionReviewsRoute,
    deletionReviewRoute,
    syncStatusRoute,
    notificationsRoute,
    overviewsRoute,
    overviewRoute,
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
  ]),
]);

export const router = createRouter({
  routeTree,
  basepath: '/console',
  context: { queryClient },
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => (
    <ProblemView error={error} retry={isChunkError(error) ? () => window.location.reload() : reset} />
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
