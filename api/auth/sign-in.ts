/**
 * Signing in to the console, by password or with an identity provider. A refusal does not reveal which
 * accounts exist: the response and the time it takes are the same (rules.md S9). Failures are counted per
 * account and per network, across all replicas.
 */
import { ipKeyGenerator } from 'express-rate-limit';
import type { Logger } from 'pino';
import { appendAuditEntry } from '../../db/platform/audit-log';
import type { Database } from '../../db/database';
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
 * Enough for a user who tries to remember a password, and useless against 12 characters: 1,000 guesses a day.
 */
const FAILURES_PER_ACCOUNT = 10;
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
  const { account, network } = allowancesOf(email, context.ip);
  const { waitMs, candidate } = await database.withPlatform(async (work) => ({
    waitMs: Math.max(await countSignInTry(work, network), await countSignInTry(work, account)),
    candidate: await findPersonByEmail(work, { email }),
  }));
  if (waitMs > 0) throw tooMany(waitMs);
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
    await clearSignInFailures(work, { subject: account.subject, all: true });
    await clearSignInFailures(work, { subject: network.subject, all: false });
    await deleteSignInFailures(work, { before: new Date(work.now.getTime() - WINDOW_MS) });
  });
  return candidate;
}

/** A person who set a password with a link can use it at once, even after many failed attempts. */
export async function clearAccountFailures(
  { database }: Pick<SignInDependencies, 'database'>,
  { email }: { email: string },
): Promise<void> {
  await database.withPlatform((work) => clearSignInFailures(work, { subject: accountOf(email), all: true }));
}

/**
 * Attempts to guess the current password from a stolen session count like failed sign-ins. Throws
 * `too_many_sign_ins`.
 */
export async function countPasswordAttempt(
  { database }: Pick<SignInDependencies, 'database'>,
  { email }: { email: string },
): Promise<void> {
  const waitMs = await database.withPlatform((work) =>
    countSignInTry(work, allowancesOf(email, null).account),
  );
  if (waitMs > 0) throw tooMany(waitMs);
}

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

const accountOf = (email: string): string => `account:${canonicalEmail(email)}`;

function allowancesOf(email: string, ip: string | null): { account: Allowance; network: Allowance } {
  return {
    account: { subject: accountOf(email), failuresMax: FAILURES_PER_ACCOUNT, windowMs: WINDOW_MS },
    // One household has 2^64 IPv6 addresses.
    network: {
      subject: `network:${ip === null ? '' : ipKeyGenerator(ip, 64)}`,
      failuresMax: FAILURES_PER_NETWORK,
      windowMs: WINDOW_MS,
    },
  };
}

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
