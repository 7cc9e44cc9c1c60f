/** Tenants, for the platform key; and the own tenant, for everybody in it. */
import { z } from 'zod';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { effectivePolicy } from '../../db/sync-runs/company-sync';
import type { TenantWork, Work } from '../../db/database';
import { createTenant, findTenant, listTenants, lockTenant, type Tenant } from '../../db/tenants/tenants';
import { changeTenant } from '../../db/sync-runs/time-zone-change';
import type { CompanySynchronizedPolicy } from '../../db/tables/tenants';
import type { ApiDependencies, ApiSettings } from '../dependencies';
import { DEPRECATION_HEADERS, deprecationOf, requirePolicyThere } from '../routing/deprecation';
import { HttpError } from '../http/http-error';
import {
  newTenantRoute,
  platformRoute,
  type Route,
  TenantIdTaken,
  tenantRoute,
  tenantRouteForPlatform,
} from '../routing/define-route';
import { isTimeZone } from './time-zones';
import { companySynchronizedPolicy } from './company-synchronized-policy-schema';
import {
  idParam,
  instant,
  isStorableInstant,
  lineOfText,
  toInstant,
  typeId,
} from '../routing/common-schemas';
import { etagOf, requireVersion } from '../routing/etag';
import { listOf, listParams, readPage, toPage } from '../routing/pagination';

