/**
 * `npm run bench -- width`: pushes to a third party that answers in 100 ms, by one, two and four workers, of
 * several integrations and of a single one; SCIM with and without bulk requests; a pull of PostgreSQL in
 * ranges. Takes about fifteen minutes.
 */
import type { BenchEnvironment } from '../environment';
import { rounded } from '../measure';
import { watchOthers } from '../noise';
import { startServersAndProduct } from '../product';
import { linesOfPull, timePullRanges } from './pull-ranges';
import type { BenchmarkOptions, Line, Report } from '../report';
import { slowRestConfig, startSlowThirdParty } from '../slow';
import { type Around, timePushes } from './pushes';
import { linesOfScim, timeScimBulk } from './scim-bulk';
import { slowDown } from './slow-down';

const DELAY_MS = 100;
const WORKERS = [1, 2, 4];
/** The share of a core that each worker gets. Four workers leave most of two cores to other processes. */
const WORKER_SHARE = 0.15;
const INTEGRATIONS = 16;
/** Calls at once that each integration allows. */
const CONCURRENCY = { several: 32, single: 256 };
/**
 * Pushes for each worker, so that any number of workers is busy for about the same time. An integration has
 * several executions at a time if one of them would take more than 20 s.
 */
const AMOUNTS = { whole: { several: 16_000, single: 40_000 }, quick: { several: 1_600, single: 8_000 } };
/**
 * For each worker that starts, before it is slowed down. Its code would otherwise be compiled in the measured
 * time, in which it has a seventh of a core.
 */
const WARM_UP = 8_000;
const say = (text: string): void => console.log(`  ${text}`);

export async function widthBenchmark(
  environment: BenchEnvironment,
  { isQuick }: BenchmarkOptions,
): Promise<Report> {
  const counts = isQuick ? AMOUNTS.quick : AMOUNTS.whole;
  const shareOfOthers = watchOthers();
  say('starting PostgreSQL, Temporal, api and a worker');
  const { serverUrl, databaseUrl, product } = await startServersAndProduct(environment);
  const pulled = await timePullRanges(environment, { serverUrl, databaseUrl, product }, { isQuick });
  const around: Around = { product, pool: environment.pool(databaseUrl, 1) };
  say('pushes by SCIM, one record in each request, then in bulk requests');
  const scim = await timeScimBulk(environment, around, DELAY_MS);
  const { url } = await startSlowThirdParty(environment, DELAY_MS);
  const timeCount = (kind: 'several' | 'single', count: number): Promise<number> => {
    const integration = { connector: 'rest' as const, config: slowRestConfig(url, CONCURRENCY[kind]) };
    return timePushes(around, { integration, integrations: kind === 'several' ? INTEGRATIONS : 1, count });
  };
  const several: number[] = [];
  const single: number[] = [];
  await product.killWorker();
  let running = 0;
  for (const workers of WORKERS) {
    for (; running < workers; running += 1) {
      await product.startWorker();
      for (const kind of ['several', 'single'] as const) await timeCount(kind, WARM_UP);
      const turn = { share: WORKER_SHARE, place: running / Math.max(...WORKERS) };
      const runFreely = slowDown(product.worker, turn);
      environment.onClose(async () => runFreely());
    }
    say(`${workers} workers: pushes of ${INTEGRATIONS} integrations, then of one`);
    several.push(await timeCount('several', counts.several * workers));
    single.push(await timeCount('single', counts.single * workers));
  }
  return {
    title: `Pushes to and pulls from third parties that answer in ${DELAY_MS} ms`,
    lines: [
      ...linesOf(`${INTEGRATIONS} integrations`, several),
      ...linesOf('a single integration', single),
      ...linesOfScim(scim),
      ...linesOfPull(pulled),
    ],
    figures: {
      benchmark: 'width',
      several_per_second: several.map(Math.round),
      single_per_second: single.map(Math.round),
      scim_bulk_ratio: rounded(scim.together / scim.alone),
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
