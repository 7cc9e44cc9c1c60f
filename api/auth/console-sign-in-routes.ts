/** The way into the console and out of it. */
import { z } from 'zod';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { endConsoleSessions } from '../../db/tenants/console-sessions';
import { toTypeId } from '../../db/sql/ids';
import { findPerson, setPassword } from '../../db/tenants/people';
import { findPersonToken, usePersonToken } from '../../db/tenants/person-tokens';
import type { Caller } from '../routing/context';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { createOidc, type Oidc } from './oidc';
import { chosenPassword, hashPassword, presentedPassword } from './passwords';
import { hashOfToken } from './person-tokens';
import { consoleRoute, type Route } from '../routing/define-route';
import { behind } from '../routing/route-handler';
import { clearAccountFailures, signInByPassword, signInByVerifiedEmail } from './sign-in';
import { signedIn } from './me-routes';

const TAG = 'Console';
const WITH_COOKIE = { 'Set-Cookie': 'The session. Scripts cannot read it.' };
const LOCATION = { Location: 'Where the browser goes next.' };

const email = z.string().max(254).meta({ example: 'ana@example.org' });
/** A page of the console's own and nothing else: what follows `//` or `/\` would be another site. */
const returnTo = z
  .string()
  .max(500)
  .regex(/^\/console(\/(?!\/)[\w\-./~%]*)?(\?[\w\-./~%&=+:]*)?$/, 'must be a path of the console')
  .refine((path) => !path.includes('//'), 'must be a path of the console');

