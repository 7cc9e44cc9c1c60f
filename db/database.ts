/**
 * All access to PostgreSQL. Every query runs in a transaction that has switched to one of five roles, so
 * row-level security applies even if DATABASE_URL belongs to a superuser (ARCHITECTURE.md).
 */
import { ROLES } from './migrations/2026-11-28-baseline/access';
import { Kysely, type Transaction, sql } from 'kysely';
import { escapeLiteral, Pool } from 'pg';
import { BegunByFirstStatement } from './begun-by-first-statement';
import { CommitNotifier } from './commit-notifier';
import { CamelCaseRows } from './sql/result-rows';
import { BEGIN_LOCK_MS, READ_ONLY, watchedConnections, type WatchedConnections } from './connection-liveness';
import type { Tables } from './tables';
import { followDatabaseClock } from './sql/ids';

export interface Work {
  trx: Transaction<Tables>;
  /** The instant of this transaction, from the database's clock or the test's. Do not read another one. */
  now: Date;
}
/** A transaction that sees one tenant's rows. */
export interface TenantWork extends Work {
  tenantId: string;
  /** The key of the tenant's hashes of erased records (db/records/erased-records.ts). */
  openErasureKey?: ErasureKeyOpener | undefined;
}

/** Creates the key if the tenant has none. */
export type ErasureKeyOpener = (work: TenantWork) => Promise<Buffer>;

export interface Commit {
  /**
   * False for work that is simply repeated if it is lost: the commit does not wait for the disk. A crash of
   * PostgreSQL loses such commits of the last moment, whole and in order. A later commit that waits also
   * flushes all earlier ones. See `waitForDisk`.
   */
  waitsForDisk: boolean;
  /** All statements see what was committed before the first one. */
  isSnapshot?: boolean;
}

/** Makes this transaction wait for the disk after all, because its result is acted on. */
export async function waitForDisk({ trx }: Work): Promise<void> {
  await sql`set local synchronous_commit to default`.execute(trx);
}

/** Thrown if two transactions collided, and this one should start again. Has PostgreSQL's code for that. */
export class ConcurrentTransaction extends Error {
  readonly code = '40001';
}

/** The tenant was deleted. What remains of it is only for the eraser. */
export class TenantDeleted extends Error {
  constructor() {
    super('The tenant was deleted.');
    this.name = 'TenantDeleted';
  }
}

/** For work that looks at many tenants: undefined if this one was deleted meanwhile. */
export async function unlessDeleted<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TenantDeleted) return undefined;
    throw error;
  }
}

const BEGIN_AGAIN = new Set(['40001', '40P01']);
/**
 * When many clients create overlapping records, each round completes one, and the others overlap half as
 * much.
 */
const TRIES_MAX = 15;

export interface DatabaseOptions {
  url: string;
  poolSize: number;
  statementTimeoutMs: number;
  /**
   * How long a transaction waits for a free connection; 2 s by default, so that a caller gets an error soon.
   */
  waitForConnectionMs?: number;
  /** Required where records are created. */
  openErasureKey?: ErasureKeyOpener;
  /** Replaces the database's clock in tests that skip time. */
  clock?: () => Date | Promise<Date>;
  /**
   * Called when an idle connection breaks, for example when PostgreSQL restarts. The pool opens new ones
   * itself.
   */
  onConnectionLost?: (error: Error) => void;
}

interface Inspection {
  isReadOnly: boolean;
  now: Date;
  /** Missing, or not granted to the user. */
  missingRoles: string[];
  /** Tables that have lost their row-level security, their policies or all grants. */
  openTables: string[];
}

export class Database {
  readonly #connections: WatchedConnections;
  readonly #kysely: Kysely<Tables>;
  readonly #notifier: CommitNotifier;
  readonly #settings: string;
  readonly #clock: DatabaseOptions['clock'];
  readonly #openErasureKey: ErasureKeyOpener | undefined;

