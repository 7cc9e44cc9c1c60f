/** What the dispatcher and the workflow of one person's notification agree on. Names are permanent: running workflows carry them. */
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

/** Somebody has seen it, and its row says so. Repeating it is harmless. */
export const notificationViewedSignal = defineSignal('notificationViewed');

/** How it stands: what was decided, or how long there is nothing to do. */
export type NotificationStep =
  | { decision: NotificationDecision | 'not_found' }
  | { decision: null; waitMs: number };
