/** The cost of a push queue for Temporal: all runs of one integration's workflow together. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { recordPushWorkflowId } from '../../contract/record-push';
import { until } from '../measure';

const { EventType } = temporal.api.enums.v1;

export interface QueueCost {
  runs: number;
  events: number;
  historyKb: number;
  signals: number;
  /** How often its activity looked for due records. */
  activations: number;
}

export async function costOfQueue(client: Client, integrationId: string): Promise<QueueCost> {
  const workflowId = recordPushWorkflowId({ integrationId });
  const cost: QueueCost = { runs: 0, events: 0, historyKb: 0, signals: 0, activations: 0 };
  let bytes = 0;
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const { events } = await handle.fetchHistory();
    const ofType = (type: temporal.api.enums.v1.EventType) =>
      (events ?? []).filter(({ eventType }) => eventType === type).length;
    cost.runs += 1;
    cost.events += events?.length ?? 0;
    cost.signals += ofType(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
    cost.activations += ofType(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
    bytes += (await handle.describe()).historySize ?? 0;
  }
  cost.historyKb = Math.round(bytes / 1_024);
  return cost;
}

/**
 * The time at which the push queue ended with nothing due. It may not have started yet.
 */
export async function endOfQueue(client: Client, integrationId: string, withinMs: number): Promise<number> {
  const handle = client.workflow.getHandle(recordPushWorkflowId({ integrationId }));
  return until('The push queue ends', withinMs, async () => {
    try {
      const { status, closeTime } = await handle.describe();
      return status.name === 'COMPLETED' ? closeTime?.getTime() : undefined;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  });
}

export async function countOpenQueues(client: Client): Promise<number> {
  const { count } = await client.workflow.count(
    `WorkflowType = "recordPushWorkflow" AND ExecutionStatus = "Running"`,
  );
  return count;
}
