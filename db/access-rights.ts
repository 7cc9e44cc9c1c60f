/**
 * The roles, policies and grants of a database. Roles belong to the whole cluster: all installations in it
 * share them, and only their grants differ by database. A dump contains no role, and a restore without them
 * loses policies and grants, so `npm run migrate` compares both each time and adds what is missing.
 */
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import { migrations } from './migrations';
import { ROLES } from './migrations/2026-11-28-baseline/access';

/** The user of DATABASE_URL lacks a right. The message is the SQL that a database administrator runs. */
export class MissingRights extends Error {
  constructor(statements: readonly string[]) {
    super(
      'The user of DATABASE_URL lacks rights. A database administrator has to run this once, ' +
        `then npm run migrate can be repeated:\n\n${statements.map((line) => `  ${line};`).join('\n')}\n`,
    );
  }
}

interface RoleState {
  role: string;
  exists: boolean;
  isGranted: boolean;
  isTooStrong: boolean;
}

/** Creates the roles that are missing and grants them to the user. @throws MissingRights */
export async function ensureRoles(db: Kysely<unknown>): Promise<void> {
  const lacking: string[] = [];
  const { rows: users } = await sql<{ name: string }>`select quote_ident(current_user) as name`.execute(db);
  const user = users[0]?.name;
  for (const { role, exists, isGranted, isTooStrong } of await rolesOf(db)) {
    const attributes = 'nologin nosuperuser nobypassrls nocreatedb nocreaterole';
    if (!exists) await attempt(db, `create role ${role} ${attributes}`, lacking);
    else if (isTooStrong) await attempt(db, `alter role ${role} ${attributes}`, lacking);
    if (!isGranted) await attempt(db, `grant ${role} to ${user}`, lacking);
  }
  if (lacking.length > 0) throw new MissingRights(lacking);
}

async function rolesOf(db: Kysely<unknown>): Promise<RoleState[]> {
  // Since PostgreSQL 16 a creator who is no superuser becomes a member but must grant itself SET ROLE.
  const { rows } = await sql<RoleState>`
    select role, oid is not null as "exists", coalesce(rolsuper or rolbypassrls or rolcanlogin, false) as "isTooStrong",
           coalesce(pg_has_role(current_user, oid, case
             when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end), false)
             as "isGranted"
      from unnest(${sql.val([...ROLES])}::text[]) as role left join pg_roles on rolname = role`.execute(db);
  return rows;
}

/** Another database of the cluster may create the same role at this moment. */
const EXISTS_ALREADY = ['42710', '23505'];
const NOT_ALLOWED = ['42501', '42704', '0LP01'];

/** Adds the statement to `lacking` if the user may not run it. */
async function attempt(db: Kysely<unknown>, statement: string, lacking: string[]): Promise<void> {
  await sql`savepoint attempt`.execute(db);
  try {
    await sql.raw(statement).execute(db);
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    await sql`rollback to savepoint attempt`.execute(db);
    if (NOT_ALLOWED.includes(code)) lacking.push(statement);
    else if (!EXISTS_ALREADY.includes(code)) throw error;
  }
}

