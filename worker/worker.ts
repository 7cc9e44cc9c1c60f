/**
 * The Temporal workers of one process: one per task queue that it serves, so that one kind of work cannot use
 * up another's slots.
 */
import {
  type ActivityInterceptorsFactory,
  type NativeConnection,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import { createActivities } from '../activities';
import type { ActivityDependencies } from '../activities/dependencies';
import { TASK_QUEUES, type TaskQueue } from '../contract/task-queues';
import { TENANT_DELETED } from '../contract/tenant-deletion';
import { TenantDeleted } from '../db/database';
import { DEFAULT_SLOTS, WAITING_MAX } from '../domain/slot-shares';

export interface CreateWorkersOptions {
  connection: NativeConnection;
  namespace: string;
  dependencies: ActivityDependencies;
  /** A prebuilt bundle, or the source. */
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
  activityInterceptors?: ActivityInterceptorsFactory[];
  /** All by default. */
  queues?: readonly TaskQueue[];
  /** For work that calls third parties and receivers (third-party-slots.ts), and for e-mails. */
  slots?: typeof DEFAULT_SLOTS;
  cachedWorkflows?: number;
}

/** Running activities may finish within the first time; after the second they are abandoned. */
const SHUTDOWN_GRACE = '20 seconds';
const SHUTDOWN_FORCE = '25 seconds';
/** Activities that a worker accepts beside those with a slot: some wait for a slot, and some need none. */
const FURTHER_ACTIVITIES = 2 * WAITING_MAX;
const CACHED_WORKFLOWS = 500;
/**
 * Requests for activities that are open at the same time: the fewest, until activities wait. Temporal answers
 * the oldest request first, so of several activities that are due together, a worker with many open requests
 * would get all, and others none.
 */
const ACTIVITY_POLLS = { type: 'autoscaling', initial: 2, minimum: 2, maximum: 10 } as const;

/** What is repeated after other errors ends when the tenant was deleted. */
const endWithTenant: ActivityInterceptorsFactory = () => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        if (!(error instanceof TenantDeleted)) throw error;
        throw ApplicationFailure.nonRetryable(error.message, TENANT_DELETED);
      }
    },
  },
});

export async function createWorkers({
  connection,
  namespace,
  dependencies,
  workflows,
  activityInterceptors = [],
  queues = Object.values(TASK_QUEUES),
  slots = DEFAULT_SLOTS,
  cachedWorkflows = CACHED_WORKFLOWS,
}: CreateWorkersOptions): Promise<Worker[]> {
  const interceptors = { activity: [endWithTenant, ...activityInterceptors] };
  const common = {
    connection,
    namespace,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
    interceptors,
  } as const;
  const activities = createActivities(dependencies);
  return Promise.all(
    queues.map((taskQueue) =>
      Worker.create(
        taskQueue === 'workflows'
          ? { ...common, ...workflows, taskQueue, maxCachedWorkflows: cachedWorkflows }
          : {
              ...common,
              taskQueue,
              activities,
              activityTaskPollerBehavior: ACTIVITY_POLLS,
              maxConcurrentActivityTaskExecutions:
                slots[taskQueue] + (taskQueue === 'email' ? 0 : FURTHER_ACTIVITIES),
            },
      ),
    ),
  );
}
