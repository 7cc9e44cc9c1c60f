/** All activities, given what they need. One flat namespace: names are permanent. */
import type { ActivityDependencies } from './dependencies';
import { createBackgroundTaskActivities } from './platform/background-task';
import { createEmailActivities } from './notifications/email';
import { createEndSubscriptionActivities } from './integrations/end-subscription';
import { createErasureActivities } from './erasures/erasure';
import { createDefinitionRolloutActivities } from './third-parties/definition-rollout';
import { createIncomingChangesActivities } from './sync-runs/incoming-changes';
import { createIntegrationCheckActivities } from './integrations/integration-check';
import { createMappingSamplesActivities } from './integrations/mapping-samples';
import { createOAuthConsentActivities } from './integrations/oauth/exchange-code';
import { createNotificationActivities } from './notifications/notification';
import { createOverviewActivities } from './overviews/overview';
import { createRecordPushActivities } from './push/record-push';
import { createSyncRunActivities } from './sync-runs/sync-run';
import { createScheduledSyncActivities } from './sync-runs/scheduled-sync';
import { createWebhookActivities } from './webhooks/webhook-deliveries';

export const createActivities = (dependencies: ActivityDependencies) => ({
  ...createBackgroundTaskActivities(dependencies),
  ...createDefinitionRolloutActivities(dependencies),
  ...createEmailActivities(dependencies),
  ...createEndSubscriptionActivities(dependencies),
  ...createErasureActivities(dependencies),
  ...createIncomingChangesActivities(dependencies),
  ...createIntegrationCheckActivities(dependencies),
  ...createMappingSamplesActivities(dependencies),
  ...createNotificationActivities(dependencies),
  ...createOAuthConsentActivities(dependencies),
  ...createOverviewActivities(dependencies),
  ...createRecordPushActivities(dependencies),
  ...createSyncRunActivities(dependencies),
  ...createScheduledSyncActivities(dependencies),
  ...createWebhookActivities(dependencies),
});
