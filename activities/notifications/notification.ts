/**
 * The steps of a notification to one person. Each call does what is due in one transaction and returns the
 * time of the next call.
 */
import type { NotificationInput, NotificationStep } from '../../contract/notification';
import { decideRecipient } from '../../db/notifications/email-decision';
import type { ActivityDependencies } from '../dependencies';

export interface NotificationActivities {
  decideNotification(input: NotificationInput): Promise<NotificationStep>;
}

export const createNotificationActivities = ({
  database,
}: Pick<ActivityDependencies, 'database'>): NotificationActivities => ({
  async decideNotification({ tenantId, notificationRecipientId }) {
    return database.withTenant(tenantId, (work) => decideRecipient(work, { notificationRecipientId }));
  },
});
