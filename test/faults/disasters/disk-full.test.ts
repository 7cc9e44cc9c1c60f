/**
 * The disk of PostgreSQL is full for a while: callers get 503, no process of Syncline ends, and nothing that
 * was acknowledged is lost or pushed twice. The disk is a small file system in memory.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateToLatest } from '../../../db/migrate';
import { type PostgresServer, startPostgres } from '../../../dev/start/postgres';
import { startLoad } from '../../support/clients/load';
import { type Product, type ProductTenant, startProduct } from '../../support/environments/product';
import { freePort } from '../../support/servers/free-port';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../../support/servers/ledger-server';
import { temporaryFolder } from '../../support/servers/shared-servers';
import { until } from '../../support/until';

let disk: string;
let postgres: PostgresServer;
let start: () => Promise<void>;
let product: Product;
let tenant: ProductTenant;
let ledger: LedgerServer;

const asRoot = (command: string, ...args: string[]): Buffer =>
  process.getuid?.() === 0
    ? execFileSync(command, args)
    : execFileSync('sudo', ['--non-interactive', command, ...args]);

beforeAll(async () => {
  const folder = temporaryFolder('disk');
  fs.chmodSync(folder, 0o711);
  disk = path.join(folder, 'disk');
  fs.mkdirSync(disk);
  asRoot('mount', '-t', 'tmpfs', '-o', 'size=200m,mode=0777', 'tmpfs', disk);
  const options = {
    dataFolder: path.join(disk, 'data'),
    logFile: path.join(folder, 'log'),
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
    isThrowaway: true,
    settings: { synchronous_commit: 'on', max_wal_size: '64MB' },
  };
  start = async () => void (postgres = await startPostgres(options));
  await start();
  await migrateToLatest(postgres.url);
  ledger = await startLedgerServer();
  product = await startProduct({ databaseUrl: postgres.url });
  tenant = await product.givenTenant();
  await tenant.api.must(
    'POST',
    '/v1/integrations',
    ledgerIntegration(ledger.url, 'main', { grace_period_ms: 500 }),
  );
});

afterAll(async () => {
  try {
    await product?.stop();
    await Promise.all([ledger?.stop(), postgres?.stop()]);
  } finally {
    asRoot('umount', '--lazy', disk);
  }
});

/** Takes all the space that is left. @returns the file that takes it. */
function fillDisk(): string {
  const file = path.join(disk, 'filler');
  const megabyte = Buffer.alloc(1_000_000);
  try {
    for (;;) fs.appendFileSync(file, megabyte);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    return file;
  }
}

it('answers 503 while the disk is full, and loses nothing', async () => {
  const load = startLoad(tenant, { perSecond: 20, prefix: 'full' });
  await sleep(2_000);
  const filler = fillDisk();
  // More than what PostgreSQL has allocated before.
  await until('a write is refused', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => {
        const fields = { name: randomBytes(10_000).toString('hex') };
        return tenant.api.call('PUT', `/v1/records/notes/${randomBytes(8).toString('hex')}`, { fields });
      }),
    );
    return answers.some(({ status }) => status === 503);
  });
  await sleep(3_000);
  fs.rmSync(filler);
  if (!postgres.process.isRunning()) await start(); // PostgreSQL ends itself if it cannot write its log
  await until(
    'a write is accepted again',
    async () =>
      (await tenant.api.call('PUT', '/v1/records/employees/probe', { fields: { name: 'p' } })).status === 202,
  );
  await sleep(1_000);
  await load.stop();

  const refused = load.writes.filter(({ answer }) => answer?.status !== 202);
  expect(refused.filter(({ answer }) => answer?.status !== 503)).toEqual([]);
  const acknowledged = load.acknowledged();
  expect(acknowledged.length).toBeGreaterThan(20);
  await until('every acknowledged write is at the third party', () =>
    acknowledged.every((externalId) => ledger.person('main', externalId)),
  );
  const effects = (externalId: string) =>
    ledger.changes('main').filter((call) => call.externalId === externalId && call.isEffect).length;
  expect(acknowledged.filter((externalId) => effects(externalId) !== 1)).toEqual([]);
  await until('nothing is left to push', async () => {
    const pending = await tenant.api.list('/v1/record-syncs?status=sync_pending');
    return pending.length + (await tenant.api.list('/v1/record-syncs?status=syncing')).length === 0;
  });
  expect({ api: product.isApiRunning(), worker: product.isWorkerRunning() }).toEqual({
    api: true,
    worker: true,
  });
  expect((await tenant.api.call('GET', '/readyz')).status).toBe(200);
});
