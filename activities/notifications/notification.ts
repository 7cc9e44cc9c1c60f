/**
 * What becomes of one person's notification: each call does what is due, in one transaction, and says when to
 * come again.
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
