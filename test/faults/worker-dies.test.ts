/**
 * Workers killed with -9 at the worst moments (rules.md R1, R2): what they were doing is done once, and soon.
 * The ledger kills the worker itself, so the moments are exact.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../support/clients/api-client';
import { createTestDatabase } from '../support/environments/database';
import { startToxiproxy, type FaultyLink, type Toxiproxy } from '../support/servers/fault-servers';
import {
  type LedgerCall,
  ledgerIntegration,
  type LedgerServer,
  type Misbehaviour,
  startLedgerServer,
} from '../support/servers/ledger-server';
import { type Product, type ProductTenant, startProduct, throughPort } from '../support/environments/product';
import { until } from '../support/until';

const RETRY_AFTER_SECONDS = 8;

interface Environment {
  product: Product;
  tenant: ProductTenant;
  ledger: LedgerServer;
  /** Between the worker and PostgreSQL. */
  databaseLink: FaultyLink;
  diedAt: number;
}

/** At which call the worker dies, how that call ends if nothing of it is done, and how it dies. */
interface Death {
  at: LedgerCall['kind'];
  before?: Misbehaviour;
  kill?: (environment: Environment) => Promise<void>;
}

let toxiproxy: Toxiproxy;
const environments: Environment[] = [];

async function createEnvironment(settings: Record<string, unknown>): Promise<Environment> {
  const [database, ledger] = await Promise.all([createTestDatabase(), startLedgerServer()]);
  const databaseLink = await toxiproxy.linkTo(Number(new URL(database.url).port));
  const product = await startProduct({
    databaseUrl: database.url,
    workerDatabaseUrl: throughPort(database.url, databaseLink.port),
  });
  const environment = { product, ledger, databaseLink, diedAt: 0, tenant: await product.givenTenant() };
  environments.push(environment);
  await environment.tenant.api.must(
    'POST',
    '/v1/integrations',
    ledgerIntegration(ledger.url, 'main', settings),
  );
  return environment;
}

/** Kills the worker once, at the first call of this kind, and starts it again. */
async function dieOnce(
  environment: Environment,
  { at, before, kill = () => environment.product.killWorker() }: Death,
  change: () => Promise<unknown>,
): Promise<void> {
  const { ledger, product, databaseLink } = environment;
  const isMoment = (call: LedgerCall) => environment.diedAt === 0 && call.kind === at;
  const die = async (): Promise<void> => {
    environment.diedAt = Date.now();
    await kill(environment);
  };
  ledger.decide = async (call) => {
    if (before === undefined || !isMoment(call)) return undefined;
    await die();
    return before;
  };
  ledger.afterEffect = async (call) => {
    if (before === undefined && isMoment(call)) await die();
  };
  await change();
  await until('the worker is dead', () => environment.diedAt > 0 && !product.isWorkerRunning());
  ledger.reset();
  await databaseLink.heal();
  await product.startWorker();
}

/** The worker gets the answer and cannot store it. That alone does not end it, so it is killed. */
async function dieBeforeReport({ product, databaseLink }: Environment): Promise<void> {
  await databaseLink.disable();
  await sleep(300);
  if (!product.isWorkerRunning()) throw new Error('The worker has ended by itself.');
  setTimeout(() => void product.killWorker(), 300);
}

const untilSynced = (environment: Environment, count: number, withinMs?: number): Promise<unknown> =>
  until(
    `${count} records are synced`,
    async () => (await environment.tenant.api.list('/v1/record-syncs?status=synced')).length === count,
    withinMs,
  );

beforeAll(async () => {
  toxiproxy = await startToxiproxy();
});

afterAll(async () => {
  await Promise.all(environments.map(({ product, ledger }) => Promise.all([product.stop(), ledger.stop()])));
  await toxiproxy?.stop();
});

