/**
 * Everything that `npm run migrate` does is one transaction on one connection: it also works through
 * PgBouncer in transaction mode, and a failure leaves nothing behind, no role and no lock either.
 */
import { Kysely, PostgresAdapter, PostgresDialect } from 'kysely';
import { Client } from 'pg';

/** Of Kysely's migrator too, so releases that use its lock wait for this one and the other way round. */
const LOCK_ID = '3853314791062309107';

/** Of the transaction, whatever the defaults of the role, the database or the server are. */
const SETTINGS = `select set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true),
  set_config('idle_in_transaction_session_timeout', '0', true), set_config('datestyle', 'ISO, YMD', true),
  set_config('timezone', 'UTC', true), set_config('row_security', 'on', true),
  set_config('standard_conforming_strings', 'on', true), pg_advisory_xact_lock(${LOCK_ID})`;

const DEADLOCK = '40P01';
const ATTEMPTS_MAX = 20;

/**
 * Begins again after a deadlock: processes that run lock the same tables in an order of their own, and the
 * server may end either side.
 */
export async function inMigrationTransaction<T>(
  databaseUrl: string,
  work: (db: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await inOneTransaction(databaseUrl, work);
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK || attempt === ATTEMPTS_MAX) throw error;
    }
}

async function inOneTransaction<T>(
  databaseUrl: string,
  work: (db: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: databaseUrl, keepAlive: true });
  client.on('error', () => undefined); // the query that runs then fails
  await client.connect();
  try {
    await client.query('begin isolation level read committed');
    await client.query(SETTINGS);
    const result = await work(new Kysely<unknown>({ dialect: new OneConnection(client) }));
    await client.query('commit');
    return result;
  } finally {
    await client.end().catch(() => undefined); // without a commit the server rolls back
  }
}

/** The lock of this file is held until the commit; Kysely's own could be released on another connection. */
class WithoutLock extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

class OneConnection extends PostgresDialect {
  constructor(client: Client) {
    // Typed as Kysely expects; cursors are not used.
    const query = client.query.bind(client) as never;
    super({
      pool: { connect: async () => ({ query, release: () => undefined }), end: async () => undefined },
    });
  }

  override createAdapter(): PostgresAdapter {
    return new WithoutLock();
  }
}
