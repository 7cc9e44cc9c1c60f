/**
 * PostgreSQL and Temporal restarted and killed in the middle of sync runs, and api processes that die around
 * the request for one: the run ends by itself, nothing is lost, nothing is counted twice.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateToLatest } from '../../db/migrate';
import { type PostgresServer, startPostgres } from '../../dev/start/postgres';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import type { Json } from '../support/clients/api-client';
import { freePort } from '../support/servers/free-port';
import { type FaultyLink, startToxiproxy, type Toxiproxy } from '../support/servers/fault-servers';
import { holdCommits } from '../support/environments/held-commits';
import { listIntegration, type ListServer, startListServer } from '../support/servers/list-server';
import { type Product, type ProductTenant, startProduct, throughPort } from '../support/environments/product';
import { compareCopy } from '../support/environments/pulling-integration';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';

const EACH = 20_000;
const DATASETS = ['contacts', 'companies'];

let postgres: PostgresServer;
let startDatabase: () => Promise<void>;
let temporal: TemporalServer;
let startTemporal: () => Promise<void>;
let toxiproxy: Toxiproxy;
let apiLink: FaultyLink;
let lists: ListServer;
let product: Product;
let tenant: ProductTenant;
let integration: PullingIntegration;

beforeAll(async () => {
  const folder = temporaryFolder('stores');
  fs.chmodSync(folder, 0o711);
  const [port, temporalPort, password] = [
    await freePort(),
    await freePort(),
    randomBytes(12).toString('hex'),
  ];
  const options = {
    dataFolder: path.join(folder, 'data'),
    logFile: path.join(folder, 'log'),
    port,
    password,
  };
  startDatabase = async () =>
    void (postgres = await startPostgres({
      ...options,
      isThrowaway: true,
      settings: { synchronous_commit: 'on' },
    }));
  const temporalOptions = {
    logFile: path.join(folder, 'temporal.log'),
    databaseFile: path.join(folder, 'temporal.db'),
    port: temporalPort,
  };
  startTemporal = async () => void (temporal = await startTemporalServer(temporalOptions));
  [toxiproxy, lists] = await Promise.all([
    startToxiproxy(),
    startListServer(),
    startDatabase(),
    startTemporal(),
  ]);
  await migrateToLatest(postgres.url);
  apiLink = await toxiproxy.linkTo(port);
  product = await startProduct({
    databaseUrl: postgres.url,
    apiDatabaseUrl: throughPort(postgres.url, apiLink.port),
    temporalAddress: `127.0.0.1:${temporalPort}`,
    namespace: 'default',
  });
  tenant = await product.givenTenant();
  for (const dataset of DATASETS) lists.fill(dataset, EACH);
});

beforeEach(() => {
  lists.asked.length = 0;
});

afterEach(async () => {
  lists.beforePage = () => undefined;
  lists.delayMs = 0;
  await apiLink.heal();
  if (!product.isApiRunning()) await product.startApi();
  if (!product.isWorkerRunning()) await product.startWorker();
});

afterAll(async () => {
  await product?.stop();
  await Promise.all([toxiproxy?.stop(), lists?.stop(), temporal?.stop()]);
  await postgres?.stop();
});

/**
 * Something happens once, when this page of the first dataset was asked for; the page comes meanwhile.
 * Resolves when it has happened, to the time at which it began.
 */
function at(page: number, happen: () => Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    lists.beforePage = (asked) => {
      if (asked.dataset !== DATASETS[0] || asked.page !== page) return;
      lists.beforePage = () => undefined;
      const beganAt = Date.now();
      happen().then(() => resolve(beganAt), reject);
    };
  });
}

async function killDatabase(): Promise<void> {
  postgres.process.kill();
  await postgres.process.ended;
  await until('PostgreSQL runs again', () => startDatabase().then(() => true));
}

const untilEnded = (runId: string): Promise<Json> =>
  until('the run has ended', async () => {
    const { status, body } = await tenant.api.call('GET', `/v1/sync-runs/${runId}`);
    return status === 200 && body.finished_at !== null && body;
  });

async function expectWhole(run: Json, progress: object): Promise<void> {
  expect(run).toMatchObject({
    state: 'succeeded',
    failed_jobs: 0,
    progress: { records_read: 2 * EACH, records_failed: 0, ...progress },
  });
  for (const dataset of DATASETS) {
    const copy = await compareCopy(product.databaseUrl, integration.id, lists, dataset);
    expect({ dataset, ...copy }).toEqual({ dataset, differences: 0, held: EACH, pagesNotedWrongly: 0 });
  }
  expect({ api: product.isApiRunning(), worker: product.isWorkerRunning() }).toEqual({
    api: true,
    worker: true,
  });
}

