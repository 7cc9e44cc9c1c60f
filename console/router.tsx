/** Pages and their paths. Each page is a chunk of its own, loaded on the first visit. */
import { createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { isChunkError } from './api/client';
import { queryClient } from './api/query-client';
import { Loading, ProblemView } from './common/States';
import { platformRoutes } from './platform-routes';
import { rootRoute } from './root-route';
import {
  newIntegrationSearch,
  notificationsSearch,
  recordsSearch,
  integrationsSearch,
  signInSearch,
} from './search';
import { settingsRoutes } from './settings-routes';
import { inShell, shellRoute } from './shell-route';
import { syncRoutes } from './sync-routes';

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

const notificationsRoute = createRoute({
  ...inShell,
  path: '/notifications',
  validateSearch: notificationsSearch,
  component: lazyRouteComponent(() => import('./pages/notifications/NotificationsPage'), 'NotificationsPage'),
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
    notificationsRoute,
    ...syncRoutes,
    ...settingsRoutes,
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
