/** What an outbox row becomes in Temporal, by its lane. Each may be repeated without harm. */
import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import {
  OVERVIEW_WORKFLOW,
  type OverviewInput,
  overviewChangedSignal,
  overviewWorkflowId,
} from '../contract/overview';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import {
  SYNC_RUN_WORKFLOW,
  type SyncRunInput,
  syncRunsChangedSignal,
  syncRunWorkflowId,
} from '../contract/sync-run';
import { TASK_QUEUES } from '../contract/task-queues';
import {
  deliveriesDueSignal,
  WEBHOOK_ENDPOINT_WORKFLOW,
  type WebhookEndpointInput,
  webhookEndpointWorkflowId,
} from '../contract/webhook-endpoint';
import type { Database } from '../db/database';
import type { OutboxTopic } from '../db/tables/platform';
import { typeIdOf } from '../domain/typeid';
import { createStartEmail } from './email-starts';
import { createSignalPushQueue } from './queue-signals';
import { startNotification, signalNotificationViewed } from './notification-starts';
import type { OutboxHandler } from './outbox-dispatcher';
import { reconcileSyncSchedules } from './schedule-reconciler';

export interface OutboxHandlerOptions {
  /** False where the cluster refused to register them. */
  hasSearchAttributes: boolean;
  /** Where schedules are looked up in; without it there are none, as on Temporal's time-skipping server, which knows none. */
  database?: Database;
}

/** @throws what Temporal said when it did not take it. */
export function createOutboxHandlers(client: Client, options: OutboxHandlerOptions): OutboxHandler {
  const signalPushQueue = createSignalPushQueue(client, options);
  const startEmail = createStartEmail(client);
  const handlers: Record<OutboxTopic, OutboxHandler> = {
    record_push: ({ tenantId, subjectId, nextDueAt }) =>
      signalPushQueue({ tenantId, integrationId: subjectId, nextDueAt: nextDueAt.getTime() }),
    sync_run: createSignalSyncRuns(client, options),
    sync_schedule: async ({ tenantId, subjectId: integrationId }) => {
      const { database, hasSearchAttributes } = options;
      if (database !== undefined)
        await reconcileSyncSchedules({ client, database, hasSearchAttributes }, { tenantId, integrationId });
    },
    email: ({ tenantId, subjectId }) => startEmail({ tenantId, emailId: subjectId }),
    webhook_endpoint: createSignalEndpoint(client, options),
    overview: createSignalOverview(client, options),
    notification: ({ tenantId, subjectId }) =>
      startNotification(client, { tenantId, notificationRecipientId: subjectId }),
    notification_viewed: ({ subjectId }) =>
      signalNotificationViewed(client, { notificationRecipientId: subjectId }),
  };
  return (due) => handlers[due.topic](due);
}

function createSignalOverview(client: Client, { hasSearchAttributes }: OutboxHandlerOptions): OutboxHandler {
  return async ({ tenantId, subjectId: overviewId }) => {
    const input: OverviewInput = { tenantId, overviewId };
    const attributes = [{ key: SEARCH_ATTRIBUTES.tenantId, value: typeIdOf('ten', tenantId) }];
    await client.workflow.signalWithStart(OVERVIEW_WORKFLOW, {
      workflowId: overviewWorkflowId({ overviewId }),
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
      signal: overviewChangedSignal,
      signalArgs: [],
      staticSummary: 'Shows what a sync would do, without doing it',
      ...(hasSearchAttributes ? { typedSearchAttributes: new TypedSearchAttributes(attributes) } : {}),
    });
  };
}

function createSignalSyncRuns(client: Client, { hasSearchAttributes }: OutboxHandlerOptions): OutboxHandler {
  return async ({ tenantId, subjectId: integrationId }) => {
    const input: SyncRunInput = { tenantId, integrationId, hasSearchAttributes };
    const attributes = [
      { key: SEARCH_ATTRIBUTES.tenantId, value: typeIdOf('ten', tenantId) },
      { key: SEARCH_ATTRIBUTES.integrationId, value: typeIdOf('int', integrationId) },
    ];
    await client.workflow.signalWithStart(SYNC_RUN_WORKFLOW, {
      workflowId: syncRunWorkflowId({ integrationId }),
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
      signal: syncRunsChangedSignal,
      signalArgs: [],
      staticSummary: "Reads one integration's third party into our records",
      ...(hasSearchAttributes ? { typedSearchAttributes: new TypedSearchAttributes(attributes) } : {}),
    });
  };
}

/** Whose endpoint it is, the lane finds out: an event of any tenant wakes an endpoint of the platform. */
function createSignalEndpoint(client: Client, { hasSearchAttributes }: OutboxHandlerOptions): OutboxHandler {
  return async ({ subjectId: endpointId, nextDueAt }) => {
    const input: WebhookEndpointInput = { endpointId, nextDueAt: nextDueAt.getTime(), hasSearchAttributes };
    const attributes = [{ key: SEARCH_ATTRIBUTES.endpointId, value: typeIdOf('whe', endpointId) }];
    await client.workflow.signalWithStart(WEBHOOK_ENDPOINT_WORKFLOW, {
      workflowId: webhookEndpointWorkflowId({ endpointId }),
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
      signal: deliveriesDueSignal,
      signalArgs: [{ nextDueAt: nextDueAt.getTime() }],
      staticSummary: 'Delivers events to one webhook endpoint',
      ...(hasSearchAttributes ? { typedSearchAttributes: new TypedSearchAttributes(attributes) } : {}),
    });
  };
}
