/** Permanent names. Apart, so that a long pull never holds a push's slot (ARCHITECTURE.md). */
export const TASK_QUEUES = { workflows: 'workflows', push: 'push', pull: 'pull', email: 'email' } as const;
