/**
 * One person's notification: hidden while the person may still get the answer directly, then shown, and sent
 * by e-mail only if the person has not viewed it in time (rules.md 24 to 26). The due times and the decision
 * are rows; the workflow only keeps time.
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
  const { decideNotification } = notificationActivities(input.tenantId);
  let isViewed = false;
  setHandler(notificationViewedSignal, () => {
    isViewed = true;
  });

  for (;;) {
    isViewed = false;
    const step = await decideNotification(input);
    if (step.decision !== null) return step.decision;
    await condition(() => isViewed, step.waitMs);
  }
}
