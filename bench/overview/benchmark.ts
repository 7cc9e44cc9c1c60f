/**
 * `npm run bench -- overview`: a Sync Overview of 100,000 changes of a paged HTTP source, half of them new
 * records. Measures its duration compared with a full run that applies the changes, the memory of the worker,
 * and the response time of its pages compared with an empty list. Takes one to two minutes.
 */
import { Database } from '../../db/database';
import type { BenchmarkOptions, Line, Report } from '../report';
import { rounded, until } from '../measure';
import { watchOthers } from '../noise';
import { type LinkedTenant, linkSource, memoryOf, type Product, startServersAndProduct } from '../product';
import { timeRun } from '../pull/runs';
import { startSource } from '../pull/source';
import type { BenchEnvironment } from '../environment';
import { readerOf, walkTo } from '../pages';

const RECORDS = { whole: 100_000, quick: 20_000 };
/** Detects memory that grows with the size of the overview. */
const SECOND_HALF_ABOVE_FIRST_MB = 30;
const FIRST_PAGE_MS = 100;
const say = (text: string): void => console.log(`  ${text}`);

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

  say('5,000 records, to warm up what a running service has warm');
  const warmUp = await linkSource(product, small.url);
  await timeRun(database, product.worker, warmUp, 'onboarding');
  await small.change(100);
  await makeOverview(product, warmUp);
  const idleMb = memoryOf(product.worker).nowMb;

  say(`${records / 2} records are read; then each of them changes, and as many are new`);
  await source.show(records / 2);
  const tenant = await linkSource(product, source.url);
  await timeRun(database, product.worker, tenant, 'onboarding');
  await source.change(100);
  await source.show(records);
  say('a Sync Overview of them');
  const overview = await makeOverview(product, tenant);
  if (overview.creates !== records / 2 || overview.updates !== records / 2)
    throw new Error(
      `The overview shows ${overview.creates} new and ${overview.updates} changed records, ` +
        `but there were ${records / 2} of each.`,
    );

  const { rows: sizes } = await environment
    .pool(databaseUrl, 1)
    .query<{ mb: number }>(`select round(pg_total_relation_size('overview_items') / 1048576.0)::int as mb`);
  const itemsMb = sizes[0]?.mb ?? 0;

  say('its pages');
  const pages = await readPages(product, tenant, overview.id, records);

  say('a full pass that applies the same');
  const applied = await timeRun(database, product.worker, tenant, 'full');
  return { records, overview, applied, idleMb, itemsMb, pages, share: shareOfOthers() };
}

type Measurements = Awaited<ReturnType<typeof measure>>;

/** Measures the response time of the overview's pages and of an empty list. */
async function readPages(product: Product, tenant: LinkedTenant, overviewId: string, records: number) {
  const items = `/v1/overviews/${overviewId}/items`;
  const read = readerOf(product, tenant);
  const empty = await read('/v1/deletion-reviews');
  const first = await read(items);
  const deep = await read(await walkTo(product, tenant, items, records - 400));
  const filtered = await read(`${items}?action=create&record_type=contacts`);
  const searchedOne = await read(`${items}?q=contact.${records - 7}@`, 1);
  const searchedNothing = await read(`${items}?q=no.record.of.this.name`, 0);
  return { empty, first, deep, filtered, searchedOne, searchedNothing };
}

export async function overviewBenchmark(
  environment: BenchEnvironment,
  options: BenchmarkOptions,
): Promise<Report> {
  const measured = await measure(environment, options);
  const busy = `other programs took ${Math.round(measured.share * 100)} % of the machine`;
  return {
    title: `Overview: ${measured.records.toLocaleString('en-US')} changes (${busy})`,
    lines: linesOf(measured),
    figures: figuresOf(measured),
  };
}

const ms = (value: number): number => rounded(value, 1);

