/** Tenants: managed with the platform key; each tenant can also read and change its own settings. */
import { z } from 'zod';
import type { TenantWork, Work } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { effectivePolicy } from '../../db/sync-runs/company-sync';
import { changeTenant } from '../../db/sync-runs/schedules/time-zone-change';
import { createTenant, findTenant, listTenants, lockTenant, type Tenant } from '../../db/tenants/tenants';
import type { ApiSettings } from '../dependencies';
import { HttpError } from '../http/http-error';
import { isStorableInstant, toInstant } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route, TenantIdTaken } from '../routing/define-route';
import { DEPRECATION_HEADERS, deprecationOf, requirePolicyAvailable } from '../routing/deprecation';
import { ETAG, etagOf, requireVersion } from '../routing/etag';
import { listOf, listParams, readPage, toPage } from '../routing/pagination';
import {
  newTenant,
  ownTenantChange,
  tenantChange,
  tenantParams,
  tenantView,
  toWireTenant,
} from './tenant-schema';
import { findTimeZone } from './time-zones';

const position = z.object({ createdAt: z.iso.datetime().refine(isStorableInstant), tenantId: z.uuid() });
const tag = 'Tenants';
const tenantResponse = {
  description: 'The tenant.',
  schema: tenantView,
  headers: ETAG,
  optionalHeaders: DEPRECATION_HEADERS,
};

export const tenantRoutes: readonly Route[] = [
  defineRoute({
    scope: 'new_tenant',
    method: 'post',
    path: '/v1/tenants',
    operationId: 'createTenant',
    tag,
    summary: 'Create a tenant',
    body: newTenant,
    responses: { 201: { ...tenantResponse, description: 'The new tenant.' } },
    problems: ['unknown_time_zone'],
    action: 'tenant.created',
    run: create,
  }),

  defineRoute({
    scope: 'all_tenants',
    method: 'get',
    path: '/v1/tenants',
    operationId: 'listTenants',
    tag,
    summary: 'List all tenants',
    query: z.strictObject({
      ...listParams,
      q: z.string().max(200).optional().meta({ description: 'A part of the name, in any case.' }),
    }),
    responses: {
      200: {
        description: 'Tenants in the order in which they were created.',
        schema: listOf(tenantView),
        optionalHeaders: DEPRECATION_HEADERS,
      },
    },
    problems: ['invalid_cursor'],
    async run(work, { query }, { services: { config } }) {
      // Without a search as in the former release, so that its cursors stay valid.
      const scope = query.q === undefined ? ['tenants'] : ['tenants', query.q];
      const { limit, after } = readPage(query, scope, position);
      const rows = await listTenants(work, { limit: limit + 1, after, search: query.q });
      const positionOf = ({ createdAt, tenantId }: Tenant) => ({ createdAt: toInstant(createdAt), tenantId });
      const toItem = (row: Tenant) => toWireTenant(row, policyOf(work, row, config), config);
      const policies = rows.slice(0, limit).map((row) => policyOf(work, row, config));
      const body = toPage(rows, limit, scope, positionOf, toItem);
      return { status: 200, body, headers: deprecationOf(policies, config) };
    },
  }),

  defineRoute({
    scope: 'named_tenant',
    method: 'get',
    path: '/v1/tenants/{tenant_id}',
    operationId: 'showTenant',
    tag,
    summary: 'Show a tenant',
    params: tenantParams,
    tenantOf: ({ params }) => params.tenant_id,
    responses: { 200: tenantResponse },
    run: show,
  }),

  defineRoute({
    scope: 'named_tenant',
    method: 'patch',
    path: '/v1/tenants/{tenant_id}',
    operationId: 'changeTenant',
    tag,
    summary: 'Change a tenant',
    params: tenantParams,
    body: tenantChange,
    needsIfMatch: true,
    tenantOf: ({ params }) => params.tenant_id,
    responses: { 200: tenantResponse },
    problems: ['unknown_time_zone', 'policy_gone'],
    action: 'tenant.changed',
    run: change,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/tenant',
    operationId: 'showOwnTenant',
    tag,
    summary: 'Show your tenant',
    responses: { 200: tenantResponse },
    run: show,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path: '/v1/tenant',
    operationId: 'changeOwnTenant',
    tag,
    summary: 'Change your tenant',
    description:
      'A tenant can change its time zone, its contact address and its COMPANY_SYNCHRONIZED ' +
      'policy. Other settings need the platform key.',
    body: ownTenantChange,
    needsIfMatch: true,
    responses: { 200: tenantResponse },
    problems: ['unknown_time_zone', 'policy_gone'],
    action: 'tenant.changed',
    run: change,
  }),
];

