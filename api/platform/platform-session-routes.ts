/**
 * Signing in to the console with the platform key. The browser gets a session and keeps no key; the session
 * opens the routes of the platform key and no others (rules.md S19).
 */
import { z } from 'zod';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import { toTypeId } from '../../db/sql/ids';
import { hashOfKey, isSameKey } from '../auth/api-key';
import { clearGuesses, countGuess, platformKeyFrom } from '../auth/sign-in';
import { HttpError } from '../http/http-error';
import type { PlatformCaller } from '../routing/caller';
import { typeId } from '../routing/common-schemas';
import type { ConsoleContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';

const tag = 'Console';
const base = '/console/v1/platform';

const credentials = z.strictObject({ platform_key: z.string().min(1).max(512) });
const session = z.object({ session_id: typeId('ses') }).meta({ id: 'PlatformSession' });

export const platformSessionRoutes: readonly Route[] = [
  defineRoute({
    scope: 'console',
    method: 'post',
    path: `${base}/sign-in`,
    operationId: 'signInAsPlatform',
    tag,
    summary: 'Sign in with the platform key',
    description:
      'Replaces the session of the browser. The session ends after 15 minutes without use, after 12 hours ' +
      'in any case, and when the platform key changes.',
    body: credentials,
    responses: {
      204: {
        description: 'Signed in.',
        schema: null,
        headers: { 'Set-Cookie': 'The session cookie. Scripts cannot read it.' },
      },
    },
    problems: ['platform_key_wrong', 'too_many_sign_ins'],
    action: 'sign_in.succeeded',
    run: signIn,
  }),

  defineRoute({
    scope: 'console',
    method: 'post',
    path: `${base}/sign-out`,
    operationId: 'signOutAsPlatform',
    tag,
    summary: 'Sign out as operator',
    responses: { 204: { description: 'The session has ended.', schema: null } },
    action: 'signed_out',
    run: signOut,
  }),

  defineRoute({
    scope: 'console',
    method: 'get',
    path: `${base}/session`,
    operationId: 'showPlatformSession',
    tag,
    summary: "Show the operator's session",
    responses: { 200: { description: 'The session is open.', schema: session } },
    run: async (_input, context) => ({
      status: 200,
      body: { session_id: requireOperator(context).sessionId },
    }),
  }),
];

async function signIn({ body }: { body: z.output<typeof credentials> }, context: ConsoleContext) {
  const { database, config } = context.services;
  const attempts = platformKeyFrom(context.ip);
  await countGuess({ database }, attempts);
  if (!isSameKey(hashOfKey(body.platform_key), hashOfKey(config.platformKey))) {
    await audit(context, 'unknown', 'sign_in.failed', null);
    throw new HttpError('platform_key_wrong', {
      headers: { 'WWW-Authenticate': 'Session realm="syncline"' },
    });
  }
  await clearGuesses({ database }, attempts);
  const now = await database.withPlatform(async (work) => work.now);
  const sessionId = toTypeId('ses', await context.session.startPlatform(now));
  await audit(context, 'platform', 'sign_in.succeeded', sessionId);
  return { status: 204 as const };
}

async function signOut(_input: unknown, context: ConsoleContext) {
  const { sessionId } = requireOperator(context);
  await context.session.end();
  await audit(context, 'platform', 'signed_out', sessionId);
  return { status: 204 as const };
}

/** In the audit log of the platform. */
async function audit(
  { ip, requestId, services }: ConsoleContext,
  actor: string,
  action: string,
  sessionId: string | null,
): Promise<void> {
  await services.database.withTenant(PLATFORM_TENANT_ID, (work) =>
    appendAuditEntry(work, {
      actor,
      action,
      target: sessionId,
      detail: { by: 'platform_key', ...(sessionId === null ? {} : { session: sessionId }) },
      ip,
      requestId,
    }),
  );
}

function requireOperator({ caller }: ConsoleContext): PlatformCaller & { sessionId: string } {
  if (caller?.kind !== 'platform' || caller.sessionId === null) throw new HttpError('not_signed_in');
  return { ...caller, sessionId: caller.sessionId };
}
