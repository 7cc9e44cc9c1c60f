/**
 * Names and messages of the workflow of one person's notification. Permanent: running workflows carry them.
 */
import { defineSignal } from '@temporalio/workflow';
import type { NotificationDecision } from '../domain/notifications/notification-kinds';
import { typeIdOf } from '../domain/typeid';

export const NOTIFICATION_WORKFLOW = 'notificationWorkflow';

export interface NotificationInput {
  tenantId: string;
  /** One per notification and person. */
  notificationRecipientId: string;
}

/** One workflow per notification and person: `notification:ntr_…`. */
export function notificationWorkflowId({
  notificationRecipientId,
}: Pick<NotificationInput, 'notificationRecipientId'>): string {
  return `notification:${typeIdOf('ntr', notificationRecipientId)}`;
}

/** The person has viewed the notification, and its row says so. Sending the signal twice is harmless. */
export const notificationViewedSignal = defineSignal('notificationViewed');

/** The decision, or how long to wait before the next step. */
export type NotificationStep =
  | { decision: NotificationDecision | 'not_found' }
  | { decision: null; waitMs: number };
