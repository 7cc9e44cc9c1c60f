/**
 * `npm run bench -- pull`: a million records of a paged HTTP source: an initial load, a full run without
 * changes, and one with 1 % changed, compared with COPY of the same rows in the same run. Takes two to four
 * minutes.
 */
import { Database } from '../../db/database';
import type { BenchmarkOptions, Line, Report } from '../report';
import { rounded } from '../measure';
import { watchOthers } from '../noise';
import { linkSource, memoryOf, startServersAndProduct } from '../product';
import type { BenchEnvironment } from '../environment';
import { timeCopy } from './copy-limit';
import { timeBareInsert } from './insert-limit';
import { timeRun } from './runs';
import { startSource } from './source';

const RECORDS = { whole: 1_000_000, quick: 100_000 };
const RUNS_ABOVE_IDLE_MB = 150;
const say = (text: string): void => console.log(`  ${text}`);

/** Runs the passes and checks what they counted. */
async function measure(environment: BenchEnvironment, { isQuick }: BenchmarkOptions) {
  const records = isQuick ? RECORDS.quick : RECORDS.whole;
  const shareOfOthers = watchOthers();
  say('starting PostgreSQL, Temporal, api, worker and the source');
  const { databaseUrl, product } = await startServersAndProduct(environment);
  const [source, small] = await Promise.all([
    startSource(environment, records),
    startSource(environment, 5_000),
  ]);
  const database = new Database({ url: databaseUrl, poolSize: 2, statementTimeoutMs: 600_000 });
  environment.onClose(() => database.close());
  const pool = environment.pool(databaseUrl, 1);

  say('5,000 records, to warm up what a running service has warm');
  const warmUp = await linkSource(product, small.url);
  for (const kind of ['onboarding', 'full'] as const) await timeRun(database, product.worker, warmUp, kind);
  const idleMb = memoryOf(product.worker).nowMb;

  const sourceSeconds = await source.readAll();
  say(`${records} records, for the first time`);
  const tenant = await linkSource(product, source.url);
  const first = await timeRun(database, product.worker, tenant, 'onboarding');
  say('the same rows by COPY');
  const copySeconds = await timeCopy(environment, pool, tenant.tenantId);
  say('the same rows by bare inserts');
  const insertSeconds = await timeBareInsert({ database, pool, source, tenant, records });
  say('once more, with nothing changed');
  const unchanged = await timeRun(database, product.worker, tenant, 'full');
  await source.change(1);
  say('once more, with one in a hundred changed');
  const onePercent = await timeRun(database, product.worker, tenant, 'full');
  for (const [run, what] of [
    [first.records.created, records],
    [unchanged.records.unchanged, records],
    [onePercent.records.changed, records / 100],
  ] as const)
    if (run !== what) throw new Error(`A run counted ${run} where ${what} were there.`);

  const peakMb = Math.max(first.peakMb, unchanged.peakMb, onePercent.peakMb);
  const seconds = { copySeconds, insertSeconds, sourceSeconds };
  return { records, first, unchanged, onePercent, peakMb, idleMb, ...seconds, share: shareOfOthers() };
}

type Measurements = Awaited<ReturnType<typeof measure>>;

export async function pullBenchmark(
  environment: BenchEnvironment,
  options: BenchmarkOptions,
): Promise<Report> {
  const measured = await measure(environment, options);
  const busy = `other programs took ${Math.round(measured.share * 100)} % of the machine`;
  return {
    title: `Pull: ${measured.records.toLocaleString('en-US')} records over HTTP (${busy})`,
    lines: linesOf(measured),
    figures: figuresOf(measured),
  };
}

function linesOf(measured: Measurements): Line[] {
  const { first, unchanged, onePercent, peakMb, idleMb } = measured;
  const { copySeconds, insertSeconds, sourceSeconds } = measured;
  const beside = `COPY: ${rounded(copySeconds)} s`;
  return [
    {
      what: 'first full pass',
      value: rounded(first.seconds),
      unit: 's',
      beside: `the source alone: ${rounded(sourceSeconds)} s`,
    },
    {
      what: 'times COPY, first',
      value: rounded(first.seconds / copySeconds),
      unit: '×',
      goal: { atMost: 1.3 },
      beside,
    },
    {
      what: 'times bare inserts, first',
      value: rounded(first.seconds / insertSeconds),
      unit: '×',
      beside: `bare inserts: ${rounded(insertSeconds)} s, ${rounded(insertSeconds / copySeconds)} × COPY`,
    },
    {
      what: 'times COPY, nothing changed',
      value: rounded(unchanged.seconds / copySeconds),
      unit: '×',
      goal: { atMost: 0.7 },
      beside: `${rounded(unchanged.seconds)} s`,
    },
    {
      what: 'times COPY, 1 % changed',
      value: rounded(onePercent.seconds / copySeconds),
      unit: '×',
      goal: { atMost: 1.2 },
      beside: `${rounded(onePercent.seconds)} s`,
    },
    {
      what: 'worker above idle',
      value: peakMb - idleMb,
      unit: 'MB',
      goal: { atMost: RUNS_ABOVE_IDLE_MB },
      beside: `idle ${idleMb} MB`,
    },
  ];
}

function figuresOf(measured: Measurements): Record<string, unknown> {
  const { records, first, unchanged, onePercent, peakMb, idleMb, share } = measured;
  const { copySeconds, insertSeconds, sourceSeconds } = measured;
  return {
    benchmark: 'pull',
    records,
    copy_seconds: rounded(copySeconds),
    bare_insert_seconds: rounded(insertSeconds),
    bare_insert_ratio: rounded(insertSeconds / copySeconds),
    source_seconds: rounded(sourceSeconds),
    first_full_seconds: rounded(first.seconds),
    first_full_ratio: rounded(first.seconds / copySeconds),
    first_full_to_bare_insert: rounded(first.seconds / insertSeconds),
    unchanged_ratio: rounded(unchanged.seconds / copySeconds),
    one_percent_ratio: rounded(onePercent.seconds / copySeconds),
    worker_rss_mb: peakMb,
    worker_idle_rss_mb: idleMb,
    share_of_others: rounded(share),
  };
}
