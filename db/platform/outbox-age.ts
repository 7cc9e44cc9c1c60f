/** How long the oldest row of the outbox has been waiting: the first figure to look at when nothing is pushed. */
import { sql } from 'kysely';
import type { Work } from '../database';

/** To be called as the dispatcher. 0 = nothing waits. */
export async function oldestOutboxAgeSeconds({ trx }: Work): Promise<number> {
  const { rows } = await sql<{
    seconds: number | null;
  }>`select extract(epoch from clock_timestamp() - min(created_at))::float8 as seconds from outbox`.execute(
    trx,
  );
  return rows[0]?.seconds ?? 0;
}
