/** Signal-with-start: brings a lane to life, or tells the living one, in one durable call. */
import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { RECORD_PUSH_WORKFLOW, recordPushWorkflowId, recordsDueSignal, type RecordPushInput } from '../contract/record-push';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import { wireIdOf } from '../domain/typeid';
import { TASK_QUEUES } from '../contract/task-queues';

export type SignalLane = (lane: { tenantId: string; integrationId: string; wakeAt: number }) => Promise<void>;

/** `hasSearchAttributes`: false where the cluster refused to register them. @throws when Temporal did not take the signal. */
export function createSignalLane(client: Client, { hasSearchAttributes }: { hasSearchAttributes: boolean }): SignalLane {
  return async ({ tenantId, integrationId, wakeAt }) => {
    const input: RecordPushInput = { tenantId, integrationId, wakeAt, hasSearchAttributes };
    await client.workflow.signalWithStart(RECORD_PUSH_WORKFLOW, {
      workflowId: recordPushWorkflowId({ integrationId }),
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
      signal: recordsDueSignal,
      signalArgs: [{ wakeAt }],
      staticSummary: 'Pushes changed records of one integration after their grace period',
      ...(hasSearchAttributes ? { typedSearchAttributes: searchAttributesOf(tenantId, integrationId) } : {}),
    });
  };
}

function searchAttributesOf(tenantId: string, integrationId: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: SEARCH_ATTRIBUTES.tenantId, value: wireIdOf('ten', tenantId) },
    { key: SEARCH_ATTRIBUTES.integrationId, value: wireIdOf('int', integrationId) },
  ]);
}
