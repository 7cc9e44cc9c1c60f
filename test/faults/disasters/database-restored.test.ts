/**
 * PostgreSQL restored to an earlier time, behind Temporal and the third party, with a copy of its files as a
 * disk snapshot makes it (X12, rules.md 54): the worker finds it out, nothing that the third party holds is
 * doubled, and no record is called Synced without a word until it was compared.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { migrateToLatest } from '../../../db/migrate';
import { type PostgresServer, startPostgres } from '../../../dev/start/postgres';
import type { Json } from '../../support/clients/api-client';
import { type Product, type ProductTenant, startProduct } from '../../support/environments/product';
import { freePort } from '../../support/servers/free-port';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../../support/servers/ledger-server';
import { temporalAddress, temporaryFolder } from '../../support/servers/shared-servers';
import { until } from '../../support/until';

let dataFolder: string;
let postgres: PostgresServer;
let start: () => Promise<void>;
let product: Product;
let tenant: ProductTenant;
let integrationId: string;
let ledger: LedgerServer;

beforeAll(async () => {
  const folder = temporaryFolder('postgres');
  fs.chmodSync(folder, 0o711);
  dataFolder = path.join(folder, 'data');
  const [port, password] = [await freePort(), randomBytes(12).toString('hex')];
  const options = { dataFolder, logFile: path.join(folder, 'log'), port, password };
  start = async () => void (postgres = await startPostgres({ ...options, isThrowaway: true }));
  await start();
  await migrateToLatest(postgres.url);
  ledger = await startLedgerServer();
  product = await startProduct({ databaseUrl: postgres.url });
  tenant = await product.givenTenant();
  const settings = { grace_period_ms: 500, isListed: true };
  integrationId = (
    await tenant.api.must('POST', '/v1/integrations', ledgerIntegration(ledger.url, 'main', settings))
  ).id;
});

afterAll(async () => {
  await product?.stop();
  await Promise.all([ledger?.stop(), postgres?.stop()]);
});

const copyFiles = (from: string, to: string): void => {
  fs.rmSync(to, { recursive: true, force: true });
  fs.cpSync(from, to, { recursive: true, preserveTimestamps: true });
  const { uid, gid } = fs.statSync(path.join(from, '..', 'data'));
  for (const file of ['', ...fs.readdirSync(to, { recursive: true, encoding: 'utf8' })])
    fs.chownSync(path.join(to, file), uid, gid);
};

/** The newest mark of the database that Temporal knows; undefined = none. */
async function markAtTemporal(): Promise<string | undefined> {
  const connection = await Connection.connect({ address: temporalAddress() });
  try {
    const { schedule } = new Client({ connection, namespace: product.namespace });
    for await (const { scheduleId } of schedule.list())
      if (scheduleId.startsWith('database-mark:'))
        return (await schedule.getHandle(scheduleId).describe()).state.note;
    return undefined;
  } finally {
    await connection.close();
  }
}

const show = (externalId: string): Promise<Json> =>
  tenant.api.must('GET', `/v1/records/employees/${externalId}`);
const untilPushed = (externalId: string, rev: number): Promise<unknown> =>
  until(
    `${externalId} is pushed with rev ${rev}`,
    async () =>
      ledger.person('main', externalId)?.rev === rev && (await show(externalId)).badge.status === 'synced',
  );
const creations = (externalId: string): number =>
  ledger.changes('main').filter((call) => call.kind === 'create' && call.externalId === externalId).length;

it('X12: an operator restores a disk snapshot, and every record is compared before Synced is verified', async () => {
  for (const externalId of ['edited', 'untouched'])
    await tenant.api.put(externalId, { name: externalId, rev: 1 });
  await untilPushed('edited', 1);
  await untilPushed('untouched', 1);
  await tenant.api.put('pending', { name: 'pending', rev: 1 });
  await postgres.stop();
  copyFiles(dataFolder, `${dataFolder}.snapshot`);

  await start();
  await until('the API is back', async () => (await tenant.api.call('GET', '/readyz')).status === 200);
  await untilPushed('pending', 1);
  await tenant.api.put('edited', { name: 'edited', rev: 2 });
  await tenant.api.put('created', { name: 'created', rev: 1 });
  await untilPushed('edited', 2);
  await untilPushed('created', 1);
  await product.killWorker();
  const earlier = await markAtTemporal();
  await product.startWorker();
  await until('the database has a later mark', async () => (await markAtTemporal()) !== earlier);

  await product.killWorker();
  await postgres.stop();
  fs.rmSync(dataFolder, { recursive: true });
  fs.renameSync(`${dataFolder}.snapshot`, dataFolder);
  await start();
  await until('the API is back', async () => (await tenant.api.call('GET', '/readyz')).status === 200);
  ledger.decide = () => ({ kind: 'status', status: 503 }); // nothing can be compared yet
  await product.startWorker();
  await until('the restore was found', () => product.logs().includes('the database was restored'));

  const restored = await show('edited');
  expect(restored.badge).toMatchObject({ status: 'synced', is_unverified: true });
  expect(restored.syncs[0].unverified_since).not.toBeNull();
  const { unverified_types: unverified } = await tenant.api.must('GET', `/v1/integrations/${integrationId}`);
  expect(Object.keys(unverified)).toEqual(['employees']);

  ledger.reset();
  await until(
    'everything is compared',
    async () => !(await show('untouched')).badge.is_unverified && !(await show('edited')).badge.is_unverified,
  );
  const [drift] = (await show('edited')).syncs[0].drifts;
  expect(drift).toMatchObject({ place: 'rev', expected: 1, found: 2 });
  expect((await show('untouched')).syncs[0].drifts).toEqual([]);

  // The caller repeats what the database has forgotten; what was pending is pushed again.
  await tenant.api.put('created', { name: 'created', rev: 1 });
  await untilPushed('created', 1);
  await untilPushed('pending', 1);
  for (const externalId of ['edited', 'untouched', 'created', 'pending'])
    expect([externalId, creations(externalId)]).toEqual([externalId, 1]);
  expect(ledger.people('main')).toHaveLength(4);
});