async function create(
  work: TenantWork,
  { body }: { body: z.output<typeof newTenant> },
  context: TenantContext,
) {
  const timeZone = await readTimeZone(work, body.time_zone);
  const created = await createTenant(work, {
    name: body.name,
    timeZone,
    contactEmail: body.contact_email,
  });
  if (created === undefined) throw new TenantIdTaken(newUuid());
  return {
    status: 201 as const,
    ...respond(work, created, context),
    audit: { target: toTypeId('ten', created.tenantId), detail: { name: created.name } },
  };
}

async function show(work: TenantWork, _input: unknown, context: TenantContext) {
  const found = await findTenant(work);
  if (found === undefined) throw new HttpError('tenant_not_found');
  return { status: 200 as const, ...respond(work, found, context) };
}

async function change(
  work: TenantWork,
  { body, ifMatch }: { body: z.output<typeof tenantChange>; ifMatch: number | undefined },
  context: TenantContext,
) {
  const timeZone = body.time_zone === undefined ? undefined : await readTimeZone(work, body.time_zone);
  const policy = body.company_synchronized_policy;
  if (policy !== undefined) requirePolicyAvailable(policy, work.now, context.services.config);
  const { integrations, records_per_type: recordsPerType } = body.limits ?? {};
  const before = requireVersion(await lockTenant(work), ifMatch, 'tenant_not_found');
  const after = await changeTenant(work, {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(body.contact_email === undefined ? {} : { contactEmail: body.contact_email }),
    ...(policy === undefined ? {} : { companySynchronizedPolicy: policy }),
    ...(integrations === undefined ? {} : { integrationsMax: integrations }),
    ...(recordsPerType === undefined ? {} : { recordsPerTypeMax: recordsPerType }),
  });
  const detail = { from: auditedSettings(before), to: auditedSettings(after), changed: Object.keys(body) };
  return {
    status: 200 as const,
    ...respond(work, after, context),
    audit: { target: toTypeId('ten', after.tenantId), detail },
  };
}

/** The contact address is personal data, so the audit log only records that it changed. */
const auditedSettings = ({ name, timeZone, companySynchronizedPolicy, ...tenant }: Tenant) => ({
  name,
  time_zone: timeZone,
  company_synchronized_policy: companySynchronizedPolicy,
  limits: { integrations: tenant.integrationsMax, records_per_type: tenant.recordsPerTypeMax },
});

function respond(work: Work, found: Tenant, { services: { config } }: TenantContext) {
  const policy = policyOf(work, found, config);
  return {
    body: toWireTenant(found, policy, config),
    headers: { ...etagOf(found), ...deprecationOf([policy], config) },
  };
}

/** The policy in effect: after the switch it is `all_datasets`, whatever the tenant chose before. */
function policyOf(
  { now }: Pick<Work, 'now'>,
  { companySynchronizedPolicy: chosen }: Tenant,
  { companySynchronizedSwitchAt: switchAt }: ApiSettings,
) {
  return effectivePolicy(chosen, { now, switchAt });
}

/** Throws `unknown_time_zone`. */
async function readTimeZone(work: Work, name: string): Promise<string> {
  const found = await findTimeZone(work, name);
  if (found !== undefined) return found;
  const message = 'This is not a name in the IANA time zone database.';
  throw new HttpError('unknown_time_zone', {
    errors: [{ pointer: '/time_zone', code: 'unknown', message }],
  });
}