/** The schema in which the tables are. @throws MissingRights */
export async function ensureSchema(db: Kysely<unknown>): Promise<string> {
  const { rows } = await sql<{ schema: string | null; user: string; isUsable: boolean; path: string }>`
    select current_schema() as schema, quote_ident(current_user) as "user", current_setting('search_path') as path,
           coalesce(has_schema_privilege(current_schema(), 'create'), false) as "isUsable"`.execute(db);
  const found = rows[0];
  if (found?.schema === undefined || found.schema === null)
    throw new MissingRights([`grant usage, create on schema public to ${found?.user}`]);
  if (!found.isUsable)
    throw new MissingRights([`grant create on schema ${quoted(found.schema)} to ${found.user}`]);
  return found.schema;
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Lets the roles reach the tables of the schema. @throws MissingRights */
async function ensureUsage(db: Kysely<unknown>, schema: string): Promise<void> {
  const unreachable = async () => {
    const { rows } = await sql<{ role: string }>`
      select role from unnest(${sql.val([...ROLES])}::text[]) as role
       where not has_schema_privilege(role, ${schema}, 'usage')`.execute(db);
    return rows.map(({ role }) => `grant usage on schema ${quoted(schema)} to ${role}`);
  };
  for (const statement of await unreachable()) await attempt(db, statement, []);
  const lacking = await unreachable(); // a user without the right to grant gets a warning or an error
  if (lacking.length > 0) throw new MissingRights(lacking);
}

/** Adds missing grants and policies. Returns how many policies it created. @throws MissingRights */
export async function mendAccess(db: Kysely<unknown>, schema: string): Promise<number> {
  await ensureUsage(db, schema);
  const { rows } = await sql<{ name: string }>`
    select tablename || '.' || policyname as name from pg_policies where schemaname = ${schema}
    union all select relname || '.' || state from pg_class, lateral (
      values ('enable', relrowsecurity), ('force', relforcerowsecurity)) as security (state, is_on)
     where relnamespace = quote_ident(${schema})::regnamespace and is_on`.execute(db);
  const existing = new Set(rows.map(({ name }) => name));
  let mended = 0;
  for (const statement of await accessStatements()) {
    const { policy, state, table } = LOCKING.exec(statement)?.groups ?? {};
    if (existing.has(`${table}.${policy ?? state}`)) continue;
    if (policy !== undefined) mended += 1;
    await sql.raw(statement).execute(db);
  }
  await grantPartitions(db, schema);
  await allowBackup(db, schema);
  await giveToOwner(db, schema);
  return mended;
}

/** No migration records their names. Their rows are read through the partitioned table, by its policies. */
async function grantPartitions(db: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql<{ table: string }>`
    select quote_ident(relname) as "table" from pg_class
     where relnamespace = quote_ident(${schema})::regnamespace and relkind = 'r' and relispartition
       and relrowsecurity and not has_table_privilege('syncline_app', oid, 'select')`.execute(db);
  for (const { table } of rows) await sql.raw(`grant select on ${table} to syncline_app`).execute(db);
}

/** They wait for every transaction that uses the table, and the next ones wait behind them. */
const LOCKING =
  /^(?:create policy (?<policy>\w+) on|alter table) (?<table>\w+)(?: (?<state>enable|force))?\b/;

/**
 * Shows the owner every row while it sets `app.backup`, as `npm run backup` does. In all other sessions it
 * still sees none.
 */
export async function allowBackup(db: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql<{ table: string; isOfAnother: boolean }>`
    select quote_ident(relname) as "table", polname is not null as "isOfAnother"
      from pg_class left join pg_policy on polrelid = pg_class.oid and polname = 'backup_rows'
     where relnamespace = quote_ident(${schema})::regnamespace and relrowsecurity
       and polroles is distinct from array[(select oid from pg_roles where rolname = current_user)]`.execute(
    db,
  );
  for (const { table, isOfAnother } of rows) {
    const statement = isOfAnother
      ? `alter policy backup_rows on ${table} to current_user`
      : `create policy backup_rows on ${table} for select to current_user
           using (current_setting('app.backup', true) = 'on')`;
    await sql.raw(statement).execute(db);
  }
}

/** After a change of the owner: `is_tenant_deleted` runs as the owner and would see no deleted tenant. */
async function giveToOwner(db: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql`
    select from pg_policy join pg_class on pg_class.oid = polrelid
     where relnamespace = quote_ident(${schema})::regnamespace and polname = 'owner_rows'
       and polroles <> array[(select oid from pg_roles where rolname = current_user)]`.execute(db);
  if (rows.length > 0) await sql`alter policy owner_rows on tenant_deletions to current_user`.execute(db);
}

/** The statements of the migrations about access, in their order: recorded without a database. */
async function accessStatements(): Promise<string[]> {
  const statements: string[] = [];
  const recorder = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => void statements.push(query.sql.trim()),
  });
  for (const { up } of Object.values(migrations)) await up(recorder);
  return statements.filter((statement) => IS_ABOUT_ACCESS.test(statement));
}

const IS_ABOUT_ACCESS = /^(grant|revoke|create policy|alter table \w+ (enable|force) row level security)\b/;
