/** Console sessions. connect-pg-simple writes them with its own statements; the other queries are here. */
import { CompiledQuery, sql } from 'kysely';
import type { Database, TenantWork, Work } from '../database';
import type { SignedIn } from '../tables/tenants';

/** Runs a statement of connect-pg-simple in the platform role, because the library does not switch roles. */
export async function runSessionStatement(
  database: Database,
  text: string,
  parameters: readonly unknown[],
): Promise<{ rows: unknown[] }> {
  return database.withPlatform(({ trx }) => trx.executeQuery(CompiledQuery.raw(text, [...parameters])));
}

/**
 * `sid` is the hash. False if the session has ended or expired; an expired one is not renewed. Needs the
 * platform role.
 */
export async function prolongConsoleSession(
  { trx, now }: Work,
  { sid, until }: { sid: string; until: Date },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('consoleSessions')
    .set({ expire: until })
    .where('sid', '=', sid)
    .where('expire', '>=', now)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/**
 * Those of the sessions that have not ended or expired, and whose person is not disabled. `sids`: hashes.
 * Needs the platform role.
 */
export async function findOpenSessions(
  { trx, now }: Work,
  { sids }: { sids: readonly string[] },
): Promise<string[]> {
  const open = await trx
    .selectFrom('consoleSessions as session')
    .innerJoin('people as person', (join) =>
      join
        .onRef('person.tenantId', '=', 'session.tenantId')
        .onRef('person.personId', '=', 'session.personId'),
    )
    .select('session.sid')
    .where('session.sid', '=', sql<string>`any(${[...sids]}::text[])`)
    .where('session.expire', '>=', now)
    .where('person.disabledAt', 'is', null)
    .execute();
  return open.map(({ sid }) => sid);
}

export interface ConsoleSession {
  sessionId: string;
  signedIn: SignedIn;
  /** The expiry if the session is not used before. */
  expiresAt: Date;
}

/** A script that signs in again and again leaves a session each time. */
export const SESSIONS_LISTED_MAX = 200;

/** The newest open sessions, the newest first. */
export async function listConsoleSessions(
  { trx, tenantId, now }: TenantWork,
  { personId, signedInAfter }: { personId: string; signedInAfter: Date },
): Promise<ConsoleSession[]> {
  const rows = await trx
    .selectFrom('consoleSessions')
    .select(['sess', 'expire'])
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .where('expire', '>=', now)
    .orderBy('sessionId', 'desc')
    .limit(SESSIONS_LISTED_MAX)
    .execute();
  return rows
    .flatMap(({ sess, expire }) =>
      sess.signedIn === undefined
        ? []
        : [{ sessionId: sess.signedIn.sessionId, signedIn: sess.signedIn, expiresAt: expire }],
    )
    .filter(({ signedIn }) => new Date(signedIn.at) > signedInAfter);
}

/** Ends one session of a person, all, or all but one. @returns how many. */
export async function endConsoleSessions(
  { trx, tenantId }: TenantWork,
  { personId, only, except }: { personId: string; only?: string; except?: string },
): Promise<number> {
  let deletion = trx
    .deleteFrom('consoleSessions')
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId);
  if (only !== undefined) deletion = deletion.where('sessionId', '=', only);
  if (except !== undefined) deletion = deletion.where('sessionId', '<>', except);
  return Number((await deletion.executeTakeFirst()).numDeletedRows);
}
