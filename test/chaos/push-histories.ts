/** What the histories of push queues say about how a batch of trials was worked on. */
import { Client, Connection } from '@temporalio/client';
import { RECORD_PUSH_WORKFLOW } from '../../contract/record-push';
import { temporalInterceptors } from '../../worker/temporal-interceptors';

const HISTORIES_MAX = 200;

export interface PushHistories {
  /** Of the workers. */
  pids: ReadonlySet<number>;
  /** A queue had several executions at the same time. */
  isSpread: boolean;
}

export async function readPushHistories(address: string, namespace: string): Promise<PushHistories> {
  const connection = await Connection.connect({ address, interceptors: temporalInterceptors });
  const client = new Client({ connection, namespace });
  const pids = new Set<number>();
  let isSpread = false;
  try {
    const query = `WorkflowType = '${RECORD_PUSH_WORKFLOW}'`;
    for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: HISTORIES_MAX })) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      for (const event of events ?? []) {
        // "123@host"
        const { identity } = event.activityTaskStartedEventAttributes ?? {};
        if (identity != null) pids.add(Number.parseInt(identity, 10));
        const [input] = event.activityTaskScheduledEventAttributes?.input?.payloads ?? [];
        isSpread ||= Buffer.from(input?.data ?? []).includes('"shard":');
      }
    }
  } finally {
    await connection.close();
  }
  return { pids, isSpread };
}
