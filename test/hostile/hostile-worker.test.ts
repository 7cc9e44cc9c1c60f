/**
 * A real worker whose one tenant has integrations with third parties that do harm, reads from them and pushes
 * to them, while a healthy tenant pushes single changes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { freePort } from '../support/servers/free-port';
import { type LedgerServer, ledgerIntegration, startLedgerServer } from '../support/servers/ledger-server';
import { postgresUrl } from '../support/servers/shared-servers';
import { Random, testSeed } from '../support/random';
import { until } from '../support/until';
import { waitedMs } from './event-loop-watch';
import { programsBelow, residentMib } from './process-memory';
import { sessionSeed } from './session-seeds';
import { postgresSettings, restSettings, scimSettings } from './session-settings';
import { type HostileThirdParties, type HostileThirdParty, startHostileThirdParties } from './third-parties';

const INTEGRATIONS = Number(process.env['HOSTILE_INTEGRATIONS'] ?? 12);
const CHANGES = 60;
const PAUSE_MS = 1_000;
const CHANGE_MS_MAX = 5_000;
const ANSWER_MS_MAX = 1_000;
const MEMORY_MIB_MAX = 50;
const MEMORY_BACK_WITHIN_MS = 90_000;
const POLL_MS = 250;

let [ledger, thirdParties, product]: [LedgerServer?, HostileThirdParties?, Product?] = [];
let [hostile, healthy]: ProductTenant[] = [];
const opened: HostileThirdParty[] = [];
let healthPort: number;

beforeAll(async () => {
  healthPort = await freePort();
  [ledger, thirdParties] = await Promise.all([
    startLedgerServer(),
    startHostileThirdParties(Number(new URL(postgresUrl()).port)),
  ]);
  product = await startProduct({
    env: { WORKER_HEALTH_HOST: '127.0.0.1', WORKER_HEALTH_PORT: String(healthPort) },
  });
  hostile = await product.givenTenant('Hostile');
  healthy = await product.givenTenant('Healthy');
}, 90_000);

afterAll(async () => {
  thirdParties?.stop();
  await Promise.all([product?.stop(), ledger?.stop()]);
}, 60_000);

const FIELDS = [
  { name: 'first_name', to: '/name' },
  { name: 'email', to: '/email' },
];

/** Links a third party that does harm, and asks for everything that it can be asked for. */
async function linkHostile(number: number): Promise<string> {
  const seed = sessionSeed(testSeed, number);
  const random = new Random(seed);
  const connector = random.weighted({ rest: 50, scim: 30, postgres: 20 });
  const protocol = connector === 'postgres' ? 'postgres' : 'http';
  const thirdParty = await (thirdParties as HostileThirdParties).open(seed, protocol);
  const { port } = thirdParty;
  opened.push(thirdParty);
  const url = `http://127.0.0.1:${port}`;
  const { username, password } = new URL(postgresUrl());
  const { config, credentials, recordType } =
    connector === 'rest'
      ? restSettings(random, url)
      : connector === 'scim'
        ? scimSettings(random, url)
        : postgresSettings(
            random,
            { port, database: 'postgres' },
            { user: username, password: decodeURIComponent(password) },
          );
  const mapped = {
    rest: { direction: 'both', fields: FIELDS },
    scim: { direction: 'both', fields: [{ name: 'email', to: '/userName' }] },
    postgres: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] },
  }[connector];
  const { id } = await (hostile as ProductTenant).api.must('POST', '/v1/integrations?check=false', {
    connector,
    account_name: `Hostile ${number}, seed ${seed}`,
    config,
    credentials,
    record_types: { [recordType]: mapped },
    grace_period_ms: 0,
  });
  return id as string;
}

async function keepHostileBusy(ids: readonly string[], isOver: () => boolean): Promise<void> {
  const { api } = hostile as ProductTenant;
  for (let round = 0; !isOver(); round += 1) {
    // Refused while a run is under way, or while the integration is blocked.
    for (const id of ids) await api.call('POST', `/v1/integrations/${id}/sync-runs`, { kind: 'full' });
    for (const recordType of ['employees', 'contacts'])
      for (let record = 0; record < 5; record += 1)
        await api.call('PUT', `/v1/records/${recordType}/emp-${record}`, {
          fields: { first_name: `Ada ${round}`, email: `ada${record}@example.com` },
        });
    await sleep(2_000);
  }
}

