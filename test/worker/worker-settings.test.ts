/** What a worker process serves and how much of it at the same time, as its environment says. */
import { DELIVERING_LIMITS, PUSHING_LIMITS } from '../../activities/dependencies';
import { DEFAULT_SLOTS } from '../../domain/slot-shares';
import { loadWorkerConfig } from '../../runtime/config';
import { whyPoolIsSmall } from '../../runtime/worker-variables';

const load = (more: NodeJS.ProcessEnv = {}) =>
  loadWorkerConfig({ DATABASE_URL: 'postgres://a@b/c', ENCRYPTION_KEYS: 'k1:x', ...more });

it.each([
  [undefined, ['workflows', 'push', 'pull', 'email', 'webhooks']],
  ['', ['workflows', 'push', 'pull', 'email', 'webhooks']],
  ['push', ['push']],
  [' webhooks , email', ['email', 'webhooks']],
  ['pull,pull', ['pull']],
])('WORKER_QUEUES=%s serves %j', (named, queues) => {
  expect(load({ WORKER_QUEUES: named }).queues).toEqual(queues);
});

it.each([
  ['pushes', 'names no task queue with "pushes"'],
  ['Push', 'names no task queue with "Push"'],
  ['push;pull', 'names no task queue with "push;pull"'],
  ['push,,pull', 'has an empty name between its commas'],
  ['push,', 'has an empty name between its commas'],
  [' ', 'has an empty name between its commas'],
])('an operator who sets WORKER_QUEUES=%j reads at the start what is wrong', (named, message) => {
  expect(() => load({ WORKER_QUEUES: named })).toThrow(`WORKER_QUEUES ${message}`);
  expect(() => load({ WORKER_QUEUES: named })).toThrow('are workflows, push, pull, email, webhooks');
});

it('a worker without settings has the sizes of former versions', () => {
  expect(load()).toMatchObject({
    poolSize: 20,
    slots: DEFAULT_SLOTS,
    cachedWorkflows: 500,
    delivering: { atOnce: DELIVERING_LIMITS.atOnce },
    pushing: { shardsMax: PUSHING_LIMITS.shardsMax, parallelBatches: PUSHING_LIMITS.parallelBatches },
  });
  expect(DEFAULT_SLOTS).toEqual({ push: 150, pull: 24, webhooks: 200, email: 10 });
});

it.each([
  ['WORKER_POOL_SIZE', '3', '1001'],
  ['WORKER_PUSH_SLOTS', '2', '5001'],
  ['WORKER_PULL_SLOTS', '2', '5001'],
  ['WORKER_WEBHOOK_SLOTS', '2', '5001'],
  ['WORKER_EMAIL_SLOTS', '0', '5001'],
  ['WORKER_CACHED_WORKFLOWS', '49', '100001'],
  ['PUSH_EXECUTIONS', '0', '17'],
  ['PUSH_BATCHES', '0', '17'],
  ['WEBHOOK_DELIVERIES', '0', '201'],
  ['PULL_RANGES', '0', '5'],
  ['PULL_RANGES_FROM', '0', '1000000001'],
])('%s has bounds', (variable, tooSmall, tooLarge) => {
  for (const value of [tooSmall, tooLarge, 'many'])
    expect(() => load({ [variable]: value })).toThrow(`${variable} `);
});

const NO_WARNING = /^undefined$/;

it.each([
  [{}, NO_WARNING],
  [{ WORKER_PUSH_SLOTS: '1000' }, /1234 slots: work that finds no connection is repeated/],
  [{ WORKER_PUSH_SLOTS: '1000', WORKER_POOL_SIZE: '62' }, NO_WARNING],
  [{ WORKER_PUSH_SLOTS: '1000', WORKER_QUEUES: 'pull,email' }, NO_WARNING],
  [{ WORKER_POOL_SIZE: '4', WORKER_QUEUES: 'webhooks' }, /Set WORKER_POOL_SIZE to 10 or more/],
  [{ WORKER_POOL_SIZE: '4', WORKER_QUEUES: 'workflows' }, NO_WARNING],
])('with %j the log warns of too few connections: %s', (settings, warning) => {
  expect(String(whyPoolIsSmall(load(settings)))).toMatch(warning);
});