describe('R1: a worker that is killed in the middle of a push', () => {
  const deaths: Record<string, Death & { by: 'find' | 'key' }> = {
    'before the call': { by: 'find', at: 'find', before: { kind: 'hang' } },
    'after the third party accepted, where records can be found': { by: 'find', at: 'create' },
    'after the third party accepted, where it only honours keys': { by: 'key', at: 'create' },
    'before the report': { by: 'find', at: 'create', kill: dieBeforeReport },
  };
  const dead = new Map<string, Environment>();

  // All beside each other, for each takes 20 s to be noticed.
  beforeAll(async () => {
    await Promise.all(
      Object.entries(deaths).map(async ([when, { by, ...death }]) => {
        const environment = await createEnvironment({ by, grace_period_ms: 300 });
        dead.set(when, environment);
        await dieOnce(environment, death, () => environment.tenant.api.put('ada', { name: 'Ada', rev: 1 }));
        await untilSynced(environment, 1);
      }),
    );
  });

  it.each(Object.keys(deaths))(
    'has one effect when it dies %s, and the push is repeated under its id',
    async (when) => {
      const { ledger, tenant, diedAt } = dead.get(when) as Environment;
      const changes = ledger.changes('main');

      expect(changes.filter((call) => call.isEffect && call.kind === 'create')).toHaveLength(1);
      expect(ledger.people('main')).toMatchObject([{ external_id: 'ada', rev: 1 }]);
      expect(new Set(changes.map((call) => call.key)).size).toBe(1);
      expect(changes.filter((call) => call.isOverlapping)).toEqual([]);
      expect(await tenant.api.list('/v1/pushes')).toMatchObject([{ result: 'succeeded' }]);
      expect(ledger.calls.some((call) => call.at > diedAt)).toBe(true);
    },
  );
});

describe('R2: all workers dead while windows come due', () => {
  it('pushes everything after the restart, once, and nothing early', async () => {
    const environment = await createEnvironment({ grace_period_ms: 3_000 });
    const { product, tenant, ledger } = environment;
    const records = Array.from({ length: 200 }, (_, index) => ({
      record_type: 'employees',
      external_id: `e-${index}`,
      fields: { name: 'D', rev: 1 },
    }));
    const { results } = await tenant.api.must('POST', '/v1/records/batch', { records });
    await product.killWorker();
    await sleep(4_000);
    expect(ledger.changes('main')).toEqual([]);

    await product.startWorker();
    await untilSynced(environment, 200);

    const dueAt = Math.min(...(results as Json[]).map(({ change }) => Date.parse(change.syncs[0].due_at)));
    const calls = ledger.changes('main');
    expect(calls).toHaveLength(200);
    expect(Math.min(...calls.map((call) => call.at))).toBeGreaterThanOrEqual(dueAt);
  });
});

describe('R9: an activity that a second worker takes over late', () => {
  it('obeys the whole Retry-After it meets, counted from the answer', async () => {
    const environment = await createEnvironment({ by: 'key', grace_period_ms: 0 });
    const { tenant, ledger } = environment;
    // Several activities claim at once, so that the next worker finds some left.
    const records = Array.from({ length: 150 }, (_, index) => ({
      record_type: 'employees',
      external_id: `l-${index}`,
      fields: { name: 'L', rev: 1 },
    }));
    await dieOnce(environment, { at: 'create', before: { kind: 'hang' } }, () =>
      tenant.api.must('POST', '/v1/records/batch', { records }),
    );
    const refused: number[] = [];
    ledger.decide = (call) => {
      // Calls that were in flight together get the same answer; later calls have seen the limit.
      const isFirstRound = refused.length === 0 || call.at - (refused[0] as number) < 2_000;
      if (!isFirstRound) return undefined;
      refused.push(call.at);
      return { kind: 'status', status: 429, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } };
    };

    await until('the third party has said to wait', () => refused.length > 0);
    // Slowed down when hardly anything had been taken, the budget lets less than one a second through for two
    // minutes.
    await untilSynced(environment, 150, 300_000);

    const next = ledger.calls
      .filter((call) => call.kind === 'create' && call.at > (refused.at(-1) as number))
      .map((call) => call.at);
    expect(Math.min(...next) - (refused[0] as number)).toBeGreaterThanOrEqual(RETRY_AFTER_SECONDS * 1_000);
    expect(refused.length).toBeLessThanOrEqual(16); // what two batches have under way at once
  }, 400_000);
});