/**
 * Asks the worker's event loop for an answer again and again. Time in which the operating system let the
 * worker or this process wait does not count.
 */
async function watchWorker(isOver: () => boolean): Promise<number> {
  const pid = (product as Product).workerPid();
  const waitedByBoth = () => waitedMs() + waitedMs(pid);
  let longestMs = 0;
  while (!isOver()) {
    const [begin, waited] = [performance.now(), waitedByBoth()];
    await fetch(`http://127.0.0.1:${healthPort}/livez`).then((response) => response.text());
    longestMs = Math.max(longestMs, performance.now() - begin - (waitedByBoth() - waited));
    await sleep(POLL_MS);
  }
  return longestMs;
}

/** How long a single change of the healthy tenant took until it arrived, at most. */
async function pushHealthyChanges(count: number): Promise<number> {
  const { api } = healthy as ProductTenant;
  let longestMs = 0;
  for (let change = 0; change < count; change += 1) {
    const begin = Date.now();
    await api.put('healthy', { name: 'Healthy', rev: change });
    const arrived = await until(`change ${change} arrives`, () =>
      (ledger as LedgerServer).changes('healthy').find(({ rev }) => rev === change),
    );
    longestMs = Math.max(longestMs, arrived.at - begin);
    await sleep(PAUSE_MS);
  }
  return longestMs;
}

function memoryMib(): number {
  const pid = (product as Product).workerPid();
  return [pid, ...programsBelow(pid, 'reader-process')].reduce((sum, one) => sum + residentMib(one), 0);
}

test('rule 60: integrations with hostile third parties harm neither the worker nor a healthy tenant', async () => {
  const integration = ledgerIntegration((ledger as LedgerServer).url, 'healthy', { grace_period_ms: 0 });
  await (healthy as ProductTenant).api.must('POST', '/v1/integrations', integration);
  await pushHealthyChanges(10);
  const pid = (product as Product).workerPid();
  const before = memoryMib();
  let isOver = false;
  const ids: string[] = [];
  for (let number = 0; number < INTEGRATIONS; number += 1) ids.push(await linkHostile(number));
  const [busy, watching] = [keepHostileBusy(ids, () => isOver), watchWorker(() => isOver)];

  const changeMs = await pushHealthyChanges(CHANGES);
  isOver = true;
  const [answerMs] = await Promise.all([watching, busy]);
  const { api } = hostile as ProductTenant;
  await Promise.all(ids.map((id) => api.must('POST', `/v1/integrations/${id}/pause`)));

  const closed = await Promise.all(opened.map((one) => one.close()));
  const connections = closed.reduce((sum, one) => sum + one.connections, 0);
  process.stdout.write(
    `hostile worker: ${INTEGRATIONS} integrations, ${connections} connections, TEST_SEED=${testSeed}, /livez within ${answerMs.toFixed(0)} ms, ` +
      `a healthy change within ${changeMs} ms, memory ${before.toFixed(0)} MiB, then ${memoryMib().toFixed(0)} MiB\n`,
  );
  expect((product as Product).workerPid()).toBe(pid);
  expect((product as Product).isWorkerRunning()).toBe(true);
  expect(closed.filter(({ strays }) => strays > 0)).toEqual([]);
  expect(connections).toBeGreaterThan(INTEGRATIONS);
  expect(answerMs).toBeLessThan(ANSWER_MS_MAX);
  expect(changeMs).toBeLessThan(CHANGE_MS_MAX);
  await until('the memory is back', () => memoryMib() - before < MEMORY_MIB_MAX, MEMORY_BACK_WITHIN_MS);
  process.stdout.write(`hostile worker: memory ${memoryMib().toFixed(0)} MiB in the end\n`);
}, 400_000);
