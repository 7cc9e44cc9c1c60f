/**
 * `npm run bench -- growth`: what the service does all day, for one tenant of 10,000 records in a small and
 * in a large installation, in processor time of this process and PostgreSQL. Filling the large one takes most
 * of the time.
 */
import { Database } from '../../db/database';
import type { BenchEnvironment } from '../environment';
import { median, rounded } from '../measure';
import { ticksOfTree, watchOthers } from '../noise';
import type { BenchmarkOptions, Line, Report } from '../report';
import { copyTenant, fillTenant, RECORDS_PER_TENANT } from './fill';
import { type Installation, OPERATIONS } from './operations';

const TENANTS = { small: 10, whole: 1_000, quick: 50 };
const ROUNDS = 3;
const say = (text: string): void => console.log(`  ${text}`);

async function install(
  environment: BenchEnvironment,
  serverUrl: string,
  name: string,
  tenants: number,
): Promise<Installation> {
  say(`${name}: ${(tenants * RECORDS_PER_TENANT).toLocaleString('en-US')} records of ${tenants} tenants`);
  const url = await environment.createDatabase(serverUrl, name);
  const database = new Database({ url, poolSize: 2, statementTimeoutMs: 600_000 });
  environment.onClose(() => database.close());
  const pool = environment.pool(url, 1);
  const tenant = await fillTenant(database, pool);
  await copyTenant(pool, tenant, tenants - 1, say);
  return { database, tenant };
}

async function ticksOf(work: () => Promise<void>): Promise<number> {
  const before = ticksOfTree();
  await work();
  return ticksOfTree() - before;
}

export async function growthBenchmark(
  environment: BenchEnvironment,
  { isQuick }: BenchmarkOptions,
): Promise<Report> {
  const shareOfOthers = watchOthers();
  const serverUrl = await environment.startPostgres();
  const count = isQuick ? TENANTS.quick : TENANTS.whole;
  const small = await install(environment, serverUrl, 'small', TENANTS.small);
  const large = await install(environment, serverUrl, 'large', count);
  const ratios: Record<string, number[]> = {};
  for (let round = 0; round <= ROUNDS; round += 1) {
    say(round === 0 ? 'one round to warm up' : `round ${round} of ${ROUNDS}`);
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      const inSmall = await ticksOf(() => operation(small, round));
      const inLarge = await ticksOf(() => operation(large, round));
      if (round > 0) (ratios[name] ??= []).push(inLarge / inSmall);
    }
  }
  const medians = Object.entries(ratios).map(([name, values]) => [name, rounded(median(values))] as const);
  return {
    title: `Growth from ${TENANTS.small} to ${count} tenants of ${RECORDS_PER_TENANT} records`,
    lines: medians.map(([name, value]): Line => ({
      what: `${name.replaceAll('_', ' ')}: processor time`,
      value,
      unit: '×',
      goal: { atMost: 1.3 },
      beside: `rounds: ${(ratios[name] ?? []).map((ratio) => rounded(ratio)).join(', ')}`,
    })),
    figures: {
      benchmark: 'growth',
      records: count * RECORDS_PER_TENANT,
      ...Object.fromEntries(medians.map(([name, value]) => [`${name}_ratio`, value])),
      share_of_others: rounded(shareOfOthers()),
    },
  };
}
