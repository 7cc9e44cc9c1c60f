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
import { DEFAULT_SLOTS } from '../domain/slot-shares';

export interface CreateWorkersOptions {
  connection: NativeConnection;
  namespace: string;
  dependencies: ActivityDependencies;
  /** A prebuilt bundle, or the source. */
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
  activityInterceptors?: ActivityInterceptorsFactory[];
  /** For work that calls third parties and receivers (third-party-slots.ts). */
  slots?: typeof DEFAULT_SLOTS;
}

/** Running activities may finish within the first time; after the second they are abandoned. */
const SHUTDOWN_GRACE = '20 seconds';
const SHUTDOWN_FORCE = '25 seconds';
/** Beside `slots`, for activities that wait for no third party, and for those that get no slot now. */
const SHORT_SLOTS = 16;
const EMAIL_SLOTS = 10;
const CACHED_WORKFLOWS = 500;

export async function createWorkers({
  connection,
  namespace,
  dependencies,
  workflows,
  activityInterceptors = [],
  slots = DEFAULT_SLOTS,
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
      maxConcurrentActivityTaskExecutions: slots.push + SHORT_SLOTS,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.pull,
      activities,
      maxConcurrentActivityTaskExecutions: slots.pull + SHORT_SLOTS,
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
      maxConcurrentActivityTaskExecutions: slots.webhooks + SHORT_SLOTS,
    }),
  ]);
}
