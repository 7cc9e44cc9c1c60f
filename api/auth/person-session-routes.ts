/** The console sessions of a person and the linked identities, for the admins of the tenant. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import {
  endConsoleSessions,
  listConsoleSessions,
  SESSIONS_LISTED_MAX,
} from '../../db/tenants/console-sessions';
import { findPerson, lockPerson } from '../../db/tenants/people';
import { releaseIdentities } from '../../db/tenants/person-identities';
import { HttpError } from '../http/http-error';
import { idParam } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { ETAG, etagOf } from '../routing/etag';
import { SESSION_ENDS_AFTER_MS } from './session-store';
import { consoleSession, person, toWirePerson, toWireSession } from './person-schema';

const personId = idParam('psn', 'person_not_found');
const sessionId = idParam('ses', 'session_not_found');
export const listedSessions = {
  description: `Open sessions, newest first: the last ${SESSIONS_LISTED_MAX}.`,
  schema: z.object({ data: z.array(consoleSession) }),
};

export const personSessionRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/people/{person_id}/sessions',
    operationId: 'listPersonSessions',
    tag: 'People',
    summary: 'List the console sessions of a person',
    params: z.strictObject({ person_id: personId }),
    responses: { 200: listedSessions },
    problems: ['person_not_found'],
    async run(work, { params }, { caller }) {
      await requirePerson(work, params.person_id);
      const currentId = caller.kind === 'tenant' ? caller.publicId : '';
      return { status: 200, body: { data: await toWireSessions(work, params.person_id, currentId) } };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path: '/v1/people/{person_id}/sessions/{session_id}',
    operationId: 'endPersonSession',
    tag: 'People',
    summary: 'End a session of a person',
    description: 'Takes effect with the next request in that session.',
    params: z.strictObject({ person_id: personId, session_id: sessionId }),
    responses: { 204: { description: 'The session has ended.', schema: null } },
    problems: ['person_not_found', 'session_not_found'],
    action: 'session.ended',
    async run(work, { params }) {
      await requirePerson(work, params.person_id);
      return endSession(work, { personId: params.person_id, sessionId: params.session_id });
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path: '/v1/people/{person_id}/identities',
    operationId: 'releaseIdentities',
    tag: 'People',
    summary: "Release a person's identities at identity providers",
    description:
      'The next sign-in at the provider with the verified address of the person links a new identity. Open ' +
      'sessions continue. Without a linked identity nothing changes.',
    params: z.strictObject({ person_id: personId }),
    responses: { 200: { description: 'The person.', schema: person, headers: ETAG } },
    problems: ['person_not_found'],
    action: 'person.identities_released',
    run: release,
  }),
];

async function release(work: TenantWork, { params }: { params: { person_id: string } }) {
  const key = { personId: params.person_id };
  const before = await lockPerson(work, key);
  if (before === undefined) throw new HttpError('person_not_found');
  await releaseIdentities(work, key);
  const identities = before.identities.map(({ issuer, subject }) => ({ issuer, subject }));
  return {
    status: 200 as const,
    body: toWirePerson({ ...before, identities: [] }),
    headers: etagOf(before),
    audit: { target: toTypeId('psn', key.personId), detail: { name: before.name, identities } },
  };
}

/** `currentId`: the id of the session that makes the request, as the API writes it. */
export async function toWireSessions(
  work: TenantWork,
  ownerId: string,
  currentId: string,
): Promise<z.output<typeof consoleSession>[]> {
  const signedInAfter = new Date(work.now.getTime() - SESSION_ENDS_AFTER_MS);
  return (await listConsoleSessions(work, { personId: ownerId, signedInAfter })).map((session) =>
    toWireSession(session, currentId),
  );
}

export async function endSession(work: TenantWork, session: { personId: string; sessionId: string }) {
  const ended = await endConsoleSessions(work, { personId: session.personId, only: session.sessionId });
  if (ended === 0) throw new HttpError('session_not_found');
  return {
    status: 204 as const,
    audit: {
      target: toTypeId('ses', session.sessionId),
      detail: { person: toTypeId('psn', session.personId) },
    },
  };
}

async function requirePerson(work: TenantWork, id: string): Promise<void> {
  if ((await findPerson(work, { personId: id })) === undefined) throw new HttpError('person_not_found');
}
