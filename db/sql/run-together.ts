/** Several statements in one message, which costs the worker and PostgreSQL less than a message for each. */
import { type RawBuilder, sql } from 'kysely';
import type { Work } from '../database';

/**
 * Runs statements that change different rows. None of them sees what another one changes, and their order is
 * not certain. The first one may have no `with` of its own.
 */
export async function runTogether(
  { trx }: Pick<Work, 'trx'>,
  [main, ...others]: readonly RawBuilder<unknown>[],
): Promise<void> {
  if (main === undefined) return;
  const named = others.map((statement, position) => sql`${sql.raw(`step_${position}`)} as (${statement})`);
  await sql`${named.length === 0 ? sql`` : sql`with ${sql.join(named)} `}${main}`.execute(trx);
}
