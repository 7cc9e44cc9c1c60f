/**
 * Temporal killed, away for a while, then slow, under load (rules.md R7): changes go on being accepted as if
 * nothing were, and everything is pushed once and not early.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import { type FaultyLink, startToxiproxy, type Toxiproxy } from '../support/servers/fault-servers';
import { freePort } from '../support/servers/free-port';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import { startLoad } from '../support/clients/load';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';

const DOWN_MS = 20_000;
const SLOW_MS = 10_000;
let temporal: TemporalServer;
let start: () => Promise<void>;
let toxiproxy: Toxiproxy;
let link: FaultyLink;
let product: Product;
let tenant: ProductTenant;
let integrationId: string;
let ledger: LedgerServer;

beforeAll(async () => {
  const [folder, port] = [temporaryFolder('temporal'), await freePort()];
  const options = { logFile: path.join(folder, 'log'), databaseFile: path.join(folder, 'temporal.db'), port };
  start = async () => void (temporal = await startTemporalServer(options));
  [toxiproxy, ledger] = await Promise.all([startToxiproxy(), startLedgerServer(), start()]);
  link = await toxiproxy.linkTo(port);
  product = await startProduct({ temporalAddress: `127.0.0.1:${link.port}`, namespace: 'default' });
  tenant = await product.givenTenant();
  integrationId = (
    await tenant.api.must(
      'POST',
      '/v1/integrations',
      ledgerIntegration(ledger.url, 'main', { grace_period_ms: 1_000 }),
    )
  ).id;
});

afterAll(async () => {
  await product?.stop();
  await Promise.all([toxiproxy?.stop(), ledger?.stop(), temporal?.stop()]);
});

it('accepts every change while Temporal is down and while it is slow, and pushes each once and not early', async () => {
  const load = startLoad(tenant, { perSecond: 15, prefix: 'r7', isDatabaseWell: true });
  await sleep(3_000);

  temporal.process.kill();
  await temporal.process.ended;
  await sleep(DOWN_MS);
  expect((await tenant.api.call('GET', '/readyz')).status).toBe(200); // no reason to take the API out of service
  const checked = await tenant.api.call('POST', `/v1/integrations/${integrationId}/check`);
  expect({ status: checked.status, code: checked.body.code }).toEqual({
    status: 503,
    code: 'temporal_unavailable',
  });
  const sent = [...load.writes];
  await until('each change is accepted while Temporal is down', () =>
    sent.every(({ answer }) => answer?.status === 202),
  );
  await start();
  await link.addToxic('latency', { latency: 3_000 });
  await sleep(SLOW_MS);
  await link.heal();
  await sleep(1_000);
  await load.stop();

  expect(load.writes.filter(({ answer }) => answer?.status !== 202)).toEqual([]);
  await until('everything is at the third party', () =>
    load.acknowledged().every((externalId) => ledger.person('main', externalId)),
  );
  await until(
    'everything is synced',
    async () => (await tenant.api.list('/v1/record-syncs?status=synced')).length === load.writes.length,
  );
  const calls = ledger.changes('main');
  const dueAt = new Map(
    load.writes.map(({ externalId, answer }) => [externalId, Date.parse(answer?.body.syncs[0].due_at)]),
  );
  expect(calls.filter((call) => call.at < (dueAt.get(call.externalId as string) as number))).toEqual([]);
  expect(calls).toHaveLength(load.writes.length);
  expect({ api: product.isApiRunning(), worker: product.isWorkerRunning() }).toEqual({
    api: true,
    worker: true,
  });
});
