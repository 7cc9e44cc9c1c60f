/**
 * PostgreSQL restarted, killed, hanging and cut off under load (rules.md R5, R6): callers get 503 with
 * Retry-After, no process ends, and nothing that was acknowledged is lost or pushed twice.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateToLatest } from '../../db/migrate';
import { type PostgresServer, startPostgres } from '../../dev/start/postgres';
import { freePort } from '../support/servers/free-port';
import { type FaultyLink, startToxiproxy, type Toxiproxy } from '../support/servers/fault-servers';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import { type Load, startLoad, type Write } from '../support/clients/load';
import { type Product, type ProductTenant, startProduct, throughPort } from '../support/environments/product';
import { temporaryFolder } from '../support/servers/shared-servers';
import { type SilentRelay, startSilentRelay } from '../support/servers/silent-relay';
import { until } from '../support/until';

let postgres: PostgresServer;
let start: () => Promise<void>;
let toxiproxy: Toxiproxy;
let link: FaultyLink;
let relay: SilentRelay;
let product: Product;
let tenant: ProductTenant;
let ledger: LedgerServer;

beforeAll(async () => {
  const folder = temporaryFolder('postgres');
  fs.chmodSync(folder, 0o711);
  const [port, password] = [await freePort(), randomBytes(12).toString('hex')];
  const options = {
    dataFolder: path.join(folder, 'data'),
    logFile: path.join(folder, 'log'),
    port,
    password,
  };
  // Quick, but what was committed is there after kill -9.
  start = async () =>
    void (postgres = await startPostgres({
      ...options,
      isThrowaway: true,
      settings: { synchronous_commit: 'on' },
    }));
  await start();
  await migrateToLatest(postgres.url);
  [toxiproxy, ledger, relay] = await Promise.all([
    startToxiproxy(),
    startLedgerServer(),
    startSilentRelay(port),
  ]);
  link = await toxiproxy.linkTo(relay.port);
  const faulty = throughPort(postgres.url, link.port);
  product = await startProduct({
    databaseUrl: postgres.url,
    apiDatabaseUrl: faulty,
    workerDatabaseUrl: faulty,
  });
  tenant = await product.givenTenant();
  await tenant.api.must(
    'POST',
    '/v1/integrations',
    ledgerIntegration(ledger.url, 'main', { grace_period_ms: 500 }),
  );
});

afterAll(async () => {
  await product?.stop();
  await Promise.all([toxiproxy?.stop(), ledger?.stop(), relay?.stop()]);
  await postgres?.stop();
});

async function underLoad(prefix: string, trouble: (load: Load) => Promise<void>): Promise<Load> {
  const load = startLoad(tenant, { perSecond: 20, prefix });
  try {
    await sleep(1_000);
    await trouble(load);
    await sleep(500);
  } finally {
    await load.stop();
  }
  return load;
}

const isReady = async (): Promise<boolean> => (await tenant.api.call('GET', '/readyz')).status === 200;

/** From now until the API accepts writes again. */
async function recovery(): Promise<void> {
  await until(
    'a write is accepted again',
    async () =>
      (await tenant.api.call('PUT', '/v1/records/employees/probe', { fields: { name: 'probe' } })).status ===
      202,
  );
  await until('the API is ready', isReady);
}

/** What every trouble with PostgreSQL must come to. */
async function expectNothingLost(load: Load): Promise<void> {
  const refused = load.writes.filter(({ answer }) => answer?.status !== 202);
  expect(
    refused.map(({ answer }) => answer?.status ?? 'no answer').filter((status) => status !== 503),
  ).toEqual([]);
  for (const { answer } of refused) {
    expect(answer?.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(Number(answer?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer?.body).toMatchObject({ status: 503, code: expect.stringMatching(/^database_/) });
  }
  expect({ api: product.isApiRunning(), worker: product.isWorkerRunning() }).toEqual({
    api: true,
    worker: true,
  });

  const acknowledged = load.acknowledged();
  expect(acknowledged.length).toBeGreaterThan(0);
  await until('every acknowledged write is at the third party', () =>
    acknowledged.every((externalId) => ledger.person('main', externalId)),
  );
  const effects = (externalId: string) =>
    ledger.changes('main').filter((call) => call.externalId === externalId && call.isEffect).length;
  expect(acknowledged.filter((externalId) => effects(externalId) !== 1)).toEqual([]);
}

describe('R5: PostgreSQL goes away and comes back', () => {
  it('answers 503 during the restart, recovers by itself, and loses nothing', async () => {
    const load = await underLoad('restart', async () => {
      await postgres.stop(); // fast: sessions are ended
      await sleep(1_000);
      expect((await tenant.api.call('GET', '/livez')).status).toBe(200);
      expect((await tenant.api.call('GET', '/readyz')).status).toBe(503);
      await start();
      await recovery();
    });

    expect(load.writes.some(({ answer }) => answer?.status === 503)).toBe(true);
    await expectNothingLost(load);
  });

  it('does the same when its postmaster is killed with -9', async () => {
    const load = await underLoad('killed', async () => {
      postgres.process.kill();
      await postgres.process.ended;
      await sleep(500);
      // Its orphaned backends hold the memory for a moment.
      await until('PostgreSQL runs again', async () => start().then(() => true));
      await recovery();
    });

    expect(load.acknowledged()).not.toEqual([]);
    await expectNothingLost(load);
  });
});

describe('R6: PostgreSQL cannot be reached', () => {
  it('answers 503 while it hangs, is alive but not ready, and leaks no connection', async () => {
    let hung: Write[] = [];
    const load = await underLoad('hang', async (current) => {
      await link.addToxic('timeout', { timeout: 0 });
      const from = Date.now();
      await sleep(1_000);
      expect((await tenant.api.call('GET', '/livez')).status).toBe(200);
      expect((await tenant.api.call('GET', '/readyz')).status).toBe(503);
      hung = await until('several writes hang', () => {
        const sent = current.writes.filter(({ sentAt }) => sentAt > from);
        return sent.length > 10 && sent;
      });
      await until('they are answered while it hangs', () => hung.every(({ answer }) => answer !== undefined));
      await link.heal();
      await recovery();
    });

    expect(new Set(hung.map(({ answer }) => answer?.status))).toEqual(new Set([503]));
    await expectNothingLost(load);
  });

  it('survives connections that are reset and refused', async () => {
    const load = await underLoad('reset', async () => {
      await link.addToxic('reset_peer', { timeout: 0 });
      await sleep(2_000);
      await link.disable();
      await sleep(1_000);
      await link.heal();
      await recovery();
    });

    expect(load.acknowledged()).not.toEqual([]);
    await expectNothingLost(load);
  });

  it('gives up silently dropped connections, and opens new ones', async () => {
    const load = await underLoad('silent', async () => {
      relay.clearConnections();
      await recovery();
    });

    expect(load.acknowledged()).not.toEqual([]);
    await expectNothingLost(load);
  });
});
