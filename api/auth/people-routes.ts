/**
 * The people of a tenant. Admins add, change and disable them; the platform adds the first admin, or restores
 * one.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import type { PersonTokenKind } from '../../db/tables/tenants';
import {
  findPerson,
  findPersonByAddress,
  listPeople,
  lockPerson,
  type Person,
} from '../../db/tenants/people';
import { HttpError } from '../http/http-error';
import { emailAddress, idParam, lineOfText } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { ETAG, etagOf, requireVersion } from '../routing/etag';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { insertPerson, updatePerson } from './people-rules';
import { person, personRole, personWithLink, toWireLink, toWirePerson } from './person-schema';
import { makePersonLink } from './person-tokens';

const settings = {
  name: lineOfText(200).meta({ example: 'Ana Silva' }),
  email: emailAddress.meta({
    description:
      'The address to sign in with. It must be unique across all tenants. Internationalized addresses are ' +
      'accepted (RFC 6531); a domain and its Punycode form (`xn--...`) are the same. The mail server needs ' +
      'SMTPUTF8 for letters other than ASCII before the @.',
    example: 'ana@example.org',
  }),
};
const newPerson = z.strictObject({ ...settings, role: personRole });
const personChange = z.strictObject({
  name: settings.name.optional(),
  email: settings.email.optional(),
  role: personRole.optional(),
  is_disabled: z
    .boolean()
    .optional()
    .meta({ description: '`false` enables the person again; their password still works.' }),
});
const params = z.strictObject({ person_id: idParam('psn', 'person_not_found') });
type PersonParams = z.output<typeof params>;
const path = '/v1/people/{person_id}';
const tag = 'People';
const personResponse = { 200: { description: 'The person.', schema: person, headers: ETAG } };
const linkResponse = {
  201: { description: 'The person, with the one-time link.', schema: personWithLink, headers: ETAG },
};

export const peopleRoutes: readonly Route[] = [
  defineRoute({
    scope: 'named_tenant',
    method: 'post',
    path: '/v1/tenants/{tenant_id}/first-admin',
    operationId: 'createFirstAdmin',
    tag,
    summary: 'Create the first admin of a tenant',
    description: [
      'Returns a one-time link with which the person sets a password.',
      'If the tenant already has a person with this address, that person becomes an enabled ' +
        'admin and gets a new link.',
      'This restores access to a tenant that has locked itself out.',
    ].join(' '),
    params: z.strictObject({ tenant_id: idParam('ten', 'tenant_not_found') }),
    tenantOf: (input) => input.params.tenant_id,
    body: z.strictObject(settings),
    responses: linkResponse,
    problems: ['email_taken', 'too_many_people'],
    action: 'person.made_first_admin',
    isResponseSecret: true,
    run: createFirstAdmin,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/people',
    operationId: 'listPeople',
    tag,
    summary: 'List the people of the tenant',
    query: z.strictObject(listParams),
    responses: {
      200: {
        description: 'People in the order in which they were added, including disabled ones.',
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

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/people',
    operationId: 'createPerson',
    tag,
    summary: 'Add a person',
    description:
      'Returns a one-time link with which the person sets a password. No e-mail is sent: pass ' +
      'the link on yourself.',
    body: newPerson,
    responses: linkResponse,
    problems: ['email_taken', 'too_many_people'],
    action: 'person.created',
    isResponseSecret: true,
    run: addPerson,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path,
    operationId: 'showPerson',
    tag,
    summary: 'Show a person',
    params,
    responses: personResponse,
    problems: ['person_not_found'],
    async run(work, input) {
      const found = await findPerson(work, { personId: input.params.person_id });
      if (found === undefined) throw new HttpError('person_not_found');
      return { status: 200, body: toWirePerson(found), headers: etagOf(found) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path,
    operationId: 'changePerson',
    tag,
    summary: 'Change a person',
    description:
      "Takes effect with the person's next request, in the console too. The last admin of a " +
      'tenant cannot lose that role.',
    params,
    body: personChange,
    needsIfMatch: true,
    responses: personResponse,
    problems: ['person_not_found', 'email_taken', 'last_admin'],
    action: 'person.changed',
    run: editPerson,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path,
    operationId: 'disablePerson',
    tag,
    summary: 'Disable a person',
    description: [
      "Ends the person's sessions and one-time links at once. The person is not erased, " +
        'because logs refer to them.',
      'Disabling a disabled person changes nothing. The last admin of a tenant cannot be disabled.',
    ].join(' '),
    params,
    responses: personResponse,
    problems: ['person_not_found', 'last_admin'],
    action: 'person.disabled',
    run: disablePerson,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${path}/invitation`,
    operationId: 'invitePerson',
    tag,
    summary: 'Create a new one-time link for a person',
    description: [
      'With the link the person sets a password: the first one, or a new one if the old one is forgotten.',
      'Earlier links stop working. The old password works until a new one is set.',
    ].join(' '),
    params,
    responses: linkResponse,
    problems: ['person_not_found', 'person_disabled'],
    action: 'person.invited',
    isResponseSecret: true,
    run: invitePerson,
  }),
];

async function createFirstAdmin(
  work: TenantWork,
  { body }: { body: { name: string; email: string } },
  context: TenantContext,
) {
  const known = await findPersonByAddress(work, body);
  const admin =
    known === undefined
      ? await insertPerson(work, { ...body, role: 'admin' })
      : await updatePerson(work, known, { role: 'admin', isDisabled: false });
  const detail = { name: admin.name, was_known: known !== undefined };
  return withLink(work, admin, 'first_admin', detail, context);
}

async function addPerson(
  work: TenantWork,
  { body }: { body: z.output<typeof newPerson> },
  context: TenantContext,
) {
  const created = await insertPerson(work, body);
  return withLink(work, created, 'invitation', { name: created.name, role: created.role }, context);
}

async function editPerson(
  work: TenantWork,
  input: { params: PersonParams; body: z.output<typeof personChange>; ifMatch: number | undefined },
) {
  const { body, ifMatch } = input;
  const locked = await lockPerson(work, { personId: input.params.person_id });
  const before = requireVersion(locked, ifMatch, 'person_not_found');
  const after = await updatePerson(work, before, {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.email === undefined ? {} : { email: body.email }),
    ...(body.role === undefined ? {} : { role: body.role }),
    ...(body.is_disabled === undefined ? {} : { isDisabled: body.is_disabled }),
  });
  return {
    status: 200 as const,
    body: toWirePerson(after),
    headers: etagOf(after),
    audit: {
      target: toTypeId('psn', after.personId),
      detail: { from: roleAndState(before), to: roleAndState(after), changed: Object.keys(body) },
    },
  };
}

async function disablePerson(work: TenantWork, input: { params: PersonParams }) {
  const before = await lockPerson(work, { personId: input.params.person_id });
  if (before === undefined) throw new HttpError('person_not_found');
  const after = before.disabledAt === null ? await updatePerson(work, before, { isDisabled: true }) : before;
  return {
    status: 200 as const,
    body: toWirePerson(after),
    headers: etagOf(after),
    audit: { target: toTypeId('psn', after.personId), detail: { name: after.name } },
  };
}

async function invitePerson(work: TenantWork, input: { params: PersonParams }, context: TenantContext) {
  const found = await lockPerson(work, { personId: input.params.person_id });
  if (found === undefined) throw new HttpError('person_not_found');
  if (found.disabledAt !== null) throw new HttpError('person_disabled');
  const kind = found.hasPassword ? 'password_reset' : 'invitation';
  return withLink(work, found, kind, { name: found.name, kind }, context);
}

async function withLink(
  work: TenantWork,
  found: Person,
  kind: PersonTokenKind,
  detail: Record<string, string | boolean>,
  { caller, services }: TenantContext,
) {
  const { personId } = found;
  const { publicUrl } = services.config;
  const link = await makePersonLink(work, { personId, kind, createdBy: caller.actor, publicUrl });
  return {
    status: 201 as const,
    body: { ...toWirePerson(found), invitation: toWireLink(link) },
    headers: etagOf(found),
    audit: { target: toTypeId('psn', personId), detail },
  };
}

const roleAndState = ({ role, disabledAt }: Person) => ({ role, is_disabled: disabledAt !== null });
