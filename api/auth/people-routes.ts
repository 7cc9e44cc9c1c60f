/** People of a tenant: made, changed and disabled by its admins; the first by the platform, as is one for a tenant that has locked itself out. */
import { z } from 'zod';
import { endConsoleSessions } from '../../db/tenants/console-sessions';
import type { TenantWork } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import {
  changePerson,
  countPeople,
  createPerson,
  findPerson,
  findPersonByAddress,
  listPeople,
  lockPerson,
  type Person,
  type PersonChange,
} from '../../db/tenants/people';
import { endPersonTokens } from '../../db/tenants/person-tokens';
import type { PersonTokenKind } from '../../db/tables/tenants';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { makePersonLink } from './person-tokens';
import { type Route, tenantRoute, tenantRouteForPlatform } from '../routing/define-route';
import { idParam, lineOfText } from '../routing/common-schemas';
import { etagOf, requireVersion } from '../routing/etag';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { person, personRole, personWithLink, toWireLink, toWirePerson } from './person-schema';

const PEOPLE_MAX = 1_000;

const settings = {
  name: lineOfText(200).meta({ example: 'Ana Silva' }),
  email: z.email().max(254).meta({
    description: 'What the person signs in with. Names one person of the whole installation.',
    example: 'ana@example.org',
  }),
};
const personParams = z.strictObject({ person_id: idParam('psn', 'person_not_found') });
const ETAG = { ETag: 'The version; send it as If-Match to change this.' };
const TAG = 'People';

