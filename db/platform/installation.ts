/**
 * Finds out that the database was restored, whatever tool did it. Its mark only grows, and Temporal keeps a
 * copy: a database behind the copy has lost what it knew. A recovery to a point in time, a promotion of a
 * standby or a dump in another database changes the server, the timeline or the database, which is found
 * without Temporal.
 */
import { sql } from 'kysely';
import { type Database, type Work } from '../database';
import { newUuid } from '../sql/ids';

export interface Installation {
  installationId: string;
  markedAt: Date;
  /** null = not known. */
  server: string | null;
}

/** Makes the row if there is none: then it is new. */
export async function readInstallation({ trx, now }: Work): Promise<Installation & { isNew: boolean }> {
  const inserted = await trx
    .insertInto('installations')
    .values({ installationId: newUuid(), markedAt: now, server: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning('installationId')
    .execute();
  const row = await trx.selectFrom('installations').selectAll().executeTakeFirstOrThrow();
  return { ...row, isNew: inserted.length > 0 };
}

/** The system, its timeline and the database. @returns null if they cannot be read. */
export async function readServer(database: Database): Promise<string | null> {
  return database
    .withDispatcher(async ({ trx }) => {
      const { rows } = await sql<{ server: string }>`
        select concat_ws('/', (select system_identifier from pg_control_system()),
          left(pg_walfile_name(pg_current_wal_lsn()), 8),
          (select oid from pg_database where datname = current_database())) as server`.execute(trx);
      return rows[0]?.server ?? null;
    })
    .catch(() => null);
}

/** @param known the newest mark that Temporal has. @returns why the database must have been restored. */
export function restoreOf(
  { markedAt, server }: Installation,
  { known, server: current }: { known: Date | null; server: string | null },
): string | undefined {
  if (known !== null && known > markedAt)
    return `The database is of ${markedAt.toISOString()}, but it had reached ${known.toISOString()}.`;
  if (server !== null && current !== null && server !== current)
    return `The database runs on another server, timeline or database (${current}) than before (${server}).`;
  return undefined;
}

/** @returns the new mark, which is later than the former one and than `known`, whatever the clock shows. */
export async function markDatabase(
  { trx, now }: Work,
  { known, server }: { known: Date | null; server: string | null },
): Promise<Date> {
  const { rows } = await sql<{ markedAt: Date }>`
    update installations set server = coalesce(${server}, server),
      marked_at = greatest(${now}::timestamptz, marked_at + interval '1 ms',
        ${known}::timestamptz + interval '1 ms')
    returning date_trunc('milliseconds', marked_at) as marked_at`.execute(trx);
  return (rows[0] as { markedAt: Date }).markedAt;
}
