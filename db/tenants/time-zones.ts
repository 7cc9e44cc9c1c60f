/** Time zones as the server's copy of the IANA database spells them. */
import { sql } from 'kysely';
import type { Work } from '../database';

/**
 * The exact name of a zone, for example Europe/Berlin for europe/berlin; undefined if there is none. Temporal
 * distinguishes upper and lower case.
 */
export async function findZoneName({ trx }: Pick<Work, 'trx'>, name: string): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    select name from pg_timezone_names where lower(name) = lower(${name})`.execute(trx);
  return rows[0]?.name;
}
