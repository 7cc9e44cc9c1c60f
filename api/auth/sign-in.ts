/**
 * Signing in to the console, by password or with an identity provider. A refusal does not reveal which
 * accounts exist: the response and the time it takes are the same (rules.md S9). Failures are counted per
 * browser, account and network, across all replicas.
 */
import { ipKeyGenerator } from 'express-rate-limit';
import type { Logger } from 'pino';
import { appendAuditEntry } from '../../db/platform/audit-log';
import type { Database, Work } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { findPersonByEmail, markSignedIn, type SignInCandidate } from '../../db/tenants/people';
import {
  type Allowance,
  countSignInTry,
  deleteSignInFailures,
  clearSignInFailures,
} from '../../db/tenants/sign-in-failures';
import { requestSignInRuns } from '../../db/sync-runs/sign-in-runs';
import { canonicalEmail } from '../../db/tenants/email-address';
import type { JsonObject } from '../../domain/json';
import type { ConsoleContext } from '../routing/context';
import { HttpError } from '../http/http-error';
import { isPassword } from './passwords';

const WINDOW_MS = 15 * 60_000;
/**
 * Of an account in one network, or in a browser that has signed in before: enough for a user who tries to
 * remember a password, and useless against 12 characters.
 */
const FAILURES_PER_ACCOUNT = 10;
/** Of an account in all networks together, without browsers that have signed in before: 4,800 a day. */
const FAILURES_PER_ACCOUNT_ANYWHERE = 50;
/** A whole office may share one address. */
const FAILURES_PER_NETWORK = 100;

export interface SignInDependencies {
  database: Database;
  log: Logger;
}

export type SignInMethod = 'password' | 'oidc';

/** Throws `sign_in_failed` or `too_many_sign_ins`. */
export async function signInByPassword(
  { database, log }: SignInDependencies,
  { email, password }: { email: string; password: string },
  context: ConsoleContext,
): Promise<SignInCandidate> {
  const { attempt, candidate } = await database.withPlatform(async (work) => {
    const found = await findPersonByEmail(work, { email });
    const deviceId = found === undefined ? undefined : context.session.deviceOf(found);
    const counted = await countAttempt(work, { email, ip: context.ip, deviceId });
    await deleteOld(work);
    return { attempt: counted, candidate: found };
  });
  if (attempt.waitMs > 0) throw tooMany(attempt.waitMs);
  const isRight = await isPassword(password, candidate?.passwordHash ?? null);
  const isIn =
    isRight &&
    candidate !== undefined &&
    candidate.disabledAt === null &&
    (await startSession({ database, log }, candidate, 'password', context));
  if (!isIn) {
    // Not awaited: the time it takes would reveal whether the account exists.
    void recordFailure({ database, log }, candidate, 'password', context);
    throw new HttpError('sign_in_failed', { headers: { 'WWW-Authenticate': 'Session realm="syncline"' } });
  }
  await database.withPlatform(async (work) => {
    // The first one is the user's own counter; the others also count for other people.
    for (const [index, { subject }] of attempt.counted.entries())
      await clearSignInFailures(work, { subject, all: index === 0 });
  });
  return candidate;
}

const deleteOld = (work: Work): Promise<void> =>
  deleteSignInFailures(work, { before: new Date(work.now.getTime() - WINDOW_MS) });

interface CountedAttempt {
  /** More than 0 = refused, and when to try again. */
  waitMs: number;
  /** What the attempt was counted for, the narrowest first. */
  counted: Allowance[];
}

/**
 * A browser that has signed in before has a counter of its own, so guesses from elsewhere do not lock its
 * user out. A refused attempt is not counted for wider counters: one network cannot use up the allowance of
 * an account.
 */
async function countAttempt(
  work: Work,
  { email, ip, deviceId }: { email: string; ip: string | null; deviceId: string | undefined },
): Promise<CountedAttempt> {
  if (deviceId !== undefined) {
    const device = allowance(`device:${deviceId}`, FAILURES_PER_ACCOUNT);
    if ((await countSignInTry(work, device)) === 0) return { waitMs: 0, counted: [device] };
  }
  const counted = [
    allowance(accountIn(email, ip), FAILURES_PER_ACCOUNT),
    allowance(`network:${networkOf(ip)}`, FAILURES_PER_NETWORK),
    allowance(accountOf(email), FAILURES_PER_ACCOUNT_ANYWHERE),
  ];
  for (const each of counted) {
    const waitMs = await countSignInTry(work, each);
    if (waitMs > 0) return { waitMs, counted: [] };
  }
  return { waitMs: 0, counted };
}

/** A person who set a password with a link can use it at once, even after many failed attempts. */
export async function clearAccountFailures(
  { database }: Pick<SignInDependencies, 'database'>,
  { email }: { email: string },
  { ip }: Pick<ConsoleContext, 'ip'>,
): Promise<void> {
  await database.withPlatform(async (work) => {
    for (const subject of [accountIn(email, ip), accountOf(email)])
      await clearSignInFailures(work, { subject, all: true });
  });
}

