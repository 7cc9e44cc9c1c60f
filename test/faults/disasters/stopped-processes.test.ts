/**
 * Processes that are stopped (SIGSTOP) for longer than the leases of their work, and continue: what another
 * worker took over is not done again, and what waited is done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../../support/clients/load';
import { type MainProcess, startMain } from '../../support/environments/main-process';
import { type Product, type ProductTenant, startProduct } from '../../support/environments/product';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../../support/servers/ledger-server';
import { temporalAddress } from '../../support/servers/shared-servers';
import { until } from '../../support/until';

/** Heartbeats of activities are missed after 20 s, and their work is given to another worker. */
const STOPPED_MS = 30_000;
let product: Product;
let second: MainProcess | undefined;
let tenant: ProductTenant;
let ledger: LedgerServer;

beforeAll(async () => {
  ledger = await startLedgerServer();
  product = await startProduct();
  tenant = await product.givenTenant();
  await tenant.api.must(
    'POST',
    '/v1/integrations',
    ledgerIntegration(ledger.url, 'main', { grace_period_ms: 1_000 }),
  );
});

afterAll(async () => {
  await second?.stop();
  await product?.stop();
  await ledger?.stop();
});

const startSecondWorker = (): Promise<MainProcess> =>
  startMain('worker', {
    DATABASE_URL: product.databaseUrl,
    ENCRYPTION_KEYS: product.encryptionKeys,
    TEMPORAL_ADDRESS: temporalAddress(),
    TEMPORAL_NAMESPACE: product.namespace,
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
  });

it('a worker that was stopped in the middle of a push repeats nothing that another one has done', async () => {
  let stoppedAt = 0;
  ledger.afterEffect = (call) => {
    if (stoppedAt > 0 || call.kind !== 'create') return;
    stoppedAt = Date.now();
    process.kill(product.workerPid(), 'SIGSTOP'); // the effect has happened; the answer is not read
  };
  await tenant.api.put('ada', { name: 'Ada', rev: 1 });
  await until('the worker is stopped', () => stoppedAt > 0);
  second = await startSecondWorker();
  await second.untilLogged('"worker running"');
  const load = startLoad(tenant, { perSecond: 10, prefix: 'stopped', isDatabaseWell: true });
  await sleep(stoppedAt + STOPPED_MS - Date.now());
  process.kill(product.workerPid(), 'SIGCONT');
  await sleep(2_000);
  await load.stop();

  expect(load.writes.filter(({ answer }) => answer?.status !== 202)).toEqual([]);
  await until(
    'everything is synced',
    async () => (await tenant.api.list('/v1/record-syncs?status=synced')).length === load.writes.length + 1,
  );
  const dueAt = new Map(
    load.writes.map(({ externalId, answer }) => [externalId, Date.parse(answer?.body.syncs[0].due_at)]),
  );
  const calls = ledger.changes('main');
  const effects = calls.filter(({ isEffect }) => isEffect);
  expect(effects).toHaveLength(load.writes.length + 1);
  expect(calls.filter(({ isOverlapping }) => isOverlapping)).toEqual([]);
  expect(new Set(calls.map(({ key }) => key)).size).toBe(load.writes.length + 1); // repeated under its id
  expect(calls.filter((call) => call.at < (dueAt.get(call.externalId as string) ?? 0))).toEqual([]);
  expect(product.isWorkerRunning()).toBe(true);
});

it('an api that was stopped answers what waited, and ends no process', async () => {
  process.kill(product.apiPid(), 'SIGSTOP');
  const waiting = tenant.api.put('late', { name: 'Late', rev: 1 });
  await sleep(12_000);
  process.kill(product.apiPid(), 'SIGCONT');
  await waiting;

  await until('the record is synced', async () => {
    const { badge } = await tenant.api.must('GET', '/v1/records/employees/late');
    return badge.status === 'synced';
  });
  expect(ledger.changes('main').filter((call) => call.externalId === 'late')).toHaveLength(1);
  await until('the api is ready', async () => (await tenant.api.call('GET', '/readyz')).status === 200);
});