const tenant = z
  .object({
    id: typeId('ten'),
    name: z.string(),
    time_zone: z.string().meta({ example: 'Europe/Berlin' }),
    contact_email: z.string().nullable().meta({ description: 'Where mail goes about what needs a person.' }),
    company_synchronized_policy: companySynchronizedPolicy,
    company_synchronized_switch_at: instant.meta({ description: 'From then on `first_dataset` is gone.' }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Tenant' });

const settings = {
  name: lineOfText(200),
  time_zone: z.string().max(100).meta({ example: 'Europe/Berlin' }),
  contact_email: z.email().max(254).nullable(),
};
/** What a tenant's admins may change themselves. */
const ownChange = z.strictObject({
  time_zone: settings.time_zone.optional(),
  contact_email: settings.contact_email.optional(),
  company_synchronized_policy: companySynchronizedPolicy.optional(),
});
type Change = z.output<typeof ownChange> & { name?: string | undefined };
const tenantParams = z.strictObject({ tenant_id: idParam('ten', 'tenant_not_found') });
const position = z.object({ createdAt: z.iso.datetime().refine(isStorableInstant), tenantId: z.uuid() });
const ETAG = { ETag: 'The version; send it as If-Match to change this.' };

export function tenantRoutes({ config: switches }: Pick<ApiDependencies, 'config'>): readonly Route[] {
  /** The one that counts now, whatever was chosen before the switch. */
  const policyOf = ({ now }: Pick<Work, 'now'>, { companySynchronizedPolicy: chosen }: Tenant) =>
    effectivePolicy(chosen, { now, switchAt: switches.companySynchronizedSwitchAt });
  const shown = (work: Work, found: Tenant) => {
    const policyShown = policyOf(work, found);
    return {
      body: toWire(found, policyShown, switches),
      headers: { ...etagOf(found), ...deprecationOf([policyShown], switches) },
    };
  };
  const change = async (
    work: TenantWork,
    { body, ifMatch }: { body: Change; ifMatch: number | undefined },
  ) => {
    if (body.time_zone !== undefined) checkTimeZone(body.time_zone);
    const { company_synchronized_policy: wanted } = body;
    if (wanted !== undefined) requirePolicyThere(wanted, work.now, switches);
    const before = requireVersion(await lockTenant(work), ifMatch, 'tenant_not_found');
    const after = await changeTenant(work, {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.time_zone === undefined ? {} : { timeZone: body.time_zone }),
      ...(body.contact_email === undefined ? {} : { contactEmail: body.contact_email }),
      ...(wanted === undefined ? {} : { companySynchronizedPolicy: wanted }),
    });
    const detail = {
      from: {
        name: before.name,
        time_zone: before.timeZone,
        company_synchronized_policy: before.companySynchronizedPolicy,
      },
      to: {
        name: after.name,
        time_zone: after.timeZone,
        company_synchronized_policy: after.companySynchronizedPolicy,
      },
      changed: Object.keys(body),
    };
    return {
      status: 200 as const,
      ...shown(work, after),
      audit: { target: toTypeId('ten', after.tenantId), detail },
    };
  };

  return [
    newTenantRoute({
      method: 'post',
      path: '/v1/tenants',
      operationId: 'createTenant',
      tag: 'Tenants',
      summary: 'Create a tenant',
      body: z.strictObject({
        name: settings.name,
        time_zone: settings.time_zone.default('UTC'),
        contact_email: settings.contact_email.default(null),
      }),
      answers: {
        201: {
          description: 'The new tenant.',
          schema: tenant,
          headers: ETAG,
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      problems: ['unknown_time_zone'],
      action: 'tenant.created',
      async run(work, { body }) {
        checkTimeZone(body.time_zone);
        const created = await createTenant(work, {
          name: body.name,
          timeZone: body.time_zone,
          contactEmail: body.contact_email,
        });
        if (created === undefined) throw new TenantIdTaken(newUuid());
        return {
          status: 201,
          ...shown(work, created),
          audit: { target: toTypeId('ten', created.tenantId), detail: { name: created.name } },
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
      answers: {
        200: {
          description: 'Tenants in the order they were made.',
          schema: listOf(tenant),
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      problems: ['invalid_cursor'],
      async run(work, { query }) {
        const scope = ['tenants'];
        const { limit, after } = readPage(query, scope, position);
        const rows = await listTenants(work, { limit: limit + 1, after });
        const positionOf = ({ createdAt, tenantId }: Tenant) => ({
          createdAt: toInstant(createdAt),
          tenantId,
        });
        const page = toPage(rows, limit, scope, positionOf, (row) =>
          toWire(row, policyOf(work, row), switches),
        );
        const policies = rows.slice(0, limit).map((row) => policyOf(work, row));
        return { status: 200, body: page, headers: deprecationOf(policies, switches) };
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
      answers: {
        200: {
          description: 'The tenant.',
          schema: tenant,
          headers: ETAG,
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      async run(work) {
        return { status: 200, ...shown(work, required(await findTenant(work))) };
      },
    }),

    tenantRouteForPlatform({
      method: 'patch',
      path: '/v1/tenants/{tenant_id}',
      operationId: 'changeTenant',
      tag: 'Tenants',
      summary: 'Change a tenant',
      params: tenantParams,
      body: ownChange.extend({ name: settings.name.optional() }),
      needsIfMatch: true,
      tenantOf: ({ params }) => params.tenant_id,
      answers: {
        200: {
          description: 'The tenant as it is now.',
          schema: tenant,
          headers: ETAG,
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      problems: ['unknown_time_zone', 'policy_gone'],
      action: 'tenant.changed',
      run: change,
    }),

    tenantRoute({
      method: 'get',
      path: '/v1/tenant',
      operationId: 'showOwnTenant',
      tag: 'Tenants',
      summary: 'Show the tenant that the key belongs to',
      answers: {
        200: {
          description: 'The tenant.',
          schema: tenant,
          headers: ETAG,
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      async run(work) {
        return { status: 200, ...shown(work, required(await findTenant(work))) };
      },
    }),

    tenantRoute({
      method: 'patch',
      path: '/v1/tenant',
      operationId: 'changeOwnTenant',
      tag: 'Tenants',
      summary: 'Change what the tenant decides itself',
      description:
        'Its time zone, its contact, and when COMPANY_SYNCHRONIZED is told. The team that runs Syncline changes the rest.',
      body: ownChange,
      needsIfMatch: true,
      answers: {
        200: {
          description: 'The tenant as it is now.',
          schema: tenant,
          headers: ETAG,
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      problems: ['unknown_time_zone', 'policy_gone'],
      action: 'tenant.changed',
      run: change,
    }),
  ];
}

function required(found: Tenant | undefined): Tenant {
  if (found === undefined) throw new HttpError('tenant_not_found');
  return found;
}

function checkTimeZone(timeZone: string): void {
  if (isTimeZone(timeZone)) return;
  throw new HttpError('unknown_time_zone', {
    errors: [
      {
        pointer: '/time_zone',
        code: 'unknown',
        message: 'This is not a name of the IANA time zone database.',
      },
    ],
  });
}

function toWire(
  { tenantId, name, timeZone, contactEmail, createdAt, updatedAt }: Tenant,
  company_synchronized_policy: CompanySynchronizedPolicy,
  { companySynchronizedSwitchAt }: Pick<ApiSettings, 'companySynchronizedSwitchAt'>,
): z.output<typeof tenant> {
  return {
    id: toTypeId('ten', tenantId),
    name,
    time_zone: timeZone,
    contact_email: contactEmail,
    company_synchronized_policy,
    company_synchronized_switch_at: toInstant(companySynchronizedSwitchAt),
    created_at: toInstant(createdAt),
    updated_at: toInstant(updatedAt),
  };
}
