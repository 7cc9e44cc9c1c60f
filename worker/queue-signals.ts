/** Signal-with-start: brings a lane to life, or tells the living one, in one durable call. */
import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import {
  RECORD_PUSH_WORKFLOW,
  recordPushWorkflowId,
  recordsDueSignal,
  type RecordPushInput,
} from '../contract/record-push';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import { typeIdOf } from '../domain/typeid';
import { TASK_QUEUES } from '../contract/task-queues';

export type SignalPushQueue = (topic: {
  tenantId: string;
  integrationId: string;
  nextDueAt: number;
}) => Promise<void>;

/** `hasSearchAttributes`: false where the cluster refused to register them. @throws when Temporal did not take the signal. */
export function createSignalPushQueue(
  client: Client,
  { hasSearchAttributes }: { hasSearchAttributes: boolean },
): SignalPushQueue {
  return async ({ tenantId, integrationId, nextDueAt }) => {
    const input: RecordPushInput = { tenantId, integrationId, nextDueAt, hasSearchAttributes };
    await client.workflow.signalWithStart(RECORD_PUSH_WORKFLOW, {
      workflowId: recordPushWorkflowId({ integrationId }),
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
      signal: recordsDueSignal,
      signalArgs: [{ nextDueAt }],
      staticSummary: 'Pushes changed records of one integration after their grace period',
      ...(hasSearchAttributes ? { typedSearchAttributes: searchAttributesOf(tenantId, integrationId) } : {}),
    });
  };
}

function searchAttributesOf(tenantId: string, integrationId: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: SEARCH_ATTRIBUTES.tenantId, value: typeIdOf('ten', tenantId) },
    { key: SEARCH_ATTRIBUTES.integrationId, value: typeIdOf('int', integrationId) },
  ]);
}
