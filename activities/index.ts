/** All activities, given what they need. One flat namespace: names are permanent. */
import type { ActivityDependencies } from './dependencies';
import { createEmailActivities } from './email';
import { createIntegrationCheckActivities } from './integration-check';
import { createRecordPushActivities } from './record-push';

export const createActivities = (dependencies: ActivityDependencies) => ({
  ...createEmailActivities(dependencies),
  ...createIntegrationCheckActivities(dependencies),
  ...createRecordPushActivities(dependencies),
});
