/** All migrations by name, in order. Forward only; never edited once merged: add a new one. */
import type { Migration } from 'kysely';
import * as push from './2026-11-21-push';
import * as syncRuns from './2026-11-21-sync-runs';
import * as webhooks from './2026-11-22-webhooks';
import * as webhooksLanes from './2026-11-22-webhooks-lanes';
import * as webhooksPlatform from './2026-11-22-webhooks-platform';
import * as webhooksRetention from './2026-11-22-webhooks-retention';
import * as people from './2026-11-23-people';
import * as overviews from './2026-11-24-overviews';
import * as notifications from './2026-11-25-notifications';
import * as overviewSearch from './2026-11-26-overview-search';
import * as firstPasses from './2026-11-27-first-passes';

export const migrations: Record<string, Migration> = {
  '2026-11-21-push': push,
  '2026-11-21-sync-runs': syncRuns,
  '2026-11-22-webhooks': webhooks,
  '2026-11-22-webhooks-lanes': webhooksLanes,
  '2026-11-22-webhooks-platform': webhooksPlatform,
  '2026-11-22-webhooks-retention': webhooksRetention,
  '2026-11-23-people': people,
  '2026-11-24-overviews': overviews,
  '2026-11-25-notifications': notifications,
  '2026-11-26-overview-search': overviewSearch,
  '2026-11-27-first-passes': firstPasses,
};
