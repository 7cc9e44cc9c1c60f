/**
 * Temporal's data lost, and restored from an older backup, under load: queues of pushes and runs
 * come back from the database. Everything is pushed once and not early.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTemporalServer, type TemporalServer } from '../../../dev/start/temporal';
import { type Load, startLoad } from '../../support/clients/load';
import { type Product, type ProductTenant, startProduct } from '../../support/environments/product';
import { freePort } from '../../support/servers/free-port';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../../support/servers/ledger-server';
import { temporaryFolder } from '../../support/servers/shared-servers';
import { until } from '../../support/until';

let databaseFile: string;
let temporal: TemporalServer;
let start: () => Promise<void>;
let product: Product;
let tenant: ProductTenant;
let integrationId: string;
let ledger: LedgerServer;

beforeAll(async () => {
  const [folder, port] = [temporaryFolder('temporal'), await freePort()];
  databaseFile = path.join(folder, 'temporal.db');
  const options = { logFile: path.join(folder, 'log'), databaseFile, port };
  start = async () => void (temporal = await startTemporalServer(options));
  [ledger] = await Promise.all([startLedgerServer(), start()]);
  product = await startProduct({ temporalAddress: temporal.address, namespace: 'default' });
  tenant = await product.givenTenant();
  integrationId = (
    await tenant.api.must(
      'POST',
      '/v1/integrations',
      ledgerIntegration(ledger.url, 'main', { grace_period_ms: 3_000 }),
    )
  ).id;
});

afterAll(async () => {
  await product?.stop();
  await Promise.all([ledger?.stop(), temporal?.stop()]);
});

/** Temporal ends, its files are what `change` makes of them, and it starts again. */
async function replaceTemporal(change: () => void): Promise<void> {
  temporal.process.kill();
  await temporal.process.ended;
  change();
  await start();
}

const files = () => [databaseFile, `${databaseFile}-wal`, `${databaseFile}-shm`];

async function expectPushedOnce(load: Load): Promise<void> {
  expect(load.writes.filter(({ answer }) => answer?.status !== 202)).toEqual([]);
  await until('everything is at the third party', () =>
    load.acknowledged().every((externalId) => ledger.person('main', externalId)),
  );
  const dueAt = new Map(
    load.writes.map(({ externalId, answer }) => [externalId, Date.parse(answer?.body.syncs[0].due_at)]),
  );
  const calls = ledger.changes('main').filter(({ externalId }) => dueAt.has(externalId as string));
  expect(calls.filter((call) => call.at < (dueAt.get(call.externalId as string) as number))).toEqual([]);
  expect(calls.filter(({ isEffect }) => isEffect)).toHaveLength(load.writes.length);
  await until('nothing is left to push', async () => {
    const pending = await tenant.api.list('/v1/record-syncs?status=sync_pending');
    const syncing = await tenant.api.list('/v1/record-syncs?status=syncing');
    return pending.length + syncing.length === 0;
  });
}

it('starts everything again in a Temporal that has lost its data, while the worker runs', async () => {
  const load = startLoad(tenant, { perSecond: 15, prefix: 'lost', isDatabaseWell: true });
  await sleep(2_000);
  await replaceTemporal(() => files().forEach((file) => fs.rmSync(file, { force: true })));
  await load.stop();

  await expectPushedOnce(load);
  // The rows are right, so the restore of Temporal leaves no word at the records.
  expect((await tenant.api.must('GET', `/v1/integrations/${integrationId}`)).unverified_types).toEqual({});
  expect(product.logs()).toContain('Temporal has lost data');
});

it('loses nothing with a Temporal of an older backup', async () => {
  const copies = files().map((file) => `${file}.copy`);
  const before = startLoad(tenant, { perSecond: 10, prefix: 'before', isDatabaseWell: true });
  await sleep(1_500);
  await replaceTemporal(() =>
    files().forEach((file, at) => fs.existsSync(file) && fs.copyFileSync(file, copies[at] as string)),
  );
  await before.stop();
  await expectPushedOnce(before);

  const load = startLoad(tenant, { perSecond: 15, prefix: 'older', isDatabaseWell: true });
  await sleep(4_000);
  await replaceTemporal(() =>
    files().forEach((file, at) => {
      fs.rmSync(file, { force: true });
      if (fs.existsSync(copies[at] as string)) fs.copyFileSync(copies[at] as string, file);
    }),
  );
  await product.killWorker();
  await product.startWorker();
  await load.stop();
  await expectPushedOnce(load);
  await expectPushedOnce(before); // the queues of the backup push nothing again
  expect({ api: product.isApiRunning(), worker: product.isWorkerRunning() }).toEqual({
    api: true,
    worker: true,
  });
});