  constructor(options: DatabaseOptions) {
    const pool = new Pool({
      connectionString: options.url,
      max: options.poolSize,
      connectionTimeoutMillis: options.waitForConnectionMs ?? 2_000,
      idleTimeoutMillis: 30_000,
      // A connection that only reads does not notice that its server became a standby.
      maxLifetimeSeconds: 300,
      // A server that hangs cannot answer, so the client has to time out by itself (rules.md R6).
      query_timeout: options.statementTimeoutMs + 1_000,
      keepAlive: true,
    });
    // Without an error listener a broken connection ends the process. The pool's listener covers idle
    // connections only; a transaction on a broken connection gets the error from its next query.
    pool.on('error', (error) => options.onConnectionLost?.(error));
    pool.on('connect', (client) => client.on('error', () => undefined));
    this.#connections = watchedConnections(pool);
    this.#settings = transactionSettings(options.statementTimeoutMs);
    this.#kysely = new Kysely<Tables>({
      dialect: new BegunByFirstStatement({ pool: this.#connections }),
      plugins: [new CamelCaseRows()],
    });
    this.#notifier = new CommitNotifier(options.url);
    this.#clock = options.clock;
    this.#openErasureKey = options.openErasureKey;
  }

  /**
   * Runs `work` in one transaction that sees and writes only this tenant's rows.
   * @throws TenantDeleted
   */
  async withTenant<T>(
    tenantId: string,
    work: (context: TenantWork) => Promise<T>,
    commit?: Commit,
  ): Promise<T> {
    return this.#inTenant('syncline_app', tenantId, work, commit);
  }

  /** As `withTenant`, for an erasure: also changes and deletes rows of logs, and those of deleted tenants. */
  async withEraser<T>(tenantId: string, work: (context: TenantWork) => Promise<T>): Promise<T> {
    return this.#inTenant('syncline_eraser', tenantId, work);
  }

