/**
 * One person's notification: hidden while the person may still get the answer directly, then shown, and sent by e-mail only if nobody has
 * looked at it in time (rules.md 24 to 26). When each of these is due and what was decided are rows; the workflow keeps time and knows nothing else.
 */
import { condition, setHandler } from '@temporalio/workflow';
import {
  type NotificationInput,
  type NotificationStep,
  notificationViewedSignal,
} from '../contract/notification';
import { notificationActivities } from './activities';

export async function notificationWorkflow(
  input: NotificationInput,
): Promise<NonNullable<NotificationStep['decision']>> {
  let isViewed = false;
  setHandler(notificationViewedSignal, () => {
    isViewed = true;
  });

  const { decideNotification } = notificationActivities(input.tenantId);
  for (;;) {
    isViewed = false;
    const step = await decideNotification(input);
    if (step.decision !== null) return step.decision;
    await condition(() => isViewed, step.waitMs);
  }
}
