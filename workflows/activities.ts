/**
 * The timeouts, retry policies and priorities of all activities. Workflows call activities only through these
 * functions.
 */
import { type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import { TASK_QUEUES } from '../contract/task-queues';
import { PRIORITIES } from '../domain/work-priorities';
import type { BackgroundTaskActivities } from '../activities/platform/background-task';
import type { DefinitionRolloutActivities } from '../activities/third-parties/definition-rollout';
import type { EmailActivities } from '../activities/notifications/email';
import type { EndSubscriptionActivities } from '../activities/integrations/end-subscription';
import type { ErasureActivities } from '../activities/erasures/erasure';
import type { IncomingChangesActivities } from '../activities/sync-runs/incoming-changes';
import type { IntegrationCheckActivities } from '../activities/integrations/integration-check';
import type { MappingSamplesActivities } from '../activities/integrations/mapping-samples';
import type { NotificationActivities } from '../activities/notifications/notification';
import type { OAuthConsentActivities } from '../activities/integrations/oauth/exchange-code';
import type { OverviewActivities } from '../activities/overviews/overview';
import type { RecordPushActivities } from '../activities/push/record-push';
import type { SyncRunActivities } from '../activities/sync-runs/sync-run';
import type { ScheduledSyncActivities } from '../activities/sync-runs/scheduled-sync';
import type { WebhookActivities } from '../activities/webhooks/webhook-deliveries';

/**
 * One execution of a push queue begins no record after 20 s (5 s if it is for a person) and finishes what it
 * has begun, so a slow third party is not cut off in the middle of a call. A dead worker is noticed after
 * 15 s. Retries never end: each execution makes at most one attempt per record, and the time of a further
 * attempt is stored in the record's row.
 */
export function recordPushActivities(tenantId: string, priorityKey: number): RecordPushActivities {
  return proxyActivities<RecordPushActivities>({
    taskQueue: TASK_QUEUES.push,
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: tenantId, priorityKey },
  });
}

/**
 * A slice of an erasure ends within two minutes (its time box is 20 s). A dead worker costs one step, which
 * is repeated. Work that a person waits for goes first.
 */
export function erasureActivities(tenantId: string): ErasureActivities {
  return proxyActivities<ErasureActivities>({
    taskQueue: TASK_QUEUES.email,
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.backfill },
  });
}

/**
 * A slice of a rollout ends within a minute or two: its time box is 20 s, and a dry run asks an app for at
 * most 20 s. A dead worker costs the dry runs that it had begun. Retries never end.
 */
export function definitionRolloutActivities(tenantId: string): DefinitionRolloutActivities {
  return proxyActivities<DefinitionRolloutActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.bulk },
  });
}

/**
 * Executions beside the first one. One that gets no slot soon does not run, and one that fails is not
 * repeated: the first execution pushes what is due, and asks for them again.
 */
export function furtherPushActivities(tenantId: string, priorityKey: number): RecordPushActivities {
  return proxyActivities<RecordPushActivities>({
    taskQueue: TASK_QUEUES.push,
    scheduleToStartTimeout: '10 seconds',
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { maximumAttempts: 1 },
    priority: { fairnessKey: tenantId, priorityKey },
  });
}

/** A person waits for the result, so the check is short and retried at most once. */
export function integrationCheckActivities(tenantId: string): IntegrationCheckActivities {
  return proxyActivities<IntegrationCheckActivities>({
    taskQueue: TASK_QUEUES.push,
    startToCloseTimeout: '40 seconds',
    scheduleToCloseTimeout: '1 minute',
    retry: { maximumAttempts: 2 },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.person },
  });
}

/** A person waits. Retried because a worker of the former release does not know the activity. */
const forPerson = (tenantId: string): ActivityOptions => ({
  taskQueue: TASK_QUEUES.push,
  startToCloseTimeout: '40 seconds',
  scheduleToCloseTimeout: '1 minute',
  retry: { maximumInterval: '5 seconds', maximumAttempts: 15 },
  priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.person },
});

/** The integration is deleted whatever the result is. */
export function endSubscriptionActivities(tenantId: string): EndSubscriptionActivities {
  return proxyActivities<EndSubscriptionActivities>({
    ...forPerson(tenantId),
    startToCloseTimeout: '30 seconds',
  });
}

/** The records are read for a short time only. */
export function mappingSamplesActivities(tenantId: string): MappingSamplesActivities {
  return proxyActivities<MappingSamplesActivities>(forPerson(tenantId));
}

/** A code is sent once, so a second attempt only says that the first one ended. */
export function oauthConsentActivities(tenantId: string): OAuthConsentActivities {
  return proxyActivities<OAuthConsentActivities>(forPerson(tenantId));
}

/**
 * One attempt to send an e-mail: 30 s at the mail server and a little for the database. With each failure the
 * activity says when the next attempt is due. The retry policy covers attempts that ended without that: the
 * worker died or PostgreSQL was unavailable.
 */
export function emailActivities(tenantId: string): EmailActivities {
  return proxyActivities<EmailActivities>({
    taskQueue: TASK_QUEUES.email,
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '10 seconds', backoffCoefficient: 2, maximumInterval: '15 minutes' },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.bulk },
  });
}

/** One short transaction, retried until PostgreSQL accepts it. */
export function notificationActivities(tenantId: string): NotificationActivities {
  return proxyActivities<NotificationActivities>({
    taskQueue: TASK_QUEUES.email,
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.person },
  });
}

/**
 * A slice of a job ends within five minutes (its time box is one minute). A dead worker is noticed after 15 s
 * and costs the page that was being read. Retries never end: failures of a third party are stored in rows
 * with the time of the next attempt.
 * The run's priority is known once it has started; to start one is short, and comes first.
 */
export function syncRunActivities(
  tenantId: string,
  priorityKey: number = PRIORITIES.person,
): SyncRunActivities {
  return proxyActivities<SyncRunActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: tenantId, priorityKey },
  });
}

/** Like a slice of a sync job, with a higher priority: a person waits for the overview. */
export function overviewActivities(tenantId: string): OverviewActivities {
  return proxyActivities<OverviewActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.person },
  });
}

/**
 * One short transaction, retried until PostgreSQL accepts it. A late execution decides from the newest rows.
 */
export function scheduledSyncActivities(tenantId: string): ScheduledSyncActivities {
  return proxyActivities<ScheduledSyncActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.hourly },
  });
}

/** One short transaction, retried until PostgreSQL accepts it. */
export function incomingChangesActivities(tenantId: string): IncomingChangesActivities {
  return proxyActivities<IncomingChangesActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.hourly },
  });
}

/**
 * One execution of an endpoint's queue. As for pushes, each delivery gets at most one attempt per claim, and
 * the time of a further attempt is stored in its row.
 */
export function webhookActivities(endpointId: string): WebhookActivities {
  return proxyActivities<WebhookActivities>({
    taskQueue: TASK_QUEUES.webhooks,
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { fairnessKey: endpointId, priorityKey: PRIORITIES.edit },
  });
}

/**
 * One execution does chunks of a background task for a few seconds. Retries never end: a chunk that failed
 * was rolled back and is done again.
 */
export function backgroundTaskActivities(tenantId: string): BackgroundTaskActivities {
  return proxyActivities<BackgroundTaskActivities>({
    taskQueue: TASK_QUEUES.pull,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '90 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    priority: { fairnessKey: tenantId, priorityKey: PRIORITIES.bulk },
  });
}
