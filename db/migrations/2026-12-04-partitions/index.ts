/**
 * Tables that grow with history are partitioned by their ids, which begin with a time (UUID version 7), so
 * that old rows are dropped instead of deleted (db/retention). The table that exists becomes the
 * first partition as it is: no row is moved and no index is built. `prepare.ts` proves before, without a
 * long lock, that its rows belong there.
 */
import { type Kysely, sql } from 'kysely';
import { allTenants, protect, ROLES, tenantTable } from '../2026-11-28-baseline/access';
import { boundCheckOf, NEW_BOUND, type PartitionedTable, PARTITIONED_TABLES, schemaOf } from './tables';

export async function up(db: Kysely<unknown>): Promise<void> {
  const schema = await schemaOf(db);
  for (const table of PARTITIONED_TABLES) {
    if (schema !== undefined) await convert(db, schema, table);
    for (const statement of accessToOtherRows(table)) await sql.raw(statement).execute(db);
  }
  for (const statement of accessToOpenRows) await sql.raw(statement).execute(db);
}

interface Index {
  name: string;
  definition: string;
  isPrimary: boolean;
  isUnique: boolean;
}

async function convert(db: Kysely<unknown>, schema: string, table: PartitionedTable): Promise<void> {
  const { name, key } = table;
  const [before, other] = [`${name}_before`, `${name}_other`];
  const run = (statement: string) => sql.raw(statement).execute(db);
  const { isProven, bound } = await boundOf(db, schema, table);
  const indexes = await indexesOf(db, schema, name);
  const access = await accessOf(db, schema, name);

  await run(`alter table ${name} rename to ${before}`);
  for (const index of indexes) await run(`alter index ${index.name} rename to ${index.name}_before`);
  await run(`create table ${name} (like ${before} including defaults including constraints including storage)
    partition by range (${key})`);
  await run(`alter table ${name} drop constraint if exists ${boundCheckOf(name)}`);
  // A unique index without the partition key exists in each partition only.
  for (const { name: indexName, definition, isPrimary, isUnique } of indexes)
    if (isPrimary)
      await run(
        `alter table ${name} add constraint ${indexName} primary key ${definition.replace(/^.* using btree /i, '')}`,
      );
    else if (!isUnique) await run(definition);

  await run(`create table ${other} partition of ${name} default${table.options}`);
  for (const statement of table.indexesOf(other)) await run(statement);
  if (!isProven)
    await run(`with moved as (delete from ${before} where ${key} >= '${bound}' returning *)
      insert into ${other} select * from moved`);
  await run(`alter table ${name} attach partition ${before} for values from (minvalue) to ('${bound}')`);
  await run(`alter table ${before} drop constraint if exists ${boundCheckOf(name)}`);

  for (const statement of [...protect(name), ...access]) await run(statement);
  // Its rows are reached through the table alone. The former release expects a policy and a grant.
  await run(`revoke all on ${before} from ${ROLES.join(', ')}`);
  await run(`alter table ${before} force row level security`);
  await run(`grant select on ${before} to syncline_app`);
}

async function boundOf(
  db: Kysely<unknown>,
  schema: string,
  { name }: PartitionedTable,
): Promise<{ isProven: boolean; bound: string }> {
  const { rows } = await sql<{ isProven: boolean; bound: string }>`
    select convalidated as "isProven", substring(pg_get_constraintdef(oid) from '''([0-9a-f-]{36})''') as bound
      from pg_constraint
     where conrelid = format('%I.%I', ${schema}::text, ${name}::text)::regclass and conname = ${boundCheckOf(name)}`.execute(
    db,
  );
  if (rows[0] !== undefined) return rows[0];
  const { rows: made } = await sql<{ bound: string }>`select ${sql.raw(NEW_BOUND)} as bound`.execute(db);
  return { isProven: false, bound: made[0]?.bound ?? '' };
}

async function indexesOf(db: Kysely<unknown>, schema: string, table: string): Promise<Index[]> {
  const { rows } = await sql<Index>`
    select relname as name, pg_get_indexdef(indexrelid) as definition, indisprimary as "isPrimary",
           indisunique as "isUnique"
      from pg_index join pg_class on pg_class.oid = indexrelid
     where indrelid = format('%I.%I', ${schema}::text, ${table}::text)::regclass order by 1`.execute(db);
  return rows;
}

/** The statements that give a new table of this name the policies and grants of the one that exists. */
async function accessOf(db: Kysely<unknown>, schema: string, table: string): Promise<string[]> {
  const { rows } = await sql<{ statement: string }>`
    select format('create policy %I on %I for %s to %s%s%s', policyname, tablename, cmd,
             (select string_agg(quote_ident(role), ', ') from unnest(roles) role),
             ' using (' || qual || ')', ' with check (' || with_check || ')') as statement
      from pg_policies where schemaname = ${schema} and tablename = ${table} and policyname <> 'backup_rows'
    union all
    select format('grant %s on %I to %I', privilege_type, relname, rolname)
      from pg_class, aclexplode(relacl) join pg_roles on pg_roles.oid = grantee
     where pg_class.oid = format('%I.%I', ${schema}::text, ${table}::text)::regclass
       and rolname in (${sql.join(ROLES.map((role) => sql.lit(role)))})
    union all
    select format('grant %s (%I) on %I to %I', privilege_type, attname, ${table}::text, rolname)
      from pg_attribute, aclexplode(attacl) join pg_roles on pg_roles.oid = grantee
     where attrelid = format('%I.%I', ${schema}::text, ${table}::text)::regclass
       and rolname in (${sql.join(ROLES.map((role) => sql.lit(role)))})`.execute(db);
  return rows.map(({ statement }) => statement);
}

/** Upkeep deletes rows whose ids carry no time, or one for which no partition was made. */
const accessToOtherRows = ({ name, readByUpkeep }: PartitionedTable): string[] => [
  ...tenantTable(`${name}_other`, 'select'),
  ...allTenants(
    'syncline_dispatcher',
    `${name}_other`,
    `select (ctid, ${readByUpkeep.join(', ')})`,
    'delete',
  ),
];

/** Upkeep keeps what is not finished. */
const accessToOpenRows = [
  ...allTenants('syncline_dispatcher', 'pushes', 'select (tenant_id, push_id, result)'),
  ...allTenants('syncline_dispatcher', 'operations', 'select (tenant_id, operation_id, ended_at)'),
  `grant select (unresolved_push_id) on record_syncs to syncline_dispatcher`,
];
