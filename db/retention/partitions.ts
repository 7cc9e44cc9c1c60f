/**
 * Partitions by time: made ahead, and dropped whole when their newest row is older than its retention. Rows
 * that are still needed then move to the partition `…_other`. It also holds rows whose ids belong to no
 * partition, and is the only one of which rows are deleted.
 *
 * A change of partitions locks the table for a moment. It waits for other transactions for half a second at
 * most, because those behind it wait too. The next call tries again, and this one leaves the table as it is.
 */
import { sql } from 'kysely';
import type { Retention } from '../../domain/retention';
import type { Database, Work } from '../database';
import { tenantTable } from '../migrations/2026-11-28-baseline/access';
import { type KeptTable, KEPT_TABLES } from './kept-tables';
import { FIRST_ID, idAt, timeOfId } from '../sql/ids';
import { ageingAt } from './delete-expired';

const DAY_MS = 86_400_000;
/** Partitions exist for so long that a failing upkeep can be noticed. */
const AHEAD_MS = 21 * DAY_MS;
/** After a jump of both clocks, a call makes no more than this. */
const MADE_MAX = 12;
const LOCK_TIMEOUT_MS = 500;
/** The most rows that outlive a partition; with more the whole partition is kept. */
const NEEDED_MAX = 10_000;
/** So many pages of `…_other` are looked at per table and call. */
const PAGES_PER_CALL = 100;

interface Partition {
  name: string;
  from: string;
  to: string;
}

/** `clock`: of this process. */
export async function keepPartitions(
  database: Database,
  retention: Retention,
  clock: () => number = Date.now,
): Promise<void> {
  await tryAll(KEPT_TABLES, async (table) => {
    const { now } = await database.withDispatcher(async (work) => work);
    const days = retention[table.kind];
    const at = ageingAt(now, clock).getTime();
    const cutoff = at - days * DAY_MS;
    let outcome = await makeAhead(database, table, { until: at + AHEAD_MS, days });
    for (const partition of await listPartitions(database, table))
      if (outcome !== 'locked' && timeOfId(partition.to) <= cutoff)
        outcome = await drop(database, table, partition);
    await database.withDispatcher((work) => deleteOthers(work, table, new Date(cutoff)));
  });
}

/** A table that fails does not hold up the others. @throws the first error, after all were tried. */
export async function tryAll<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<unknown>,
): Promise<void> {
  const errors: unknown[] = [];
  for (const item of items) await run(item).catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

async function makeAhead(
  database: Database,
  table: KeptTable,
  { until, days }: { until: number; days: number },
): Promise<Outcome> {
  const width = (days > 100 ? 28 : 7) * DAY_MS;
  const last = (await listPartitions(database, table)).at(-1);
  if (last === undefined) return 'done'; // the migration was not applied
  let made = 0;
  let outcome: Outcome = 'done';
  for (let from = timeOfId(last.to); from < until && made < MADE_MAX; from += width) {
    outcome = await make(database, table, from, from + width);
    if (outcome === 'locked') break;
    if (outcome === 'done') made += 1;
  }
  // Without it the planner knows nothing about the table as a whole.
  if (made > 0)
    await database.withOwner(LOCK_TIMEOUT_MS, ({ trx }) => sql.raw(`analyze ${table.name}`).execute(trx));
  return outcome;
}

async function make(database: Database, table: KeptTable, from: number, to: number): Promise<Outcome> {
  const name = `${table.name}_${new Date(from).toISOString().slice(0, 10).replaceAll('-', '_')}`;
  const statements = [
    `create table ${name} partition of ${table.name}
       for values from ('${idAt(from)}') to ('${idAt(to)}')${table.options}`,
    ...table.indexesOf(name),
    ...tenantTable(name, 'select'),
  ];
  return changePartitions(database, async ({ trx }) => {
    for (const statement of statements) await sql.raw(statement).execute(trx);
  });
}

async function drop(database: Database, table: KeptTable, { name, from, to }: Partition): Promise<Outcome> {
  const needed = await database.withDispatcher(async ({ trx }) => {
    const { rows } = await sql<{ id: string }>`
      select id from (${table.findNeeded?.(from, to) ?? sql`select null as id where false`}) needed
      limit ${NEEDED_MAX + 1}`.execute(trx);
    return rows.map(({ id }) => id);
  });
  if (needed.length > NEEDED_MAX) return 'occupied';
  const other = `${table.name}_other`;
  return changePartitions(database, async ({ trx }) => {
    await sql.raw(`alter table ${table.name} detach partition ${name}`).execute(trx);
    if (needed.length > 0) {
      for (const hidden of [name, other])
        await sql.raw(`alter table ${hidden} no force row level security`).execute(trx);
      await sql`insert into ${sql.raw(other)} select * from ${sql.raw(name)}
        where ${sql.raw(table.key)} = any(${needed}::uuid[])`.execute(trx);
      await sql.raw(`alter table ${other} force row level security`).execute(trx);
    }
    await sql.raw(`drop table ${name}`).execute(trx);
  });
}

/**
 * Looks at a few pages of the partition, chosen at random: most rows outlive many calls if their ids belong
 * to no time. All of a small partition is looked at.
 */
async function deleteOthers({ trx }: Work, table: KeptTable, cutoff: Date): Promise<void> {
  const other = sql.raw(`${table.name}_other`);
  const place = Math.random();
  const pages = sql`ceil(pg_relation_size(${sql.lit(`${table.name}_other`)}) / current_setting('block_size')::float8)`;
  const chunks = sql`greatest(1, ceil(${pages} / ${PAGES_PER_CALL}::int))`;
  const pageAfter = (more: number) =>
    sql`(select format('(%s,0)', (floor(${place}::float8 * ${chunks}) + ${sql.lit(more)})
      * ${PAGES_PER_CALL}::int)::tid)`;
  await sql`
    delete from ${other} where ctid = any(array(
      select ctid from ${other} as row
      where ctid >= ${pageAfter(0)} and ctid < ${pageAfter(1)} and ${table.isOldIn(cutoff)}))`.execute(trx);
}

/** `occupied`: rows of that time are in the partition without bounds and stay there, or many are needed. */
type Outcome = 'done' | 'locked' | 'occupied';
const REFUSALS: Record<string, Outcome> = { '55P03': 'locked', '23514': 'occupied' };

async function changePartitions(
  database: Database,
  work: (context: Work) => Promise<void>,
): Promise<Outcome> {
  try {
    await database.withOwner(LOCK_TIMEOUT_MS, work);
    return 'done';
  } catch (error) {
    const refusal = REFUSALS[(error as { code?: string }).code ?? ''];
    if (refusal === undefined) throw error;
    return refusal;
  }
}

/** The partitions with bounds, oldest first. */
async function listPartitions(database: Database, { name }: KeptTable): Promise<Partition[]> {
  const { rows } = await database.withOwner(LOCK_TIMEOUT_MS, ({ trx }) =>
    sql<{ name: string; from: string | null; to: string }>`
      select relname as name,
        substring(pg_get_expr(relpartbound, pg_class.oid) from 'FROM \\(''([0-9a-f-]{36})''\\)') as "from",
        substring(pg_get_expr(relpartbound, pg_class.oid) from 'TO \\(''([0-9a-f-]{36})''\\)') as "to"
      from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = to_regclass(${name}) and pg_get_expr(relpartbound, pg_class.oid) like '% TO %'
      order by 3`.execute(trx),
  );
  return rows.map(({ from, ...row }) => ({ ...row, from: from ?? FIRST_ID }));
}
