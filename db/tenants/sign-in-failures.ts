/**
 * Failed sign-ins by browser, account and network, shared by all replicas. An attempt is counted before the
 * password is checked, so that many guesses at once do not all pass, and uncounted if the password was right.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Work } from '../database';

export interface Allowance {
  /** What is counted: a browser, an account, a network, or an account in a network. */
  subject: string;
  /** Failures allowed within the window; further attempts are refused unchecked. */
  failuresMax: number;
  windowMs: number;
}

/** Milliseconds until the subject may try again; 0 = now. Needs the platform role. */
export async function countSignInTry(
  { trx, now }: Work,
  { subject, failuresMax, windowMs }: Allowance,
): Promise<number> {
  const windowStart = new Date(now.getTime() - windowMs);
  const { rows } = await sql<{ failures: number; since: Date }>`
    insert into sign_in_failures as known (subject, failures, since) values (${hashOf(subject)}, 1, ${now})
    on conflict (subject) do update set
      failures = case when known.since <= ${windowStart} then 1
        else least(known.failures + 1, ${failuresMax + 1}::integer) end,
      since = case when known.since <= ${windowStart} then ${now} else known.since end
    returning failures, since`.execute(trx);
  const { failures, since } = rows[0] as { failures: number; since: Date };
  return failures <= failuresMax ? 0 : Math.max(since.getTime() + windowMs - now.getTime(), 1_000);
}

/** The password was right: uncounts this attempt, or with `all` every failure of the subject. */
export async function clearSignInFailures(
  { trx }: Work,
  { subject, all }: { subject: string; all: boolean },
): Promise<void> {
  if (all) await trx.deleteFrom('signInFailures').where('subject', '=', hashOf(subject)).execute();
  else
    await trx
      .updateTable('signInFailures')
      .set((eb) => ({ failures: eb('failures', '-', 1) }))
      .where('subject', '=', hashOf(subject))
      .where('failures', '>', 0)
      .execute();
}

/** More than one attempt adds, so that what a flood of made-up addresses has left disappears. */
const DELETED_AT_ONCE = 100;

/** Deletes some rows whose window has passed. Last in a transaction: it waits for no other one. */
export async function deleteSignInFailures({ trx }: Work, { before }: { before: Date }): Promise<void> {
  await sql`
    delete from sign_in_failures where ctid = any(array(
      select ctid from sign_in_failures where since < ${before}
      order by since limit ${DELETED_AT_ONCE} for update skip locked))`.execute(trx);
}

/** Hashed, because addresses that belong to no user must not be stored. */
function hashOf(subject: string): Buffer {
  return createHash('sha256').update(subject).digest();
}
