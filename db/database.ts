/**
 * All access to PostgreSQL. Every query runs in a transaction that has switched to one of four roles, so
 * row-level security applies even if DATABASE_URL belongs to a superuser (ARCHITECTURE.md).
 */
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction, sql } from 'kysely';
import { Pool, types } from 'pg';
import { watchedConnections } from './connection-liveness';
import type { Tables } from './tables';

// bigint columns (versions, counters) are numbers: the API refuses versions above 2^53 - 1.
types.setTypeParser(types.builtins.INT8, Number);
// A date is a calendar day, not an instant in this machine's time zone.
types.setTypeParser(types.builtins.DATE, (text) => text);

export interface Work {
  trx: Transaction<Tables>;
  /**
   * The instant of this transaction, from the database's clock or the test's. Do not read another clock
   * beside it.
   */
  now: Date;
}
/** A transaction that sees one tenant's rows. */
export interface TenantWork extends Work {
  tenantId: string;
}

export interface Commit {
  /**
   * False for work that is simply repeated if it is lost: the commit does not wait for the disk. A crash of
   * PostgreSQL loses such commits of the last moment, whole and in order. A later commit that waits also
   * flushes all earlier ones. See `waitForDisk`.
   */
  waitsForDisk: boolean;
}

/** Makes this transaction wait for the disk after all, because its result is acted on. */
export async function waitForDisk({ trx }: Work): Promise<void> {
  await sql`set local synchronous_commit to default`.execute(trx);
}

/** Thrown if two transactions collided and this one should start again. Carries PostgreSQL's code for it. */
export class ConcurrentTransaction extends Error {
  readonly code = '40001';
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
  /** Replaces the database's clock in tests that skip time. */
  clock?: () => Date | Promise<Date>;
  /**
   * Called when an idle connection breaks, for example when PostgreSQL restarts. The pool opens new ones
   * itself.
   */
  onConnectionLost?: (error: Error) => void;
}

export class Database {
  readonly #pool: Pool;
  readonly #kysely: Kysely<Tables>;
  readonly #clock: DatabaseOptions['clock'];

  constructor(options: DatabaseOptions) {
    this.#pool = new Pool({
      connectionString: options.url,
      max: options.poolSize,
      connectionTimeoutMillis: options.waitForConnectionMs ?? 2_000,
      idleTimeoutMillis: 30_000,
      statement_timeout: options.statementTimeoutMs,
      lock_timeout: Math.min(options.statementTimeoutMs, 10_000),
      idle_in_transaction_session_timeout: 30_000,
      // A server that hangs cannot answer, so the client has to time out by itself (rules.md R6).
      query_timeout: options.statementTimeoutMs + 1_000,
      keepAlive: true,
    });
    // Without an error listener a broken connection ends the process. The pool's listener covers idle
    // connections only; a transaction on a broken connection gets the error from its next query.
    this.#pool.on('error', (error) => options.onConnectionLost?.(error));
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.#kysely = new Kysely<Tables>({
      dialect: new PostgresDialect({ pool: watchedConnections(this.#pool) }),
      plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
    });
    this.#clock = options.clock;
  }

  /** Runs `work` in one transaction that sees and writes only this tenant's rows. */
  async withTenant<T>(
    tenantId: string,
    work: (context: TenantWork) => Promise<T>,
    commit?: Commit,
  ): Promise<T> {
    return this.#inRole('syncline_app', tenantId, ({ trx, now }) => work({ trx, now, tenantId }), commit);
  }

  /** All tenants, but only the outbox, the columns that find stalled work, and expired rows. */
  async withDispatcher<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('syncline_dispatcher', '', work);
  }

  /** All tenants, but only events, endpoints, deliveries and attempts. */
  async withWebhooksRole<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('syncline_webhooks', '', work);
  }

  /** All tenants, but only what identifies a caller: tenants, API keys, people, sessions, wrapped keys. */
  async withPlatform<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('syncline_platform', '', work);
  }

  /** Throws if the database does not answer. */
  async ping(): Promise<void> {
    await this.#pool.query('select 1');
  }

  /** Names of the applied migrations. */
  async appliedMigrations(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ name: string }>('select name from kysely_migration');
    return rows.map((row) => row.name);
  }

  async close(): Promise<void> {
    await this.#kysely.destroy();
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
        if (tries === TRIES_MAX || !BEGIN_AGAIN.has((error as { code?: string }).code ?? '')) throw error;
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
    return this.#kysely.transaction().execute(async (trx) => {
      const more = commit.waitsForDisk ? sql`` : sql`, set_config('synchronous_commit', 'off', true)`;
      const settings = sql<{
        now: Date;
      }>`select set_config('role', ${role}, true), set_config('app.tenant', ${tenantId}, true), now() as now${more}`;
      const { rows } = await settings.execute(trx);
      const now = this.#clock === undefined ? rows[0]?.now : await this.#clock();
      return work({ trx, now: now ?? new Date() });
    });
  }
}