/**
 * Counts an attempt to guess a secret, before it is checked: ten in the window. `subject`: one of the two
 * below. Throws `too_many_sign_ins`.
 */
export async function countGuess(
  { database }: Pick<SignInDependencies, 'database'>,
  subject: string,
): Promise<void> {
  const waitMs = await database.withPlatform(async (work) => {
    const wait = await countSignInTry(work, allowance(subject, FAILURES_PER_ACCOUNT));
    await deleteOld(work);
    return wait;
  });
  if (waitMs > 0) throw tooMany(waitMs);
}

/** The secret was right. */
export async function clearGuesses(
  { database }: Pick<SignInDependencies, 'database'>,
  subject: string,
): Promise<void> {
  await database.withPlatform((work) => clearSignInFailures(work, { subject, all: true }));
}

/** A stolen session could guess the password of its person. */
export const currentPasswordOf = ({ personId }: { personId: string }): string =>
  `current_password:${personId}`;
/** Counted per network only: guesses from one network do not lock operators out of another one. */
export const platformKeyFrom = (ip: string | null): string => `platform_key:${networkOf(ip)}`;

/** Returns false if the person was disabled in the same moment. */
export async function startSession(
  dependencies: SignInDependencies,
  { tenantId, personId, name }: SignInCandidate,
  by: SignInMethod,
  context: ConsoleContext,
): Promise<boolean> {
  const { ip, requestId, session } = context;
  const now = await dependencies.database.withTenant(tenantId, async (work) =>
    (await markSignedIn(work, { personId })) ? work.now : undefined,
  );
  if (now === undefined) return false;
  const sessionId = await session.start({ tenantId, personId }, now);
  const target = toTypeId('psn', personId);
  await dependencies.database.withTenant(tenantId, (work) =>
    appendAuditEntry(work, {
      actor: `person:${name}`,
      action: 'sign_in.succeeded',
      target,
      detail: { by, person: target, session: toTypeId('ses', sessionId) },
      ip,
      requestId,
    }),
  );
  void startSignInRuns(dependencies, { tenantId, name });
  return true;
}

/**
 * Refreshes what the user is about to look at (rules.md 28). The sign-in neither waits for this nor fails
 * with it.
 */
async function startSignInRuns(
  { database, log }: SignInDependencies,
  { tenantId, name }: { tenantId: string; name: string },
): Promise<void> {
  try {
    await database.withTenant(tenantId, (work) => requestSignInRuns(work, { user: name }));
  } catch (error) {
    log.warn({ err: error, tenant_id: tenantId }, 'the sync runs of a sign-in could not be requested');
  }
}

/** Audited in the tenant of the account. If the account does not exist, the address is not stored. */
export async function recordFailure(
  { database, log }: SignInDependencies,
  candidate: SignInCandidate | undefined,
  by: SignInMethod,
  context: ConsoleContext,
  because?: JsonObject,
): Promise<void> {
  const { ip, requestId } = context;
  if (candidate === undefined)
    return log.info({ request_id: requestId, by }, 'sign-in failed: no such account');
  const { tenantId, personId, passwordHash, disabledAt } = candidate;
  const reason = disabledAt !== null ? 'disabled' : passwordHash === null ? 'no_password' : 'wrong_password';
  try {
    await database.withTenant(tenantId, (work) =>
      appendAuditEntry(work, {
        actor: 'unknown',
        action: 'sign_in.failed',
        target: toTypeId('psn', personId),
        detail: because === undefined ? { by, reason } : { by, ...because },
        ip,
        requestId,
      }),
    );
  } catch (error) {
    log.warn(
      { err: error, request_id: requestId, tenant_id: tenantId },
      'a failed sign-in could not be audited',
    );
  }
}

const allowance = (subject: string, failuresMax: number): Allowance => ({
  subject,
  failuresMax,
  windowMs: WINDOW_MS,
});
const accountOf = (email: string): string => `account:${canonicalEmail(email)}`;
const accountIn = (email: string, ip: string | null): string => `${accountOf(email)} ${networkOf(ip)}`;
/** One household has 2^64 IPv6 addresses. */
const networkOf = (ip: string | null): string => (ip === null ? '' : ipKeyGenerator(ip, 64));

function tooMany(waitMs: number): HttpError {
  const seconds = Math.ceil(waitMs / 1_000);
  return new HttpError('too_many_sign_ins', {
    headers: {
      'Retry-After': String(seconds),
      RateLimit: `"sign-in";r=0;t=${seconds}`,
      'RateLimit-Policy': `"sign-in";q=${FAILURES_PER_ACCOUNT};w=${WINDOW_MS / 1_000}`,
    },
  });
}
