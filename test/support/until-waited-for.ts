/** For tests of two transactions of which one waits for the locks of the other. */
import { sql } from 'kysely';
import type { Work } from '../../db/database';
import { until } from './until';

/** Until another transaction waits for a lock that the transaction of `work` holds. */
export const untilWaitedFor = ({ trx }: Pick<Work, 'trx'>): Promise<true> =>
  until('another transaction waits for a lock of this one', async () => {
    const { rows } = await sql`
      select from pg_locks
      where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)) limit 1`.execute(trx);
    return rows.length > 0;
  });
