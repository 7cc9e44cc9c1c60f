/** Who is signed in to the console, and what they may change of themselves. */
import { z } from 'zod';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { endConsoleSessions } from '../../db/tenants/console-sessions';
import { toTypeId } from '../../db/sql/ids';
import { findPasswordHash, findPerson, setPassword } from '../../db/tenants/people';
import { endPersonTokens } from '../../db/tenants/person-tokens';
import { findTenant } from '../../db/tenants/tenants';
import type { Caller, TenantCaller } from '../routing/context';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { chosenPassword, hashPassword, isPassword, presentedPassword } from './passwords';
import { consoleRoute, type Route, tenantRoute } from '../routing/define-route';
import { behind } from '../routing/route-handler';
import { countPasswordTry, clearAccountFailures } from './sign-in';
import { idParam, typeId } from '../routing/common-schemas';
import { person, personRole, toWirePerson } from './person-schema';
import { endSession, sessionList, showSessions } from './person-session-routes';

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
    workflows_url: z.url().nullable().meta({
      description:
        "Temporal's UI shows a workflow below it, by its id; null: not told by the installation, or not to this role.",
    }),
  })
  .meta({ id: 'Me' });
const TAG = 'Console';

export function meRoutes({
  database,
  config,
}: Pick<ApiDependencies, 'database' | 'config'>): readonly Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/console/v1/me',
      operationId: 'showMe',
      tag: TAG,
      summary: 'Who is signed in, and where',
      answers: { 200: { description: 'The person, the tenant and the role.', schema: me } },
      async run(work, _input, { caller }) {
        const { personId, publicId } = signedIn(caller);
        const [found, tenant] = [await findPerson(work, { personId }), await findTenant(work)];
        if (found === undefined || tenant === undefined) throw new HttpError('not_signed_in');
        return {
          status: 200,
          body: {
            person: toWirePerson(found),
            role: found.role,
            tenant: { id: toTypeId('ten', tenant.tenantId), name: tenant.name, time_zone: tenant.timeZone },
            session_id: publicId,
            workflows_url: found.role === 'viewer' ? null : config.workflowsUrl,
          },
        };
      },
    }),

    consoleRoute({
      method: 'post',
      path: '/console/v1/me/password',
      operationId: 'changeOwnPassword',
      tag: TAG,
      summary: 'Choose another password',
      description: 'Ends all other sessions of the person, and gives this one a new cookie.',
      body: z.strictObject({ current_password: presentedPassword, password: chosenPassword }),
      answers: { 204: { description: 'It is changed.', schema: null } },
      problems: ['wrong_password', 'too_many_sign_ins'],
      action: 'password.set',
      async run({ body }, { caller, session, ip, requestId }) {
        const { tenantId, personId, actor } = signedIn(caller);
        const { email, passwordHash } = await database.withTenant(tenantId, async (work) => ({
          email: (await findPerson(work, { personId }))?.email ?? '',
          passwordHash: await findPasswordHash(work, { personId }),
        }));
        await countPasswordTry({ database }, { email });
        if (!(await isPassword(body.current_password, passwordHash))) {
          throw new HttpError('wrong_password', {
            errors: [{ pointer: '/current_password', code: 'wrong', message: 'is not the current password' }],
          });
        }
        const chosen = await hashPassword(body.password);
        const now = await database.withTenant(tenantId, async (work) => {
          await setPassword(work, { personId, passwordHash: chosen });
          await endPersonTokens(work, { personId });
          const sessions = await endConsoleSessions(work, { personId });
          const target = toTypeId('psn', personId);
          const detail = { by: 'current_password', sessions_ended: sessions, ...behind(caller as Caller) };
          await appendAuditEntry(work, { actor, action: 'password.set', target, detail, ip, requestId });
          return work.now;
        });
        await clearAccountFailures({ database }, { email });
        await session.begin({ tenantId, personId }, now);
        return { status: 204 };
      },
    }),

    tenantRoute({
      method: 'get',
      path: '/console/v1/me/sessions',
      operationId: 'listOwnSessions',
      tag: TAG,
      summary: 'List where one is signed in',
      answers: { 200: { description: 'Open sessions, the newest first.', schema: sessionList } },
      async run(work, _input, { caller }) {
        const { personId, publicId } = signedIn(caller);
        return { status: 200, body: { data: await showSessions(work, personId, publicId) } };
      },
    }),

    tenantRoute({
      method: 'delete',
      path: '/console/v1/me/sessions/{session_id}',
      operationId: 'endOwnSession',
      tag: TAG,
      summary: 'End a session of one’s own',
      params: z.strictObject({ session_id: idParam('ses', 'session_not_found') }),
      answers: { 204: { description: 'It has ended.', schema: null } },
      problems: ['session_not_found'],
      action: 'session.ended',
      async run(work, { params }, { caller }) {
        return endSession(work, { personId: signedIn(caller).personId, sessionId: params.session_id });
      },
    }),
  ];
}

export function signedIn(caller: Caller | null): TenantCaller & { personId: string } {
  if (caller?.kind !== 'tenant' || caller.personId === null) throw new HttpError('not_signed_in');
  return { ...caller, personId: caller.personId };
}
