/** Pages about what was synced: logs, status, overviews, and what waits for a decision. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import {
  conflictsSearch,
  driftsSearch,
  overviewSearch,
  overviewsSearch,
  reviewsSearch,
  syncLogsSearch,
  syncStatusSearch,
} from './search';
import { inShell } from './shell-route';

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

export const syncRoutes = [
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
  overviewsRoute,
  overviewRoute,
] as const;
