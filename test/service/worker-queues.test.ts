/** Worker processes that serve some of the task queues (WORKER_QUEUES), against a real Temporal. */
import type { Json } from '../support/clients/api-client';
import { type MainProcess, startMain } from '../support/environments/main-process';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { type Product, startProduct } from '../support/environments/product';
import { freePort } from '../support/servers/free-port';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import { listIntegration, type ListServer, startListServer } from '../support/servers/list-server';
import { temporalAddress } from '../support/servers/shared-servers';
import { until } from '../support/until';

const PATIENCE_MS = 60_000;
let ledger: LedgerServer;
let lists: ListServer;
let product: Product;
let healthPort: number;
const workers: MainProcess[] = [];

beforeAll(async () => {
  healthPort = await freePort();
  const env = { WORKER_QUEUES: 'push,workflows', WORKER_HEALTH_PORT: String(healthPort) };
  [ledger, lists, product] = await Promise.all([
    startLedgerServer(),
    startListServer(),
    startProduct({ env }),
  ]);
  lists.fill('people', 10);
}, 60_000);
afterAll(async () => {
  for (const worker of workers) worker.kill();
  await Promise.all([product?.stop(), ledger?.stop(), lists?.stop()]);
});

async function givenWorker(queues: string): Promise<MainProcess> {
  const worker = await startMain('worker', {
    DATABASE_URL: product.databaseUrl,
    ENCRYPTION_KEYS: product.encryptionKeys,
    TEMPORAL_ADDRESS: temporalAddress(),
    TEMPORAL_NAMESPACE: product.namespace,
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
    WORKER_QUEUES: queues,
  });
  workers.push(worker);
  await worker.untilLogged('worker running');
  return worker;
}

async function readiness(): Promise<{ status: number; body: Json }> {
  const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
  return { status: response.status, body: (await response.json()) as Json };
}

async function end(worker: MainProcess): Promise<string> {
  process.kill(worker.pid, 'SIGTERM');
  return worker.ended;
}

it('a worker of pushes takes no pull, says which queues no one serves, and others do that work', async () => {
  const tenant = await product.givenTenant();
  await tenant.api.must(
    'POST',
    '/v1/integrations?check=false',
    ledgerIntegration(ledger.url, 'main', { grace_period_ms: 0 }),
  );
  const pulling = await PullingIntegration.link(tenant, listIntegration(lists.url, ['people']));

  await tenant.api.put('p1', { name: 'Ada', rev: 1 });
  await until('the push has arrived', () => ledger.people('main').length === 1, PATIENCE_MS);

  expect(lists.asked).toEqual([]);
  const alone = await readiness();
  expect(alone).toMatchObject({ status: 200, body: { checks: { task_queues: { status: 'warning' } } } });
  expect(alone.body.checks.task_queues.detail).toContain('No worker serves pull, email, webhooks');
  expect(product.logs()).toContain('No worker serves pull, email, webhooks');

  const others = [await givenWorker('pull'), await givenWorker('email,webhooks')];
  await pulling.untilOnboarding('complete', PATIENCE_MS);

  expect((await readiness()).body.checks.task_queues).toEqual({ status: 'ok' });
  expect(await Promise.all(others.map(end))).toEqual(Array(2).fill('ended with exit code 0'));
  expect(await product.stopWorker()).toBe('ended with exit code 0');
}, 180_000);

it.each(['workflows', 'push', 'pull', 'email', 'webhooks'])(
  'SIGTERM ends a worker that serves %s only',
  async (queue) => {
    expect(await end(await givenWorker(queue))).toBe('ended with exit code 0');
  },
);

it.each(['pushes', 'push,,pull'])('a worker with WORKER_QUEUES=%s ends at its start', async (queues) => {
  const worker = await startMain('worker', { DATABASE_URL: product.databaseUrl, WORKER_QUEUES: queues });
  workers.push(worker);

  expect(await worker.ended).toBe('ended with exit code 2');
  expect(worker.logs()).toContain('The task queues are workflows, push, pull, email, webhooks');
});
