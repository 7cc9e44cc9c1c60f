/** The user who is signed in to the console, and what users can change about themselves. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { toTypeId } from '../../db/sql/ids';
import { endConsoleSessions } from '../../db/tenants/console-sessions';
import { findPasswordHash, findPerson, setPassword } from '../../db/tenants/people';
import { endPersonTokens } from '../../db/tenants/person-tokens';
import { findTenant } from '../../db/tenants/tenants';
import { HttpError } from '../http/http-error';
import { callerIds } from '../routing/audit';
import { idParam, typeId } from '../routing/common-schemas';
import type { ConsoleContext, TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { chosenPassword, hashPassword, isPassword, presentedPassword } from './passwords';
import { person, personRole, toWirePerson } from './person-schema';
import { endSession, listedSessions, toWireSessions } from './person-session-routes';
import { clearGuesses, countGuess, currentPasswordOf } from './sign-in';
import { requireSignedIn } from './signed-in';

const me = z
  .object({
    person,
    role: personRole,
    tenant: z.object({
      id: typeId('ten'),
      name: z.string(),
      time_zone: z.string().meta({ example: 'Europe/Berlin' }),
    }),
    session_id: typeId('ses'),
    workflows_url: z
      .url()
      .nullable()
      .meta({
        description:
          "The page of Temporal's UI that lists workflows by id; null if it is not configured or " +
          'the role may not see it.',
      }),
  })
  .meta({ id: 'Me' });
const passwordChange = z.strictObject({ current_password: presentedPassword, password: chosenPassword });
const tag = 'Console';

export const meRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/console/v1/me',
    operationId: 'showMe',
    tag,
    summary: 'Show the signed-in user and their tenant',
    responses: { 200: { description: 'The person, the tenant and the role.', schema: me } },
    run: showMe,
  }),

  defineRoute({
    scope: 'console',
    method: 'post',
    path: '/console/v1/me/password',
    operationId: 'changeOwnPassword',
    tag,
    summary: 'Change your password',
    description: 'Ends all your other sessions and replaces the cookie of this one.',
    body: passwordChange,
    responses: { 204: { description: 'The password is changed.', schema: null } },
    problems: ['wrong_password', 'too_many_sign_ins'],
    action: 'password.set',
    run: changeOwnPassword,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/console/v1/me/sessions',
    operationId: 'listOwnSessions',
    tag,
    summary: 'List your sessions',
    responses: { 200: listedSessions },
    async run(work, _input, { caller }) {
      const { personId, publicId } = requireSignedIn(caller);
      return { status: 200, body: { data: await toWireSessions(work, personId, publicId) } };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path: '/console/v1/me/sessions/{session_id}',
    operationId: 'endOwnSession',
    tag,
    summary: 'End one of your sessions',
    params: z.strictObject({ session_id: idParam('ses', 'session_not_found') }),
    responses: { 204: { description: 'The session has ended.', schema: null } },
    problems: ['session_not_found'],
    action: 'session.ended',
    async run(work, { params }, { caller }) {
      return endSession(work, { personId: requireSignedIn(caller).personId, sessionId: params.session_id });
    },
  }),
];

async function showMe(work: TenantWork, _input: unknown, { caller, services }: TenantContext) {
  const { personId, publicId } = requireSignedIn(caller);
  const [found, tenant] = [await findPerson(work, { personId }), await findTenant(work)];
  if (found === undefined || tenant === undefined) throw new HttpError('not_signed_in');
  return {
    status: 200 as const,
    body: {
      person: toWirePerson(found),
      role: found.role,
      tenant: { id: toTypeId('ten', tenant.tenantId), name: tenant.name, time_zone: tenant.timeZone },
      session_id: publicId,
      workflows_url: found.role === 'viewer' ? null : services.config.workflowsUrl,
    },
  };
}

async function changeOwnPassword(
  { body }: { body: z.output<typeof passwordChange> },
  { caller, session, ip, requestId, services: { database } }: ConsoleContext,
) {
  const user = requireSignedIn(caller);
  const { tenantId, personId, actor } = user;
  const passwordHash = await database.withTenant(tenantId, (work) => findPasswordHash(work, { personId }));
  await countGuess({ database }, currentPasswordOf(user));
  if (!(await isPassword(body.current_password, passwordHash))) {
    throw new HttpError('wrong_password', {
      errors: [{ pointer: '/current_password', code: 'wrong', message: 'is not the current password' }],
    });
  }
  const newHash = await hashPassword(body.password);
  const now = await database.withTenant(tenantId, async (work) => {
    await setPassword(work, { personId, passwordHash: newHash });
    await endPersonTokens(work, { personId });
    const sessions = await endConsoleSessions(work, { personId });
    const target = toTypeId('psn', personId);
    const detail = { by: 'current_password', sessions_ended: sessions, ...callerIds(user) };
    await appendAuditEntry(work, { actor, action: 'password.set', target, detail, ip, requestId });
    return work.now;
  });
  await clearGuesses({ database }, currentPasswordOf(user));
  await session.start({ tenantId, personId }, now);
  return { status: 204 as const };
}
