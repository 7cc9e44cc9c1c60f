/** Commits that PostgreSQL holds, so that a test can act between a commit and its answer. */
import { Client } from 'pg';
import { until } from '../until';

interface HeldCommits {
  /** A transaction has sent its COMMIT. */
  untilHeld(): Promise<unknown>;
  /** Answers when what was held is committed. Later commits are not held. */
  release(): Promise<void>;
}

const LOCK = 7_771;

/** Holds each transaction that inserts into the table. @param databaseUrl of the owner of the table */
export async function holdCommits(databaseUrl: string, table: string): Promise<HeldCommits> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`
    create function hold_commit() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(${LOCK}); return null; end $$;
    create constraint trigger hold_commit after insert on ${table} deferrable initially deferred
      for each row execute function hold_commit();
    select pg_advisory_lock(${LOCK})`);
  const locked = async (isGranted: boolean): Promise<boolean> => {
    const { rowCount } = await client.query(
      `select from pg_locks where locktype = 'advisory' and objid = ${LOCK} and granted = ${isGranted}`,
    );
    return (rowCount ?? 0) > 0;
  };
  return {
    untilHeld: () => until('a commit is held', () => locked(false)),
    async release() {
      await client.query(`select pg_advisory_unlock(${LOCK})`);
      await until('it is committed', async () => !(await locked(false)) && !(await locked(true)));
      await client.query('drop function hold_commit cascade');
      await client.end();
    },
  };
}
