/** Tenants, for the platform key; and the own tenant, for everybody in it. */
import { z } from 'zod';
import { newUuid, toWireId } from '../../db/ids';
import { changeTenant, createTenant, findTenant, listTenants, lockTenant, type Tenant } from '../../db/tenants';
import { HttpError } from '../http-error';
import { newTenantRoute, platformRoute, type Route, TenantIdTaken, tenantRoute, tenantRouteForPlatform } from '../route';
import { isTimeZone } from '../time-zones';
import { idParam, instant, isStorableInstant, lineOfText, toInstant, wireId } from '../wire/common';
import { etagOf, requireVersion } from '../wire/etag';
import { listOf, listParams, readPage, toPage } from '../wire/lists';

const tenant = z
  .object({
    id: wireId('ten'),
    name: z.string(),
    time_zone: z.string().meta({ example: 'Europe/Berlin' }),
    contact_email: z.string().nullable().meta({ description: 'Where mail goes about what needs a person.' }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Tenant' });

const settings = {
  name: lineOfText(200),
  time_zone: z.string().max(100).meta({ example: 'Europe/Berlin' }),
  contact_email: z.email().max(254).nullable(),
};
const tenantParams = z.strictObject({ tenant_id: idParam('ten', 'tenant_not_found') });
const position = z.object({ createdAt: z.iso.datetime().refine(isStorableInstant), tenantId: z.uuid() });
const ETAG = { ETag: 'The version; send it as If-Match to change this.' };

export const tenantRoutes: readonly Route[] = [
  newTenantRoute({
    method: 'post',
    path: '/v1/tenants',
    operationId: 'createTenant',
    tag: 'Tenants',
    summary: 'Create a tenant',
    body: z.strictObject({ name: settings.name, time_zone: settings.time_zone.default('UTC'), contact_email: settings.contact_email.default(null) }),
    answers: { 201: { description: 'The new tenant.', schema: tenant, headers: ETAG } },
    problems: ['unknown_time_zone'],
    action: 'tenant.created',
    async run(work, { body }) {
      checkTimeZone(body.time_zone);
      const created = await createTenant(work, { name: body.name, timeZone: body.time_zone, contactEmail: body.contact_email });
      if (created === undefined) throw new TenantIdTaken(newUuid());
      return {
        status: 201,
        body: toWire(created),
        headers: etagOf(created),
        audit: { target: toWireId('ten', created.tenantId), detail: { name: created.name } },
      };
    },
  }),

  platformRoute({
    method: 'get',
    path: '/v1/tenants',
    operationId: 'listTenants',
    tag: 'Tenants',
    summary: 'List all tenants',
    query: z.strictObject(listParams),
    answers: { 200: { description: 'Tenants in the order they were made.', schema: listOf(tenant) } },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['tenants'];
      const { limit, after } = readPage(query, scope, position);
      const rows = await listTenants(work, { limit: limit + 1, after });
      return { status: 200, body: toPage(rows, limit, scope, ({ createdAt, tenantId }) => ({ createdAt: toInstant(createdAt), tenantId }), toWire) };
    },
  }),

  tenantRouteForPlatform({
    method: 'get',
    path: '/v1/tenants/{tenant_id}',
    operationId: 'showTenant',
    tag: 'Tenants',
    summary: 'Show a tenant',
    params: tenantParams,
    tenantOf: ({ params }) => params.tenant_id,
    answers: { 200: { description: 'The tenant.', schema: tenant, headers: ETAG } },
    async run(work) {
      return showTenant(await findTenant(work));
    },
  }),

  tenantRouteForPlatform({
    method: 'patch',
    path: '/v1/tenants/{tenant_id}',
    operationId: 'changeTenant',
    tag: 'Tenants',
    summary: 'Change a tenant',
    params: tenantParams,
    body: z.strictObject({ name: settings.name.optional(), time_zone: settings.time_zone.optional(), contact_email: settings.contact_email.optional() }),
    needsIfMatch: true,
    tenantOf: ({ params }) => params.tenant_id,
    answers: { 200: { description: 'The tenant as it is now.', schema: tenant, headers: ETAG } },
    problems: ['unknown_time_zone'],
    action: 'tenant.changed',
    async run(work, { body, ifMatch }) {
      if (body.time_zone !== undefined) checkTimeZone(body.time_zone);
      const before = requireVersion(await lockTenant(work), ifMatch, 'tenant_not_found');
      const change = {
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(body.time_zone === undefined ? {} : { timeZone: body.time_zone }),
        ...(body.contact_email === undefined ? {} : { contactEmail: body.contact_email }),
      };
      const after = await changeTenant(work, change);
      const detail = {
        from: { name: before.name, time_zone: before.timeZone },
        to: { name: after.name, time_zone: after.timeZone },
        changed: Object.keys(body),
      };
      return { status: 200, body: toWire(after), headers: etagOf(after), audit: { target: toWireId('ten', after.tenantId), detail } };
    },
  }),

  tenantRoute({
    method: 'get',
    path: '/v1/tenant',
    operationId: 'showOwnTenant',
    tag: 'Tenants',
    summary: 'Show the tenant that the key belongs to',
    answers: { 200: { description: 'The tenant.', schema: tenant, headers: ETAG } },
    async run(work) {
      return showTenant(await findTenant(work));
    },
  }),
];

function showTenant(found: Tenant | undefined) {
  if (found === undefined) throw new HttpError('tenant_not_found');
  return { status: 200 as const, body: toWire(found), headers: etagOf(found) };
}

function checkTimeZone(timeZone: string): void {
  if (isTimeZone(timeZone)) return;
  throw new HttpError('unknown_time_zone', {
    errors: [{ pointer: '/time_zone', code: 'unknown', message: 'This is not a name of the IANA time zone database.' }],
  });
}

function toWire({ tenantId, name, timeZone, contactEmail, createdAt, updatedAt }: Tenant): z.output<typeof tenant> {
  return {
    id: toWireId('ten', tenantId),
    name,
    time_zone: timeZone,
    contact_email: contactEmail,
    created_at: toInstant(createdAt),
    updated_at: toInstant(updatedAt),
  };
}
