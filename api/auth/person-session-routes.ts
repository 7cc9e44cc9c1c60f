/** Where a person is signed in to the console, for the admins of the tenant. */
import { z } from 'zod';
import { endConsoleSessions, listConsoleSessions } from '../../db/tenants/console-sessions';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { findPerson } from '../../db/tenants/people';
import { SESSION_ENDS_AFTER_MS } from './console-sessions';
import { HttpError } from '../http/http-error';
import { type Route, tenantRoute } from '../routing/define-route';
import { idParam } from '../routing/common-schemas';
import { consoleSession, toWireSession } from './person-schema';

const personId = idParam('psn', 'person_not_found');
const sessionId = idParam('ses', 'session_not_found');
export const sessionList = z.object({ data: z.array(consoleSession) });

export const personSessionRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: '/v1/people/{person_id}/sessions',
    operationId: 'listPersonSessions',
    tag: 'People',
    summary: 'List where a person is signed in to the console',
    params: z.strictObject({ person_id: personId }),
    answers: { 200: { description: 'Open sessions, the newest first.', schema: sessionList } },
    problems: ['person_not_found'],
    async run(work, { params }, { caller }) {
      await requirePerson(work, params.person_id);
      return {
        status: 200,
        body: {
          data: await showSessions(work, params.person_id, caller.kind === 'tenant' ? caller.publicId : ''),
        },
      };
    },
  }),

  tenantRoute({
    method: 'delete',
    path: '/v1/people/{person_id}/sessions/{session_id}',
    operationId: 'endPersonSession',
    tag: 'People',
    summary: 'End a session of a person',
    description: 'Takes effect with the next request.',
    params: z.strictObject({ person_id: personId, session_id: sessionId }),
    answers: { 204: { description: 'It has ended.', schema: null } },
    problems: ['person_not_found', 'session_not_found'],
    action: 'session.ended',
    async run(work, { params }) {
      await requirePerson(work, params.person_id);
      return endSession(work, { personId: params.person_id, sessionId: params.session_id });
    },
  }),
];

export async function showSessions(
  work: TenantWork,
  of: string,
  current: string,
): Promise<z.output<typeof consoleSession>[]> {
  const signedInAfter = new Date(work.now.getTime() - SESSION_ENDS_AFTER_MS);
  return (await listConsoleSessions(work, { personId: of, signedInAfter })).map((session) =>
    toWireSession(session, current),
  );
}

export async function endSession(
  work: TenantWork,
  { personId: of, sessionId: only }: { personId: string; sessionId: string },
) {
  if ((await endConsoleSessions(work, { personId: of, only })) === 0)
    throw new HttpError('session_not_found');
  return {
    status: 204 as const,
    audit: { target: toTypeId('ses', only), detail: { person: toTypeId('psn', of) } },
  };
}

async function requirePerson(work: TenantWork, of: string): Promise<void> {
  if ((await findPerson(work, { personId: of })) === undefined) throw new HttpError('person_not_found');
}
