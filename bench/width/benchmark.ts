/**
 * `npm run bench -- width`: pushes to a third party that answers in 100 ms, by one, two and four workers, of
 * several integrations and of a single one, and a pull of PostgreSQL in ranges. Takes about six minutes.
 */
import type { Pool } from 'pg';
import type { BenchEnvironment } from '../environment';
import { employees } from '../employees';
import { rounded, until } from '../measure';
import { watchOthers } from '../noise';
import { type LinkedTenant, linkTenant, type Product, startServersAndProduct } from '../product';
import { linesOfPull, timePullRanges } from './pull-ranges';
import { acceptThroughApi } from '../push/acceptance';
import type { BenchmarkOptions, Line, Report } from '../report';
import { slowRestConfig, startSlowThirdParty } from '../slow';

const DELAY_MS = 100;
const WORKERS = [1, 2, 4];
/** Calls at once that each integration allows. */
const CONCURRENCY = { several: 16, single: 128 };
const INTEGRATIONS = 16;
const AMOUNTS = { whole: 4_000, quick: 1_000 };
const say = (text: string): void => console.log(`  ${text}`);

interface Around {
  product: Product;
  pool: Pool;
  url: string;
}

/** The changes are accepted while the integrations are paused. @returns pushes per second. */
async function timePushes(
  { product, pool, url }: Around,
  { integrations, concurrency, count }: { integrations: number; concurrency: number; count: number },
): Promise<number> {
  const tenants: LinkedTenant[] = [];
  for (let index = 0; index < integrations; index += 1) {
    const config = slowRestConfig(url, concurrency);
    const tenant = await linkTenant(product, { graceMs: 1, config, connector: 'rest' });
    await tenant.call(`/integrations/${tenant.integration}/pause`, {});
    await acceptThroughApi(product, tenant, employees(count / integrations));
    tenants.push(tenant);
  }
  const startedAt = performance.now();
  for (const tenant of tenants) await tenant.call(`/integrations/${tenant.integration}/resume`, {});
  const ids = tenants.map(({ integrationId }) => integrationId);
  await until('all are pushed', 300_000, async () => {
    const { rows } = await pool.query<{ left: number }>(
      `select count(*)::int as left from record_syncs
       where integration_id = any($1) and status is distinct from 'synced'`,
      [ids],
    );
    return rows[0]?.left === 0 ? true : undefined;
  });
  return (count / (performance.now() - startedAt)) * 1_000;
}

export async function widthBenchmark(
  environment: BenchEnvironment,
  { isQuick }: BenchmarkOptions,
): Promise<Report> {
  const count = isQuick ? AMOUNTS.quick : AMOUNTS.whole;
  const shareOfOthers = watchOthers();
  say('starting PostgreSQL, Temporal, api and a worker');
  const { serverUrl, databaseUrl, product } = await startServersAndProduct(environment);
  const pulled = await timePullRanges(environment, { serverUrl, databaseUrl, product }, { isQuick });
  const { url } = await startSlowThirdParty(environment, DELAY_MS);
  const around: Around = { product, pool: environment.pool(databaseUrl, 1), url };
  const several: number[] = [];
  const single: number[] = [];
  let running = 1;
  for (const workers of WORKERS) {
    for (; running < workers; running += 1) await product.startWorker();
    say(`${workers} workers: ${count} pushes of ${INTEGRATIONS} integrations, then of one`);
    several.push(
      await timePushes(around, { integrations: INTEGRATIONS, concurrency: CONCURRENCY.several, count }),
    );
    single.push(await timePushes(around, { integrations: 1, concurrency: CONCURRENCY.single, count }));
  }
  return {
    title: `Pushes to and pulls from third parties that answer in ${DELAY_MS} ms`,
    lines: [
      ...linesOf(`${INTEGRATIONS} integrations`, several),
      ...linesOf('a single integration', single),
      ...linesOfPull(pulled),
    ],
    figures: {
      benchmark: 'width',
      several_per_second: several.map(Math.round),
      single_per_second: single.map(Math.round),
      pull_rows: pulled.rows,
      pull_ranges_ratio: rounded(pulled.wholeSeconds / pulled.rangesSeconds),
      share_of_others: rounded(shareOfOthers()),
    },
  };
}

const linesOf = (what: string, [one = 0, two = 0, four = 0]: readonly number[]): Line[] => [
  { what: `${what}: one worker`, value: Math.round(one), unit: '/s' },
  {
    what: `${what}: two workers, one = 1`,
    value: rounded(two / one),
    unit: '×',
    goal: { atLeast: 1.8 },
    beside: `${Math.round(two)}/s`,
  },
  {
    what: `${what}: four workers, one = 1`,
    value: rounded(four / one),
    unit: '×',
    goal: { atLeast: 3.2 },
    beside: `${Math.round(four)}/s`,
  },
];