export function consoleSignInRoutes(
  dependencies: Pick<ApiDependencies, 'database' | 'log' | 'config'>,
): readonly Route[] {
  const { database } = dependencies;
  let made: { oidc: Oidc | null } | undefined;
  // Made when it is called for: the API description is made without settings.
  const provider = (): Oidc | null =>
    (made ??= { oidc: createOidc(dependencies.config.oidc, dependencies.config) }).oidc;
  const requireProvider = (): Oidc => {
    const oidc = provider();
    if (oidc === null) throw new HttpError('oidc_not_configured');
    return oidc;
  };

  return [
    consoleRoute({
      method: 'get',
      path: '/console/v1/sign-in',
      operationId: 'showSignIn',
      tag: TAG,
      summary: 'How one can sign in',
      answers: {
        200: {
          description: 'By e-mail address and password always.',
          schema: z
            .object({
              oidc: z
                .boolean()
                .meta({ description: 'Also through the provider behind GET /console/v1/oidc.' }),
            })
            .meta({ id: 'WaysToSignIn' }),
        },
      },
      run: async () => ({ status: 200, body: { oidc: provider() !== null } }),
    }),

    consoleRoute({
      method: 'post',
      path: '/console/v1/sign-in',
      operationId: 'signIn',
      tag: TAG,
      summary: 'Sign in',
      description: [
        'Whoever is refused gets the same answer, whether the address, the password or the account is the reason.',
        '',
        'Each integration that pulls is read for what was modified, as by POST /v1/sign-ins; nobody waits for it.',
      ].join('\n'),
      body: z.strictObject({ email, password: presentedPassword }),
      answers: { 204: { description: 'Signed in.', schema: null, headers: WITH_COOKIE } },
      problems: ['sign_in_failed', 'too_many_sign_ins'],
      action: 'sign_in.succeeded',
      async run({ body }, context) {
        await signInByPassword(dependencies, body, context);
        return { status: 204 };
      },
    }),

    consoleRoute({
      method: 'post',
      path: '/console/v1/sign-out',
      operationId: 'signOut',
      tag: TAG,
      summary: 'Sign out',
      answers: { 204: { description: 'The session has ended.', schema: null } },
      action: 'signed_out',
      async run(_input, { caller, session, ip, requestId }) {
        const { tenantId, personId, actor } = signedIn(caller);
        await session.end();
        const [target, detail] = [toTypeId('psn', personId), behind(caller as Caller)];
        await database.withTenant(tenantId, (work) =>
          appendAuditEntry(work, { actor, action: 'signed_out', target, detail, ip, requestId }),
        );
        return { status: 204 };
      },
    }),

    consoleRoute({
      method: 'post',
      path: '/console/v1/passwords',
      operationId: 'choosePassword',
      tag: TAG,
      summary: 'Choose a password by a one-time link',
      description: 'Ends all sessions of the person; sign in with the new password then.',
      body: z.strictObject({ token: z.string().min(1).max(200), password: chosenPassword }),
      answers: {
        200: {
          description: 'It is set, and the link is spent.',
          schema: z
            .object({ email: z.string().meta({ description: 'What to sign in with.' }) })
            .meta({ id: 'ChosenPassword' }),
        },
      },
      problems: ['token_spent'],
      action: 'password.set',
      async run({ body }, { ip, requestId }) {
        const token = await database.withPlatform((work) =>
          findPersonToken(work, { tokenHash: hashOfToken(body.token) }),
        );
        if (token === undefined) throw new HttpError('token_spent');
        const { tenantId, personId, personTokenId } = token;
        const passwordHash = await hashPassword(body.password);
        const chosen = await database.withTenant(tenantId, async (work) => {
          const person = await findPerson(work, { personId });
          if (person === undefined || !(await usePersonToken(work, { personTokenId })))
            throw new HttpError('token_spent');
          await setPassword(work, { personId, passwordHash });
          const sessions = await endConsoleSessions(work, { personId });
          const target = toTypeId('psn', personId);
          const detail = { by: 'link', sessions_ended: sessions, person: target };
          await appendAuditEntry(work, {
            actor: `person:${person.name}`,
            action: 'password.set',
            target,
            detail,
            ip,
            requestId,
          });
          return person;
        });
        await clearAccountFailures({ database }, chosen);
        return { status: 200, body: { email: chosen.email } };
      },
    }),

    consoleRoute({
      method: 'get',
      path: '/console/v1/oidc',
      operationId: 'signInElsewhere',
      tag: TAG,
      summary: 'Sign in through the configured provider',
      description: 'For a browser to be sent to.',
      query: z.strictObject({
        return_to: returnTo
          .optional()
          .meta({ description: 'The page of the console to come back to.', example: '/console/overviews' }),
      }),
      answers: { 303: { description: 'On to the provider.', schema: null, headers: LOCATION } },
      problems: ['oidc_not_configured', 'identity_provider_unavailable'],
      async run({ query }, { session }) {
        const { url, ...expected } = await requireProvider().begin();
        await session.rememberElsewhere({ ...expected, returnTo: query.return_to ?? '/console' });
        return { status: 303, headers: { Location: url } };
      },
    }),

    consoleRoute({
      method: 'get',
      path: '/console/v1/oidc/callback',
      operationId: 'signInFromElsewhere',
      tag: TAG,
      summary: 'Come back from the provider',
      description:
        'Signs in the person whose address the provider has verified; nobody is created by it. Where that fails, the page to sign in says so.',
      query: z.looseObject({ code: z.string().optional(), state: z.string().optional() }),
      answers: {
        303: { description: 'On to the console.', schema: null, headers: { ...LOCATION, ...WITH_COOKIE } },
      },
      problems: ['oidc_not_configured', 'identity_provider_unavailable'],
      async run({ query }, context) {
        const oidc = requireProvider();
        const expected = await context.session.takeElsewhere();
        const given = new URLSearchParams(query as Record<string, string>).toString();
        const verified = expected === undefined ? undefined : await oidc.verifiedEmail(given, expected);
        try {
          if (expected === undefined || verified === undefined) throw new HttpError('sign_in_failed');
          await signInByVerifiedEmail(dependencies, { email: verified }, context);
          return { status: 303, headers: { Location: expected.returnTo } };
        } catch (error) {
          // A person looks at it, not a program.
          if (error instanceof HttpError && error.code === 'sign_in_failed')
            return { status: 303, headers: { Location: '/console/sign-in?error=sign_in_failed' } };
          throw error;
        }
      },
    }),
  ];
}
