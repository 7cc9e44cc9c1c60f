/** All activities, given what they need. One flat namespace: names are permanent. */
import type { ActivityDependencies } from './dependencies';
import { createEmailActivities } from './email';
import { createIntegrationCheckActivities } from './integration-check';
import { createNotificationActivities } from './notification';
import { createOverviewActivities } from './overview';
import { createRecordPushActivities } from './record-push';
import { createSyncRunActivities } from './sync-run';
import { createSyncTickActivities } from './sync-tick';
import { createWebhookActivities } from './webhook-deliveries';

export const createActivities = (dependencies: ActivityDependencies) => ({
  ...createEmailActivities(dependencies),
  ...createIntegrationCheckActivities(dependencies),
  ...createNotificationActivities(dependencies),
  ...createOverviewActivities(dependencies),
  ...createRecordPushActivities(dependencies),
  ...createSyncRunActivities(dependencies),
  ...createSyncTickActivities(dependencies),
  ...createWebhookActivities(dependencies),
});
