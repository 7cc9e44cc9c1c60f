/**
 * `npm run bench -- neighbours`: a change, a Sync Now and a webhook of one tenant, alone and beside a tenant
 * with 100,000 due pushes, 2,000 webhook events and a first import. Takes about three minutes.
 */
import { Database } from '../../db/database';
import type { BenchEnvironment } from '../environment';
import { employees } from '../employees';
import { percentile95, rounded, until } from '../measure';
import { watchOthers } from '../noise';
import { type LinkedTenant, linkSource, linkTenant, type Product, startServersAndProduct } from '../product';
import { acceptThroughApi } from '../push/acceptance';
import type { BenchmarkOptions, Line, Report } from '../report';
import { timeRun } from '../pull/runs';
import { startSource } from '../pull/source';
import { type BenchmarkTenant, createTenant, emitTestEvents } from '../webhooks/endpoints';
import { type Receiver, startReceiver } from '../webhooks/receiver';
import { type SlowThirdParty, startSlowThirdParty } from '../slow';

const AMOUNTS = {
  whole: { pushes: 100_000, events: 2_000, imported: 500_000, times: 20 },
  quick: { pushes: 20_000, events: 2_000, imported: 200_000, times: 8 },
};
const GRACE_MS = 500;
const SMALL_SOURCE = 200;
const say = (text: string): void => console.log(`  ${text}`);

interface Around {
  product: Product;
  database: Database;
  receiver: Receiver;
}

/** The tenant whose waiting times count. */
interface Small {
  push: LinkedTenant;
  thirdParty: SlowThirdParty;
  pull: LinkedTenant;
  webhooks: BenchmarkTenant;
  changes: number;
  events: number;
}

async function givenSmall(environment: BenchEnvironment, around: Around): Promise<Small> {
  const { product, database, receiver } = around;
  const thirdParty = await startSlowThirdParty(environment, 0);
  const source = await startSource(environment, SMALL_SOURCE);
  const pull = await linkSource(product, source.url);
  await timeRun(database, product.worker, pull, 'onboarding');
  return {
    thirdParty,
    pull,
    push: await linkTenant(product, { graceMs: GRACE_MS, config: { url: `${thirdParty.url}/employees` } }),
    webhooks: await createTenant(product, [`${receiver.url}/small`]),
    changes: 0,
    events: 0,
  };
}

interface Waits {
  change: number[];
  syncNow: number[];
  webhook: number[];
}

/** Milliseconds from the due time of a change, the request of a Sync Now, and the event of a webhook. */
async function measureWaits(around: Around, small: Small, times: number): Promise<Waits> {
  const { database, receiver } = around;
  const waits: Waits = { change: [], syncNow: [], webhook: [] };
  for (let time = 0; time < times; time += 1) {
    waits.change.push(await timeChange(small));
    const startedAt = Date.now();
    await small.pull.call(`/integrations/${small.pull.integration}/sync-now`, {});
    await until('the Sync Now ends', 120_000, async () => {
      const open = await database.withTenant(small.pull.tenantId, ({ trx }) =>
        trx.selectFrom('syncRuns').select('syncRunId').where('isSyncFinished', '=', false).execute(),
      );
      return open.length === 0 ? true : undefined;
    });
    waits.syncNow.push(Date.now() - startedAt);
    await emitTestEvents(database, small.webhooks, { count: 1, perTransaction: 1 });
    small.events += 1;
    await until('the event arrives', 120_000, async () =>
      (await receiver.count('/small')) >= small.events ? true : undefined,
    );
  }
  waits.webhook = (await receiver.delays('/small')).slice(-times);
  return waits;
}

async function timeChange(small: Small): Promise<number> {
  const [record] = employees(1, { from: small.changes });
  small.changes += 1;
  const answer = (await small.push.call('/records/batch', { records: [record] })) as {
    results: { change: { syncs: { due_at: string }[] } }[];
  };
  const dueAt = Date.parse(answer.results[0]?.change.syncs[0]?.due_at as string);
  await until(
    'The third party receives the change',
    120_000,
    async () => ((await small.thirdParty.calls()) >= small.changes ? true : undefined),
    10,
  );
  return Date.now() - dueAt;
}

/** The pushes are accepted while the integration is paused. @returns whether any of the work is left. */
async function burden(
  environment: BenchEnvironment,
  { product, database, receiver }: Around,
  amounts: typeof AMOUNTS.whole,
): Promise<() => Promise<boolean>> {
  const thirdParty = await startSlowThirdParty(environment, 20);
  const tenant = await linkTenant(product, {
    graceMs: GRACE_MS,
    config: { url: `${thirdParty.url}/employees` },
  });
  await tenant.call(`/integrations/${tenant.integration}/pause`, {});
  await acceptThroughApi(product, tenant, employees(amounts.pushes));
  const source = await startSource(environment, amounts.imported);
  const webhooks = await createTenant(product, [`${receiver.url}/large`]);
  await tenant.call(`/integrations/${tenant.integration}/resume`, {});
  await linkSource(product, source.url);
  await emitTestEvents(database, webhooks, { count: amounts.events, perTransaction: 100 });
  await until('the work begins', 60_000, async () => ((await thirdParty.calls()) > 0 ? true : undefined));
  return async () => (await thirdParty.calls()) < amounts.pushes;
}

export async function neighboursBenchmark(
  environment: BenchEnvironment,
  { isQuick }: BenchmarkOptions,
): Promise<Report> {
  const amounts = isQuick ? AMOUNTS.quick : AMOUNTS.whole;
  const shareOfOthers = watchOthers();
  say('starting PostgreSQL, Temporal, api, worker and the receiver');
  const { databaseUrl, product } = await startServersAndProduct(environment);
  const database = new Database({ url: databaseUrl, poolSize: 2, statementTimeoutMs: 60_000 });
  environment.onClose(() => database.close());
  const around: Around = { product, database, receiver: await startReceiver(environment) };
  const small = await givenSmall(environment, around);
  await measureWaits(around, small, 3); // warms up what a running service has warm
  say(`alone, ${amounts.times} times`);
  const alone = await measureWaits(around, small, amounts.times);
  say(
    `beside ${amounts.pushes} pushes, ${amounts.events} events and an import of ${amounts.imported} records`,
  );
  const isBusy = await burden(environment, around, amounts);
  const beside = await measureWaits(around, small, amounts.times);
  if (!(await isBusy())) throw new Error('The work of the other tenant ended too early to compare.');
  const names = ['change', 'syncNow', 'webhook'] as const;
  const ratios = names.map((name) => percentile95(beside[name]) / percentile95(alone[name]));
  return {
    title: 'One tenant beside another with much work',
    lines: names.map((name, index): Line => ({
      what: `${name === 'syncNow' ? 'Sync Now' : name}: p95 beside, alone = 1`,
      value: rounded(ratios[index] as number),
      unit: '×',
      goal: { atMost: 2 },
      beside: `${percentile95(beside[name])} ms, alone ${percentile95(alone[name])} ms`,
    })),
    figures: {
      benchmark: 'neighbours',
      change_p95_ratio: rounded(ratios[0] as number),
      sync_now_p95_ratio: rounded(ratios[1] as number),
      webhook_p95_ratio: rounded(ratios[2] as number),
      share_of_others: rounded(shareOfOthers()),
    },
  };
}