function linesOf({ overview, applied, idleMb, itemsMb, pages }: Measurements): Line[] {
  const { empty, first, deep, filtered, searchedOne, searchedNothing } = pages;
  const beside = `an empty list: ${ms(empty.medianMs)} ms`;
  return [
    {
      what: 'made',
      value: rounded(overview.seconds),
      unit: 's',
      beside: `a full pass that applies them: ${rounded(applied.seconds)} s`,
    },
    {
      what: 'worker above idle',
      value: overview.peakMb - idleMb,
      unit: 'MB',
      beside: `idle ${idleMb} MB, when it began ${overview.beforeMb} MB`,
    },
    {
      what: 'its second half above its first',
      value: overview.grownMb,
      unit: 'MB',
      goal: { atMost: SECOND_HALF_ABOVE_FIRST_MB },
      beside: 'the highest of each',
    },
    { what: 'items and their indexes', value: itemsMb, unit: 'MB' },
    {
      what: 'first page, median',
      value: ms(first.medianMs),
      unit: 'ms',
      goal: { atMost: FIRST_PAGE_MS },
      beside,
    },
    { what: 'first page, slowest of 20', value: ms(first.slowestMs), unit: 'ms', beside },
    {
      what: 'page before the last, median',
      value: ms(deep.medianMs),
      unit: 'ms',
      goal: { atMost: FIRST_PAGE_MS },
      beside,
    },
    { what: 'first page of one action, median', value: ms(filtered.medianMs), unit: 'ms', beside },
    { what: 'search for one near the end, median', value: ms(searchedOne.medianMs), unit: 'ms', beside },
    { what: 'search that finds nothing, median', value: ms(searchedNothing.medianMs), unit: 'ms', beside },
  ];
}

function figuresOf(measured: Measurements): Record<string, unknown> {
  const { records, overview, applied, idleMb, itemsMb, pages, share } = measured;
  const { empty, first, deep, filtered, searchedOne, searchedNothing } = pages;
  return {
    benchmark: 'overview',
    records,
    overview_seconds: rounded(overview.seconds),
    full_pass_seconds: rounded(applied.seconds),
    worker_rss_mb: overview.peakMb,
    worker_idle_rss_mb: idleMb,
    worker_rss_before_mb: overview.beforeMb,
    worker_grown_mb: overview.grownMb,
    items_mb: itemsMb,
    empty_get_ms: ms(empty.medianMs),
    first_page_ms: ms(first.medianMs),
    first_page_slowest_ms: ms(first.slowestMs),
    deep_page_ms: ms(deep.medianMs),
    filtered_page_ms: ms(filtered.medianMs),
    search_one_ms: ms(searchedOne.medianMs),
    search_none_ms: ms(searchedNothing.medianMs),
    share_of_others: rounded(share),
  };
}

interface MadeOverview {
  id: string;
  seconds: number;
  beforeMb: number;
  peakMb: number;
  /** The highest while the second half of the time went by, less the highest of the first. */
  grownMb: number;
  creates: number;
  updates: number;
}

interface ShownOverview {
  id: string;
  state: string;
  requested_at: string;
  generated_at: string | null;
  datasets: { creates: number; updates: number; error: unknown }[];
}

/** Asked for and waited for through the API. Throws unless it is ready. */
async function makeOverview(
  { url, worker }: Product,
  { call, headers, integration }: LinkedTenant,
): Promise<MadeOverview> {
  const asked = await call(`/integrations/${integration}/overviews`, {}, { prefer: 'respond-async' });
  const { id } = asked['overview'] as { id: string };
  const memory: number[] = [memoryOf(worker).nowMb];
  const made = await until('the overview', 300_000, async () => {
    memory.push(memoryOf(worker).nowMb);
    const shown = (await (await fetch(`${url}/v1/overviews/${id}`, { headers })).json()) as ShownOverview;
    return shown.generated_at === null ? undefined : shown;
  });
  if (made.state !== 'ready')
    throw new Error(
      `The overview is ${made.state}: ${JSON.stringify(made.datasets.map(({ error }) => error))}`,
    );
  const [dataset = { creates: 0, updates: 0 }] = made.datasets;
  const [firstHalf, secondHalf] = [memory.slice(0, memory.length / 2), memory.slice(memory.length / 2)];
  const [beforeMb = 0] = memory;
  const peakMb = Math.max(...memory);
  const grownMb = Math.max(...secondHalf) - Math.max(beforeMb, ...firstHalf);
  return {
    id,
    beforeMb,
    peakMb,
    grownMb,
    seconds: (Date.parse(made.generated_at ?? '') - Date.parse(made.requested_at)) / 1_000,
    ...dataset,
  };
}
