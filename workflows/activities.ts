/** Every timeout and retry policy of the house. Workflows call activities through these and no others. */
import { proxyActivities } from '@temporalio/workflow';
import { TASK_QUEUES } from '../contract/task-queues';
import type { EmailActivities } from '../activities/notifications/email';
import type { IntegrationCheckActivities } from '../activities/integrations/integration-check';
import type { NotificationActivities } from '../activities/notifications/notification';
import type { OverviewActivities } from '../activities/overviews/overview';
import type { RecordPushActivities } from '../activities/push/record-push';
import type { SyncRunActivities } from '../activities/sync-runs/sync-run';
import type { ScheduledSyncActivities } from '../activities/sync-runs/scheduled-sync';
import type { WebhookActivities } from '../activities/webhooks/webhook-deliveries';

/**
 * One wake of a lane. Ends within two minutes; a worker that dies is noticed after 15 s. Retried for ever: each
 * attempt makes at most one attempt per record, and what a record needs beyond that is a row with a time of its own.
 */
export function recordPushActivities(tenantId: string): RecordPushActivities {
  return proxyActivities<RecordPushActivities>({
    taskQueue: TASK_QUEUES.push,
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: tenantId },
  });
}

/** Somebody waits for the answer: one attempt, short. */
export function integrationCheckActivities(tenantId: string): IntegrationCheckActivities {
  return proxyActivities<IntegrationCheckActivities>({
    taskQueue: TASK_QUEUES.push,
    startToCloseTimeout: '40 seconds',
    scheduleToCloseTimeout: '1 minute',
    retry: { maximumAttempts: 2 },
    priority: { fairnessKey: tenantId, priorityKey: 1 },
  });
}

/**
 * One attempt to send an e-mail: 30 s at the mail server and a little for the database. How often and when it is tried again, the activity
 * says with each failure; what stands here is for attempts that could not say it, because a worker died or PostgreSQL was away.
 */
export function emailActivities(tenantId: string): EmailActivities {
  return proxyActivities<EmailActivities>({
    taskQueue: TASK_QUEUES.email,
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '10 seconds', backoffCoefficient: 2, maximumInterval: '15 minutes' },
    priority: { fairnessKey: tenantId, priorityKey: 5 },
  });
}

/** One short transaction, tried until PostgreSQL takes it. */
export function notificationActivities(tenantId: string): NotificationActivities {
  return proxyActivities<NotificationActivities>({
    taskQueue: TASK_QUEUES.email,
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    priority: { fairnessKey: tenantId, priorityKey: 1 },
  });
}

/**
 * A piece of a job ends within five minutes (its time box is one); a worker that dies is noticed after 15 s and costs the page in
 * flight. Retried for ever: what a third party does wrong is a row with a time of its own, never an activity's failure.
 */
export function syncRunActivities(tenantId: string): SyncRunActivities {
  return proxyActivities<SyncRunActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: tenantId },
  });
}

/** As a piece of a sync job. Somebody waits for it. */
export function overviewActivities(tenantId: string): OverviewActivities {
  return proxyActivities<OverviewActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: tenantId, priorityKey: 2 },
  });
}

/** One short transaction, tried until PostgreSQL takes it: a tick that comes late stands for what is newest. */
export function scheduledSyncActivities(tenantId: string): ScheduledSyncActivities {
  return proxyActivities<ScheduledSyncActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    priority: { fairnessKey: tenantId, priorityKey: 1 },
  });
}

/** One wake of an endpoint's lane. As a push's: each delivery gets one attempt per claim, and what it needs beyond that is a row with a time of its own. */
export function webhookActivities(endpointId: string): WebhookActivities {
  return proxyActivities<WebhookActivities>({
    taskQueue: TASK_QUEUES.webhooks,
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: endpointId },
  });
}
