/**
 * The Temporal workers of one process: one per task queue, so that one kind of work cannot use up another's
 * slots.
 */
import {
  type ActivityInterceptorsFactory,
  type NativeConnection,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { createActivities } from '../activities';
import type { ActivityDependencies } from '../activities/dependencies';
import { TASK_QUEUES } from '../contract/task-queues';

export interface CreateWorkersOptions {
  connection: NativeConnection;
  namespace: string;
  dependencies: ActivityDependencies;
  /** A prebuilt bundle, or the source. */
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
  activityInterceptors?: ActivityInterceptorsFactory[];
}

/** Running activities may finish within the first time; after the second they are abandoned. */
const SHUTDOWN_GRACE = '20 seconds';
const SHUTDOWN_FORCE = '25 seconds';
const PUSH_SLOTS = 100;
/** Each activity holds one or two pages in memory. */
const PULL_SLOTS = 16;
const EMAIL_SLOTS = 10;
/** A receiver that hangs occupies a slot for half a minute, at almost no cost. */
const WEBHOOK_SLOTS = 200;
const CACHED_WORKFLOWS = 500;

export async function createWorkers({
  connection,
  namespace,
  dependencies,
  workflows,
  activityInterceptors = [],
}: CreateWorkersOptions): Promise<Worker[]> {
  const common = {
    connection,
    namespace,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
    interceptors: { activity: activityInterceptors },
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