describe('PostgreSQL in the middle of a full pass', () => {
  it('may be killed with -9 during the initial load, whose pages do not wait for the disk: lost pages are read again', async () => {
    lists.delayMs = 60;
    const killed = at(7, killDatabase);
    integration = await PullingIntegration.link(tenant, listIntegration(lists.url, DATASETS));
    const killedAt = await killed;
    const [run] = await until('the log can be read', () => integration.runs());

    const ended = await untilEnded(run?.id);
    expect(Date.parse(ended.finished_at)).toBeGreaterThan(killedAt);
    await expectWhole(ended, { records_new: 2 * EACH });
  });

  it('may restart: the pass continues at the saved cursor', async () => {
    lists.delayMs = 60;
    const restarted = at(5, async () => {
      await postgres.stop();
      await sleep(1_000);
      await startDatabase();
    });
    integration = await PullingIntegration.link(tenant, listIntegration(lists.url, DATASETS));
    await restarted;
    const [run] = await until('the log can be read', () => integration.runs());

    await expectWhole(await untilEnded(run?.id), { records_new: 2 * EACH });
    for (const dataset of DATASETS) expect(lists.askedAgain(dataset)).toBeLessThanOrEqual(2 * 3); // a page or two for each time it tried
  });

  it('may be killed with -9', async () => {
    lists.delayMs = 60;
    for (const dataset of DATASETS) lists.changeEvery(dataset, 10);
    const killed = at(7, killDatabase);
    const { id } = await integration.start('full');
    const killedAt = await killed;

    const ended = await untilEnded(id);
    expect(Date.parse(ended.finished_at)).toBeGreaterThan(killedAt);
    await expectWhole(ended, {
      records_changed: (2 * EACH) / 10,
      records_new: 0,
      records_deleted: 0,
    });
  });
});

describe('Temporal in the middle of a full pass', () => {
  it('may be killed and down for a while: reading continues, and the run ends after the restart', async () => {
    lists.delayMs = 500;
    for (const dataset of DATASETS) lists.changeEvery(dataset, 5);
    const killed = at(4, async () => {
      temporal.process.kill();
      await temporal.process.ended;
      const before = lists.asked.length;
      await until('reading continues', () => lists.asked.length > before + 4);
      await startTemporal();
    });
    const { id } = await integration.start('full');
    const killedAt = await killed;
    lists.delayMs = 0;

    const ended = await untilEnded(id);
    expect(Date.parse(ended.finished_at)).toBeGreaterThan(killedAt);
    await expectWhole(ended, {
      records_changed: (2 * EACH) / 5,
      records_new: 0,
      records_deleted: 0,
    });
  });

  it('may be down when a run is requested: the run is accepted, and starts when Temporal is back', async () => {
    temporal.process.kill();
    await temporal.process.ended;
    const asked = await tenant.api.call('POST', `/v1/integrations/${integration.id}/sync-runs`, {
      kind: 'full',
    });
    expect([asked.status, asked.body.state]).toEqual([202, 'queued']);
    await startTemporal();

    await expectWhole(await untilEnded(asked.body.id), { records_changed: 0 });
  });
});

describe('the request for a run', () => {
  const ask = (key: string) =>
    tenant.api.call(
      'POST',
      `/v1/integrations/${integration.id}/sync-runs`,
      { kind: 'full' },
      { 'idempotency-key': key },
    );
  const fullRuns = async () => (await integration.runs()).filter(({ kind }) => kind === 'full');

  it('is executed although the API was killed between the commit and its answer, and the repeated request gets that run', async () => {
    const before = (await fullRuns()).length;
    const commits = await holdCommits(postgres.url, 'sync_runs');
    const key = randomUUID();

    const request = ask(key);
    request.catch(() => undefined);
    await commits.untilHeld();
    await apiLink.addToxic('timeout', { timeout: 0 }); // the API does not get the answer of PostgreSQL
    await commits.release();
    await product.killApi();
    await expect(request).rejects.toThrow('fetch failed');
    await until('it is read, with no api at all', () => lists.asked.length > 0);
    await apiLink.heal();
    await product.startApi();
    const repeated = await ask(key);

    expect([repeated.status, repeated.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
    const runs = await fullRuns();
    expect(runs).toHaveLength(before + 1);
    expect(runs[0]?.id).toBe(repeated.body.id);
    await expectWhole(await untilEnded(repeated.body.id), { records_changed: 0 });
  });

  it('leaves nothing behind if the API was killed before the commit', async () => {
    const before = (await fullRuns()).length;
    await apiLink.addToxic('latency', { latency: 200 });
    const request = ask(randomUUID());
    request.catch(() => undefined);
    await sleep(700); // some of its statements, and there are more
    await product.killApi();
    await expect(request).rejects.toThrow('fetch failed');
    await apiLink.heal();
    await product.startApi();

    await sleep(1_500);
    expect(await fullRuns()).toHaveLength(before);
    expect(lists.asked).toEqual([]);
  });

  it('is executed once if no worker was running, and the first one was killed at once', async () => {
    await product.killWorker();
    const { body } = await ask(randomUUID());
    await product.startWorker();
    await product.killWorker();
    await sleep(500);
    await product.startWorker();

    await expectWhole(await untilEnded(body.id), { records_changed: 0 });
    expect((await fullRuns())[0]?.id).toBe(body.id);
  });
});