export function peopleRoutes({ config }: Pick<ApiDependencies, 'config'>): readonly Route[] {
  const invite = async (work: TenantWork, found: Person, kind: PersonTokenKind, createdBy: string) => ({
    ...toWirePerson(found),
    // Read when the route is called: the API description is made without settings.
    invitation: toWireLink(
      await makePersonLink(work, { personId: found.personId, kind, createdBy, publicUrl: config.publicUrl }),
    ),
  });

  return [
    tenantRouteForPlatform({
      method: 'post',
      path: '/v1/tenants/{tenant_id}/first-admin',
      operationId: 'createFirstAdmin',
      tag: TAG,
      summary: 'Create the first admin of a tenant',
      description:
        'Answers a one-time link by which the person chooses a password. For somebody whom the tenant has already: makes them an admin who is not disabled, and gives a new link; that is how a tenant gets in again that has locked itself out.',
      params: z.strictObject({ tenant_id: idParam('ten', 'tenant_not_found') }),
      tenantOf: ({ params }) => params.tenant_id,
      body: z.strictObject(settings),
      answers: { 201: { description: 'The admin, with the link.', schema: personWithLink, headers: ETAG } },
      problems: ['email_taken', 'too_many_people'],
      action: 'person.made_first_admin',
      isAnswerSecret: true,
      async run(work, { body }, { caller }) {
        const known = await findPersonByAddress(work, body);
        const admin =
          known === undefined
            ? await create(work, { ...body, role: 'admin' })
            : await change(work, known, { role: 'admin', isDisabled: false });
        return {
          status: 201,
          body: await invite(work, admin, 'first_admin', caller.actor),
          headers: etagOf(admin),
          audit: {
            target: toTypeId('psn', admin.personId),
            detail: { name: admin.name, was_known: known !== undefined },
          },
        };
      },
    }),

    tenantRoute({
      method: 'get',
      path: '/v1/people',
      operationId: 'listPeople',
      tag: TAG,
      summary: 'List the people of the tenant',
      query: z.strictObject(listParams),
      answers: {
        200: {
          description: 'People in the order they were made, whoever is disabled included.',
          schema: listOf(person),
        },
      },
      problems: ['invalid_cursor'],
      async run(work, { query }) {
        const scope = ['people', work.tenantId];
        const { limit, after } = readPage(query, scope, uuidPosition);
        const rows = await listPeople(work, { limit: limit + 1, after });
        return { status: 200, body: toPage(rows, limit, scope, ({ personId }) => personId, toWirePerson) };
      },
    }),

    tenantRoute({
      method: 'post',
      path: '/v1/people',
      operationId: 'createPerson',
      tag: TAG,
      summary: 'Add a person',
      description: 'Answers a one-time link by which the person chooses a password; hand it on yourself.',
      body: z.strictObject({ ...settings, role: personRole }),
      answers: {
        201: { description: 'The new person, with the link.', schema: personWithLink, headers: ETAG },
      },
      problems: ['email_taken', 'too_many_people'],
      action: 'person.created',
      isAnswerSecret: true,
      async run(work, { body }, { caller }) {
        const created = await create(work, body);
        return {
          status: 201,
          body: await invite(work, created, 'invitation', caller.actor),
          headers: etagOf(created),
          audit: {
            target: toTypeId('psn', created.personId),
            detail: { name: created.name, role: created.role },
          },
        };
      },
    }),

    tenantRoute({
      method: 'get',
      path: '/v1/people/{person_id}',
      operationId: 'showPerson',
      tag: TAG,
      summary: 'Show a person',
      params: personParams,
      answers: { 200: { description: 'The person.', schema: person, headers: ETAG } },
      problems: ['person_not_found'],
      async run(work, { params }) {
        const found = await findPerson(work, { personId: params.person_id });
        if (found === undefined) throw new HttpError('person_not_found');
        return { status: 200, body: toWirePerson(found), headers: etagOf(found) };
      },
    }),

    tenantRoute({
      method: 'patch',
      path: '/v1/people/{person_id}',
      operationId: 'changePerson',
      tag: TAG,
      summary: 'Change a person',
      description:
        'Takes effect with the next request of the person, in the console too. The last admin of a tenant stays one.',
      params: personParams,
      body: z.strictObject({
        name: settings.name.optional(),
        email: settings.email.optional(),
        role: personRole.optional(),
        is_disabled: z
          .boolean()
          .optional()
          .meta({ description: 'false lets the person sign in again with the password they had.' }),
      }),
      needsIfMatch: true,
      answers: { 200: { description: 'The person as they are now.', schema: person, headers: ETAG } },
      problems: ['person_not_found', 'email_taken', 'last_admin'],
      action: 'person.changed',
      async run(work, { params, body, ifMatch }) {
        const before = requireVersion(
          await lockPerson(work, { personId: params.person_id }),
          ifMatch,
          'person_not_found',
        );
        const after = await change(work, before, {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.email === undefined ? {} : { email: body.email }),
          ...(body.role === undefined ? {} : { role: body.role }),
          ...(body.is_disabled === undefined ? {} : { isDisabled: body.is_disabled }),
        });
        return {
          status: 200,
          body: toWirePerson(after),
          headers: etagOf(after),
          audit: {
            target: toTypeId('psn', after.personId),
            detail: { from: roleAndState(before), to: roleAndState(after), changed: Object.keys(body) },
          },
        };
      },
    }),

    tenantRoute({
      method: 'delete',
      path: '/v1/people/{person_id}',
      operationId: 'disablePerson',
      tag: TAG,
      summary: 'Disable a person',
      description:
        'Ends their sessions and links at once. What they did keeps their name, so nobody is erased; disabling again changes nothing. The last admin of a tenant cannot be disabled.',
      params: personParams,
      answers: { 200: { description: 'The person as they are now.', schema: person, headers: ETAG } },
      problems: ['person_not_found', 'last_admin'],
      action: 'person.disabled',
      async run(work, { params }) {
        const before = await lockPerson(work, { personId: params.person_id });
        if (before === undefined) throw new HttpError('person_not_found');
        const after = before.disabledAt === null ? await change(work, before, { isDisabled: true }) : before;
        return {
          status: 200,
          body: toWirePerson(after),
          headers: etagOf(after),
          audit: { target: toTypeId('psn', after.personId), detail: { name: after.name } },
        };
      },
    }),

    tenantRoute({
      method: 'post',
      path: '/v1/people/{person_id}/invitation',
      operationId: 'invitePerson',
      tag: TAG,
      summary: 'Give a person a new one-time link',
      description:
        'To choose a password: the first, or another one for who has forgotten it. Earlier links are no longer good; the old password is until then.',
      params: personParams,
      answers: { 201: { description: 'The person, with the link.', schema: personWithLink, headers: ETAG } },
      problems: ['person_not_found', 'person_disabled'],
      action: 'person.invited',
      isAnswerSecret: true,
      async run(work, { params }, { caller }) {
        const found = await lockPerson(work, { personId: params.person_id });
        if (found === undefined) throw new HttpError('person_not_found');
        if (found.disabledAt !== null) throw new HttpError('person_disabled');
        const kind = found.hasPassword ? 'password_reset' : 'invitation';
        return {
          status: 201,
          body: await invite(work, found, kind, caller.actor),
          headers: etagOf(found),
          audit: { target: toTypeId('psn', found.personId), detail: { name: found.name, kind } },
        };
      },
    }),
  ];
}

async function create(
  work: TenantWork,
  wanted: { name: string; email: string; role: Person['role'] },
): Promise<Person> {
  if ((await countPeople(work)).people >= PEOPLE_MAX) throw new HttpError('too_many_people');
  const created = await createPerson(work, { ...wanted, personId: newUuid() });
  if (created === undefined) throw emailTaken();
  return created;
}

/** Throws `last_admin` and `email_taken`. Who is disabled is out at once. */
async function change(work: TenantWork, before: Person, wanted: PersonChange): Promise<Person> {
  const isAdmin = before.role === 'admin' && before.disabledAt === null;
  const staysAdmin = (wanted.role ?? 'admin') === 'admin' && wanted.isDisabled !== true;
  if (isAdmin && !staysAdmin && (await countPeople(work)).admins <= 1) throw new HttpError('last_admin');
  const after = await changePerson(work, { personId: before.personId, change: wanted });
  if (after === 'email_taken') throw emailTaken();
  if (after.disabledAt !== null) {
    await endConsoleSessions(work, before);
    await endPersonTokens(work, before);
  }
  return after;
}

function emailTaken(): HttpError {
  return new HttpError('email_taken', {
    errors: [{ pointer: '/email', code: 'taken', message: 'Somebody has this address already.' }],
  });
}

const roleAndState = ({ role, disabledAt }: Person) => ({ role, is_disabled: disabledAt !== null });