  async #inTenant<T>(
    role: string,
    tenantId: string,
    work: (context: TenantWork) => Promise<T>,
    commit?: Commit,
  ): Promise<T> {
    const openErasureKey = this.#openErasureKey;
    return this.#inRole(role, tenantId, (context) => work({ ...context, tenantId, openErasureKey }), commit);
  }

  /** All tenants, but only the outbox, the columns that find stalled work, and expired rows. */
  async withDispatcher<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('syncline_dispatcher', '', work);
  }

  /** All tenants, but only events, endpoints, deliveries and attempts. */
  async withWebhooksRole<T>(work: (context: Work) => Promise<T>, commit?: Commit): Promise<T> {
    return this.#inRole('syncline_webhooks', '', work, commit);
  }

  /** All tenants, but only what identifies a caller: tenants, API keys, people, sessions, wrapped keys. */
  async withPlatform<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('syncline_platform', '', work);
  }

  /**
   * Changes partitions, as the user of DATABASE_URL. It owns the tables, but row-level security hides every
   * row from it. `lockTimeoutMs`: other transactions wait behind the one that waits for a lock.
   */
  async withOwner<T>(lockTimeoutMs: number, work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('none', '', async (context) => {
      await sql`select set_config('lock_timeout', ${String(lockTimeoutMs)}, true)`.execute(context.trx);
      return work(context);
    });
  }

  /** What readiness depends on, as the user of the URL sees it. Throws if the database does not answer. */
  async inspect(): Promise<Inspection> {
    const roles = sql.val([...ROLES]);
    const { rows } = await sql<Inspection>`
      select current_setting('transaction_read_only')::boolean as is_read_only, clock_timestamp() as now,
        array(select role from unnest(${roles}::text[]) role where not coalesce(
          (select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = role), false)
        ) as missing_roles,
        array(select relname::text from pg_class
          where relnamespace = (select relnamespace from pg_class where oid = to_regclass('kysely_migration'))
            and relkind in ('r', 'p') and relname not like 'kysely%' and not (relrowsecurity and relforcerowsecurity
              and exists (select from pg_policy where polrelid = pg_class.oid)
              and exists (select from aclexplode(relacl) acl join pg_roles role on role.oid = acl.grantee
                where role.rolname = any(${roles}::text[]) and role.rolname <> 'syncline_eraser'))
          order by 1
        ) as open_tables`.execute(this.#kysely);
    const found = rows[0] as Inspection;
    if (found.isReadOnly) this.#connections.giveUp();
    return found;
  }

  /** Names of the applied migrations. */
  async appliedMigrations(): Promise<string[]> {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(this.#kysely);
    return rows.map((row) => row.name);
  }

  async close(): Promise<void> {
    await Promise.all([this.#kysely.destroy(), this.#notifier.close()]);
  }

  /** Starts again after a collision, so `work` must do nothing but query the database. */
  async #inRole<T>(
    role: string,
    tenantId: string,
    work: (context: Work) => Promise<T>,
    commit?: Commit,
  ): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#inRoleOnce(role, tenantId, work, commit);
      } catch (error) {
        const { code = '' } = error as { code?: string };
        // The connection may be older than a failover; the next one is new.
        const isBegunAgain = code === READ_ONLY ? tries === 1 : tries < TRIES_MAX && BEGIN_AGAIN.has(code);
        if (!isBegunAgain) throw error;
        // Randomized, or the same transactions collide again.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** tries, 50)));
      }
    }
  }

  async #inRoleOnce<T>(
    role: string,
    tenantId: string,
    work: (context: Work) => Promise<T>,
    commit: Commit = { waitsForDisk: true },
  ): Promise<T> {
    const isolation = commit.isSnapshot === true ? 'repeatable read' : 'read committed';
    const more = commit.waitsForDisk ? '' : `, set_config('synchronous_commit', 'off', true)`;
    const tenant = escapeLiteral(tenantId);
    const isDeleted = role === 'syncline_app' ? `is_tenant_deleted(nullif(${tenant}, '')::uuid)` : 'false';
    // One message, which can have no parameters: many transactions have few others. The function locks a
    // table before the settings apply, and a server process that waits does not see that its client is gone.
    const begin = sql.raw<{ now: Date; isDeleted: boolean }>(`start transaction isolation level ${isolation};
      set local lock_timeout = ${BEGIN_LOCK_MS};
      select ${this.#settings}${more}, set_config('role', '${role}', true),
        set_config('app.tenant', ${tenant}, true), now() as now, ${isDeleted} as is_deleted`);
    const sentMs = Date.now();
    const committed = await this.#kysely.transaction().execute(async (trx) => {
      const { rows } = await begin.execute(trx);
      const [state] = rows as [(typeof rows)[0]];
      if (state.isDeleted) throw new TenantDeleted();
      followDatabaseClock(sentMs, state.now.getTime(), Date.now());
      return { trx, result: await work({ trx, now: (await this.#clock?.()) ?? state.now }) };
    });
    this.#notifier.committed(committed.trx);
    return committed.result;
  }
}

/**
 * Limits and formats of one transaction. Startup parameters would not pass PgBouncer, and defaults of the
 * role, the database or the server may be any. The schemas are those of the user that connects: `"$user"`
 * would change its meaning with the role.
 */
function transactionSettings(statementTimeoutMs: number): string {
  const settings = {
    statement_timeout: statementTimeoutMs,
    lock_timeout: Math.min(statementTimeoutMs, 10_000),
    idle_in_transaction_session_timeout: 30_000,
    datestyle: 'ISO, YMD',
    intervalstyle: 'postgres',
    timezone: 'UTC',
    bytea_output: 'hex',
    extra_float_digits: 1,
    row_security: 'on',
    standard_conforming_strings: 'on',
    transform_null_equals: 'off',
    array_nulls: 'on',
  };
  const values = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  return `${values.join(', ')}, set_config('search_path',
    (select string_agg(quote_ident(name), ', ') from unnest(current_schemas(false)) as name), true)`;
}
