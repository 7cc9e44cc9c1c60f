/**
 * How often a sign-in failed, by account and by network, shared by all replicas. Counted before the password is looked at, so that
 * many guesses at once do not all pass; taken back when it was the right one.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Work } from '../database';

export interface Allowance {
  /** `account:<address>` or `network:<address>`. */
  subject: string;
  /** So many failures within the window; what comes beyond is not looked at. */
  failuresMax: number;
  windowMs: number;
}

/** Milliseconds until the subject may try again; 0 = it may now. To be called as the platform. */
export async function countSignInTry(
  { trx, now }: Work,
  { subject, failuresMax, windowMs }: Allowance,
): Promise<number> {
  const windowStart = new Date(now.getTime() - windowMs);
  const { rows } = await sql<{ failures: number; since: Date }>`
    insert into sign_in_failures as known (subject, failures, since) values (${hashOf(subject)}, 1, ${now})
    on conflict (subject) do update set
      failures = case when known.since <= ${windowStart} then 1 else least(known.failures + 1, ${failuresMax + 1}::integer) end,
      since = case when known.since <= ${windowStart} then ${now} else known.since end
    returning failures, since`.execute(trx);
  const { failures, since } = rows[0] as { failures: number; since: Date };
  return failures <= failuresMax ? 0 : Math.max(since.getTime() + windowMs - now.getTime(), 1_000);
}

/** It was the right password: this try is taken back, or with `all` everything held against the subject. */
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

/** Rows that hold nothing against anybody any more. */
export async function deleteSignInFailures({ trx }: Work, { before }: { before: Date }): Promise<void> {
  await trx.deleteFrom('signInFailures').where('since', '<', before).execute();
}

/** Addresses that nobody here has are nobody's business to keep. */
function hashOf(subject: string): Buffer {
  return createHash('sha256').update(subject.toLowerCase()).digest();
}
