/** Permanent names. Apart, so that a long pull never holds a push's slot, nor a receiver that hangs anybody's (ARCHITECTURE.md). */
export const TASK_QUEUES = {
  workflows: 'workflows',
  push: 'push',
  pull: 'pull',
  email: 'email',
  webhooks: 'webhooks',
} as const;
