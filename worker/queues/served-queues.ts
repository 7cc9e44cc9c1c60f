/** Whether the task queues that this process does not serve are served by others (WORKER_QUEUES). */
import type { Connection } from '@temporalio/client';
import { temporal as proto } from '@temporalio/proto';
import { TASK_QUEUES, type TaskQueue } from '../../contract/task-queues';
import type { Findings } from '../../domain/health';

const { TASK_QUEUE_TYPE_ACTIVITY, TASK_QUEUE_TYPE_WORKFLOW } = proto.api.enums.v1.TaskQueueType;

/** Nothing for a worker that serves all. Temporal knows which workers have asked in the last five minutes. */
export async function inspectQueuesOfOthers(
  connection: Connection,
  { namespace, served }: { namespace: string; served: readonly TaskQueue[] },
): Promise<Findings> {
  const others = Object.values(TASK_QUEUES).filter((queue) => !served.includes(queue));
  if (others.length === 0) return {};
  const isServed = await Promise.all(
    others.map(async (name) => {
      const taskQueueType = name === 'workflows' ? TASK_QUEUE_TYPE_WORKFLOW : TASK_QUEUE_TYPE_ACTIVITY;
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name },
        taskQueueType,
      });
      return (pollers ?? []).length > 0;
    }),
  );
  const unserved = others.filter((_queue, index) => isServed[index] === false);
  if (unserved.length === 0) return { task_queues: { status: 'ok' } };
  const detail =
    `No worker serves ${unserved.join(', ')}: that work waits. Start a worker whose WORKER_QUEUES names ` +
    `${unserved.length === 1 ? 'it' : 'them'}, or one without WORKER_QUEUES.`;
  return { task_queues: { status: 'warning', detail } };
}
