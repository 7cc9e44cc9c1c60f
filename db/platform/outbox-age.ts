/** Age of the oldest outbox message: the first metric to check when nothing is pushed. */
import { sql } from 'kysely';
import type { Work } from '../database';

/** Needs the dispatcher's role. 0 = the outbox is empty. */
export async function oldestOutboxAgeSeconds({ trx }: Work): Promise<number> {
  const { rows } = await sql<{ seconds: number | null }>`
    select extract(epoch from clock_timestamp() - min(created_at))::float8 as seconds from outbox`.execute(
    trx,
  );
  return rows[0]?.seconds ?? 0;
}
