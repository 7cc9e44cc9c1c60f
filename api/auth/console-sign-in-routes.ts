/** Signing in to the console and out of it. */
import { z } from 'zod';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { toTypeId } from '../../db/sql/ids';
import { endConsoleSessions } from '../../db/tenants/console-sessions';
import { findPerson, setPassword } from '../../db/tenants/people';
import { findPersonToken, type PresentedToken, usePersonToken } from '../../db/tenants/person-tokens';
import { HttpError } from '../http/http-error';
import { callerIds } from '../routing/audit';
import type { ConsoleContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import type { Oidc } from './oidc';
import { chosenPassword, hashPassword, presentedPassword } from './passwords';
import { hashOfToken } from './person-tokens';
import { signInByProvider } from './provider-sign-in';
import { clearAccountFailures, signInByPassword } from './sign-in';
import { requireSignedIn } from './signed-in';

const tag = 'Console';
const SESSION_COOKIE = { 'Set-Cookie': 'The session cookie. Scripts cannot read it.' };
const LOCATION = { Location: 'The page to which the browser is redirected.' };

const email = z.string().max(254).meta({ example: 'ana@example.org' });
/** A page of the console: a path with `//` or `/\` could lead to another site. */
const returnTo = z
  .string()
  .max(500)
  .regex(/^\/console(\/(?!\/)[\w\-./~%]*)?(\?[\w\-./~%&=+:]*)?$/, 'must be a path of the console')
  .refine((path) => !path.includes('//'), 'must be a path of the console');
const tokenAndPassword = z.strictObject({ token: z.string().min(1).max(200), password: chosenPassword });
const waysToSignIn = z
  .object({
    oidc: z
      .boolean()
      .meta({ description: 'True if users can also sign in with the provider behind GET /console/v1/oidc.' }),
  })
  .meta({ id: 'WaysToSignIn' });
const passwordChosen = z
  .object({ email: z.string().meta({ description: 'The address to sign in with.' }) })
  .meta({ id: 'ChosenPassword' });

export const consoleSignInRoutes: readonly Route[] = [
  defineRoute({
    scope: 'console',
    method: 'get',
    path: '/console/v1/sign-in',
    operationId: 'showSignIn',
    tag,
    summary: 'Show the ways to sign in',
    responses: {
      200: { description: 'E-mail address and password always work.', schema: waysToSignIn },
    },
    run: async (_input, { services }) => ({ status: 200, body: { oidc: services.oidc !== null } }),
  }),

  defineRoute({
    scope: 'console',
    method: 'post',
    path: '/console/v1/sign-in',
    operationId: 'signIn',
    tag,
    summary: 'Sign in',
    description: [
      'A refusal does not say whether the address, the password or the account is the reason.',
      '',
      'Signing in starts an incremental sync run for each integration that pulls, as POST ' +
        '/v1/sign-ins does. The response does not wait for these runs.',
    ].join('\n'),
    body: z.strictObject({ email, password: presentedPassword }),
    responses: { 204: { description: 'Signed in.', schema: null, headers: SESSION_COOKIE } },
    problems: ['sign_in_failed', 'too_many_sign_ins'],
    action: 'sign_in.succeeded',
    async run({ body }, context) {
      await signInByPassword(context.services, body, context);
      return { status: 204 };
    },
  }),

  defineRoute({
    scope: 'console',
    method: 'post',
    path: '/console/v1/sign-out',
    operationId: 'signOut',
    tag,
    summary: 'Sign out',
    responses: { 204: { description: 'The session has ended.', schema: null } },
    action: 'signed_out',
    run: signOut,
  }),

  defineRoute({
    scope: 'console',
    method: 'post',
    path: '/console/v1/passwords',
    operationId: 'choosePassword',
    tag,
    summary: 'Set a password with a one-time link',
    description: 'Ends all sessions of the person. Sign in with the new password afterwards.',
    body: tokenAndPassword,
    responses: {
      200: { description: 'The password is set, and the link is used up.', schema: passwordChosen },
    },
    problems: ['token_spent'],
    action: 'password.set',
    run: choosePassword,
  }),

  defineRoute({
    scope: 'console',
    method: 'get',
    path: '/console/v1/oidc',
    operationId: 'signInElsewhere',
    tag,
    summary: 'Sign in with the configured identity provider',
    description: 'Redirects the browser to the provider.',
    query: z.strictObject({
      return_to: returnTo
        .optional()
        .meta({ description: 'The console page to open after signing in.', example: '/console/overviews' }),
    }),
    responses: { 303: { description: 'Redirect to the provider.', schema: null, headers: LOCATION } },
    problems: ['oidc_not_configured', 'identity_provider_unavailable'],
    async run({ query }, { session, services }) {
      const { url, ...expected } = await requireProvider(services.oidc).start();
      await session.rememberProviderSignIn({ ...expected, returnTo: query.return_to ?? '/console' });
      return { status: 303, headers: { Location: url } };
    },
  }),

  defineRoute({
    scope: 'console',
    method: 'get',
    path: '/console/v1/oidc/callback',
    operationId: 'signInFromElsewhere',
    tag,
    summary: 'Return from the identity provider',
    description: [
      'Signs in the person who is linked to the identity (issuer and subject) that the provider has signed.',
      'The first sign-in links the identity to the person whose address the provider has verified. The person',
      'must exist already. From then on no other identity of that provider signs the person in, until an',
      'admin releases it with DELETE /v1/people/{person_id}/identities.',
      'If the sign-in fails, the browser is redirected to the sign-in page, which shows the error.',
    ].join(' '),
    query: z.looseObject({ code: z.string().optional(), state: z.string().optional() }),
    responses: {
      303: {
        description: 'Redirect to the console.',
        schema: null,
        headers: { ...LOCATION, ...SESSION_COOKIE },
      },
    },
    problems: ['oidc_not_configured', 'identity_provider_unavailable'],
    run: returnFromProvider,
  }),
];

async function signOut(_input: unknown, { caller, session, ip, requestId, services }: ConsoleContext) {
  const user = requireSignedIn(caller);
  await session.end();
  await services.database.withTenant(user.tenantId, (work) =>
    appendAuditEntry(work, {
      actor: user.actor,
      action: 'signed_out',
      target: toTypeId('psn', user.personId),
      detail: callerIds(user),
      ip,
      requestId,
    }),
  );
  return { status: 204 as const };
}

async function choosePassword(
  { body }: { body: z.output<typeof tokenAndPassword> },
  context: ConsoleContext,
) {
  const { database } = context.services;
  const token = await database.withPlatform((work) =>
    findPersonToken(work, { tokenHash: hashOfToken(body.token) }),
  );
  if (token === undefined) throw new HttpError('token_spent');
  const person = await setPasswordWithToken(token, await hashPassword(body.password), context);
  await clearAccountFailures({ database }, person, context);
  return { status: 200 as const, body: { email: person.email } };
}

async function setPasswordWithToken(
  { tenantId, personId, personTokenId }: PresentedToken,
  passwordHash: string,
  { ip, requestId, services }: ConsoleContext,
) {
  return services.database.withTenant(tenantId, async (work) => {
    const person = await findPerson(work, { personId });
    if (person === undefined || !(await usePersonToken(work, { personTokenId })))
      throw new HttpError('token_spent');
    await setPassword(work, { personId, passwordHash });
    const sessions = await endConsoleSessions(work, { personId });
    const target = toTypeId('psn', personId);
    await appendAuditEntry(work, {
      actor: `person:${person.name}`,
      action: 'password.set',
      target,
      detail: { by: 'link', sessions_ended: sessions, person: target },
      ip,
      requestId,
    });
    return person;
  });
}

function requireProvider(oidc: Oidc | null): Oidc {
  if (oidc === null) throw new HttpError('oidc_not_configured');
  return oidc;
}

async function returnFromProvider({ query }: { query: object }, context: ConsoleContext) {
  const oidc = requireProvider(context.services.oidc);
  const expected = await context.session.takeProviderSignIn();
  const given = new URLSearchParams(query as Record<string, string>).toString();
  const identity = expected === undefined ? undefined : await oidc.identify(given, expected);
  const outcome =
    identity === undefined ? 'sign_in_failed' : await signInByProvider(context.services, identity, context);
  // A person in a browser sees this response, so it is a page and not problem details.
  const to =
    outcome === 'signed_in' ? (expected?.returnTo ?? '/console') : `/console/sign-in?error=${outcome}`;
  return { status: 303 as const, headers: { Location: to } };
}
