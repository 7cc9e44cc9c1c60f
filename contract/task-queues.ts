/**
 * Permanent names. Separate queues, so that long pulls and slow receivers never occupy the slots of pushes
 * (ARCHITECTURE.md).
 */
export const TASK_QUEUES = {
  workflows: 'workflows',
  push: 'push',
  pull: 'pull',
  email: 'email',
  webhooks: 'webhooks',
} as const;

export type TaskQueue = (typeof TASK_QUEUES)[keyof typeof TASK_QUEUES];
