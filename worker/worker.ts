/** The Temporal workers of one process: one per task queue, so that no kind of work holds another's slots. */
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities';
import type { ActivityDependencies } from '../activities/dependencies';
import { TASK_QUEUES } from '../contract/task-queues';

export interface CreateWorkersOptions {
  connection: NativeConnection;
  namespace: string;
  dependencies: ActivityDependencies;
  /** Where the workflows are: a bundle made beforehand, or their source. */
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
}

/** What is running may finish for this long when the worker is told to stop; after the second one it is cut off. */
const SHUTDOWN_GRACE = '20 seconds';
const SHUTDOWN_FORCE = '25 seconds';
const PUSH_SLOTS = 100;
/** Each holds a page or two in memory. */
const PULL_SLOTS = 16;
const EMAIL_SLOTS = 10;
/** A receiver that hangs holds one for half a minute and costs next to nothing meanwhile. */
const WEBHOOK_SLOTS = 200;
const CACHED_WORKFLOWS = 500;

export async function createWorkers({
  connection,
  namespace,
  dependencies,
  workflows,
}: CreateWorkersOptions): Promise<Worker[]> {
  const common = {
    connection,
    namespace,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
  } as const;
  const activities = createActivities(dependencies);
  return Promise.all([
    Worker.create({
      ...common,
      ...workflows,
      taskQueue: TASK_QUEUES.workflows,
      maxCachedWorkflows: CACHED_WORKFLOWS,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.push,
      activities,
      maxConcurrentActivityTaskExecutions: PUSH_SLOTS,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.pull,
      activities,
      maxConcurrentActivityTaskExecutions: PULL_SLOTS,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.email,
      activities,
      maxConcurrentActivityTaskExecutions: EMAIL_SLOTS,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.webhooks,
      activities,
      maxConcurrentActivityTaskExecutions: WEBHOOK_SLOTS,
    }),
  ]);
}
