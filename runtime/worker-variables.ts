/** The environment variables that say what a worker process serves, and how much of it at the same time. */
import { z } from 'zod';
import { TASK_QUEUES, type TaskQueue } from '../contract/task-queues';
import { DEFAULT_SLOTS } from '../domain/slot-shares';

const NAMES = Object.values(TASK_QUEUES);
const isTaskQueue = (name: string): name is TaskQueue => (NAMES as string[]).includes(name);

const queues = z
  .string()
  .default(NAMES.join(','))
  .transform((text, context): readonly TaskQueue[] => {
    const named = text.split(',').map((name) => name.trim());
    for (const name of named.filter((each) => !isTaskQueue(each)))
      context.addIssue({
        code: 'custom',
        message:
          `${name === '' ? 'has an empty name between its commas' : `names no task queue with "${name}"`}. ` +
          `The task queues are ${NAMES.join(', ')}, separated by commas`,
      });
    return NAMES.filter((name) => named.includes(name));
  });

const amount = (unit: string, fallback: number, { min, max }: { min: number; max: number }) =>
  z.coerce.number(`must be a number of ${unit}`).int().min(min).max(max).default(fallback);

const slots = (queue: keyof typeof DEFAULT_SLOTS, min: number) =>
  amount('slots', DEFAULT_SLOTS[queue], { min, max: 5_000 });

export const workerVariables = {
  WORKER_QUEUES: queues,
  WORKER_POOL_SIZE: amount('connections', 20, { min: 4, max: 1_000 }),
  WORKER_PUSH_SLOTS: slots('push', 3),
  WORKER_PULL_SLOTS: slots('pull', 3),
  WORKER_WEBHOOK_SLOTS: slots('webhooks', 3),
  WORKER_EMAIL_SLOTS: slots('email', 1),
  WORKER_CACHED_WORKFLOWS: amount('workflows', 500, { min: 50, max: 100_000 }),
  PUSH_EXECUTIONS: amount('executions', 8, { min: 1, max: 16 }),
  PUSH_BATCHES: amount('batches', 2, { min: 1, max: 16 }),
  WEBHOOK_DELIVERIES: amount('deliveries', 20, { min: 1, max: 200 }),
  /** A run reads at most so many lists and ranges at the same time. */
  PULL_RANGES: amount('ranges', 4, { min: 1, max: 4 }),
  PULL_RANGES_FROM: amount('records', 100_000, { min: 1, max: 1_000_000_000 }),
};

type Read = z.output<z.ZodObject<typeof workerVariables>>;

export const workerSizesOf = (read: Read) => ({
  /** The task queues that this process serves. */
  queues: read.WORKER_QUEUES,
  poolSize: read.WORKER_POOL_SIZE,
  slots: {
    push: read.WORKER_PUSH_SLOTS,
    pull: read.WORKER_PULL_SLOTS,
    webhooks: read.WORKER_WEBHOOK_SLOTS,
    email: read.WORKER_EMAIL_SLOTS,
  },
  cachedWorkflows: read.WORKER_CACHED_WORKFLOWS,
  pushing: { shardsMax: read.PUSH_EXECUTIONS, parallelBatches: read.PUSH_BATCHES },
  delivering: { atOnce: read.WEBHOOK_DELIVERIES },
  ranges: { atMost: read.PULL_RANGES, fromRecords: read.PULL_RANGES_FROM },
});

const SLOTS_PER_CONNECTION = 20;

/**
 * Work that finds no connection within two seconds fails and is repeated, so the pool has to grow with the
 * slots.
 *
 * @returns a warning for the log, or undefined.
 */
export function whyPoolIsSmall({ queues: served, poolSize, slots: all }: ReturnType<typeof workerSizesOf>) {
  const inUse = served.reduce((sum, queue) => sum + (queue === 'workflows' ? 0 : all[queue]), 0);
  const needed = Math.ceil(inUse / SLOTS_PER_CONNECTION);
  return poolSize >= needed
    ? undefined
    : `WORKER_POOL_SIZE is ${poolSize}, and the task queues of this worker have ${inUse} slots: work that ` +
        `finds no connection is repeated. Set WORKER_POOL_SIZE to ${needed} or more`;
}
