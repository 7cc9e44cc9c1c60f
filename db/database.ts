/**
 * The only door to PostgreSQL. Nobody gets a bare connection: work runs in a transaction that has put on one of the
 * three roles, so that row-level security holds even where DATABASE_URL belongs to a superuser (ARCHITECTURE.md).
 */
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction, sql } from 'kysely';
import { Pool, types } from 'pg';
import { watchedConnections } from './connection-liveness';
import type { Tables } from './tables';

// bigint columns (versions, counters) are numbers here: the API refuses versions past 2^53 - 1.
types.setTypeParser(types.builtins.INT8, Number);
// A date is a day on a calendar, not an instant in this machine's zone.
types.setTypeParser(types.builtins.DATE, (text) => text);

export interface Work {
  trx: Transaction<Tables>;
  /** The instant of this transaction: the database's clock, or the test's. Never read another one beside it. */
  now: Date;
}
/** A transaction that sees one tenant's rows. */
export interface TenantWork extends Work {
  tenantId: string;
}

export interface Commit {
  /**
   * False for what is simply done again if it was forgotten: the commit does not wait for the disk. A PostgreSQL that dies forgets such
   * work of the last moment, whole and in order; a later commit that waits has waited for all of it. See `waitForDisk`.
   */
  waitsForDisk: boolean;
}

/** Makes this transaction wait for the disk after all: somebody is told what it wrote. */
export async function waitForDisk({ trx }: Work): Promise<void> {
  await sql`set local synchronous_commit to default`.execute(trx);
}

/** Thrown where two transactions got into each other's way and this one should simply begin again; carries PostgreSQL's own code for it. */
export class ConcurrentTransaction extends Error {
  readonly code = '40001';
}

const BEGIN_AGAIN = new Set(['40001', '40P01']);
/** Many clients that create overlapping records: each round one of them is done, and those left overlap in half as many. */
const TRIES_MAX = 15;

export interface DatabaseOptions {
  url: string;
  poolSize: number;
  statementTimeoutMs: number;
  /** How long work waits for a free connection; 2 s unless given, so that a caller hears of trouble soon. */
  waitForConnectionMs?: number;
  /** Replaces the database's clock where a test skips time. */
  clock?: () => Date | Promise<Date>;
  /** Told when an idle connection breaks, as on a PostgreSQL restart; the pool makes new ones by itself. */
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
      // The server cannot answer when it hangs, so the client has to give up by itself (rules.md R6).
      query_timeout: options.statementTimeoutMs + 1_000,
      keepAlive: true,
    });
    // Without a listener a broken connection ends the process: the pool's is for idle ones only, those
    // in the middle of a transaction need their own. Whoever works on one hears of it from the next query.
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

  /** All tenants, but only the outbox, the lanes' wake times and what has to be tidied up. */
  async withDispatcher<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('syncline_dispatcher', '', work);
  }

  /** All tenants, but only events on their way to webhook endpoints. */
  async withWebhooksRole<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('syncline_webhooks', '', work);
  }

  /** All tenants, but only what finds a tenant: tenants, API keys, wrapped keys. */
  async withPlatform<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.#inRole('syncline_platform', '', work);
  }

  /** Throws when the database does not answer. */
  async ping(): Promise<void> {
    await this.#pool.query('select 1');
  }

  /** Names of the migrations that were applied. */
  async appliedMigrations(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ name: string }>('select name from kysely_migration');
    return rows.map((row) => row.name);
  }

  async close(): Promise<void> {
    await this.#kysely.destroy();
  }

  /** Begins again when transactions collided; so `work` does nothing but talk to the database. */
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
        // Apart from each other, or they collide again.
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
