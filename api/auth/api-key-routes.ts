/**
 * API keys: created by the platform for any tenant, or by an admin for their own tenant. Shown once, stored
 * as hashes.
 */
import { z } from 'zod';
import { type ApiKey, createApiKey, listApiKeys, revokeApiKey } from '../../db/tenants/api-keys';
import type { TenantWork } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { hashOfKey, makeApiKey } from './api-key';
import { HttpError } from '../http/http-error';
import { defineRoute, type Route } from '../routing/define-route';
import { idParam, instant, lineOfText, toInstant, toInstantOrNull, typeId } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';

const KEYS_MAX = 50;
const DAYS_DEFAULT = 365;
const DAYS_MAX = 3_650;
const DAY_MS = 86_400_000;

const role = z.enum(['viewer', 'operator', 'admin']).meta({
  id: 'ApiKeyRole',
  description:
    '`viewer` reads. `operator` also changes records and starts syncs. `admin` also changes ' +
    'integrations and keys.',
});
const apiKey = z
  .object({
    id: typeId('key'),
    prefix: z
      .string()
      .meta({ description: 'The beginning of the key, to recognize it.', example: 'syncline_live_3fT9bQ2x' }),
    name: z.string(),
    role,
    created_by: z.string(),
    created_at: instant,
    expires_at: instant.meta({
      description: 'The key is refused from this time on. Create a new one before.',
    }),
    revoked_at: instant.nullable(),
    last_used_at: instant.nullable().meta({ description: 'Accurate to the minute.' }),
  })
  .meta({ id: 'ApiKey' });
const newApiKey = apiKey
  .extend({
    key: z.string().meta({ description: 'The key itself. It is shown only once and never stored.' }),
  })
  .meta({ id: 'NewApiKey' });

const body = z.strictObject({
  name: lineOfText(100).meta({
    description: 'The name of the caller in the push log and the audit log.',
    example: 'payroll',
  }),
  role,
  expires_in_days: z
    .int()
    .min(1)
    .max(DAYS_MAX)
    .default(DAYS_DEFAULT)
    .meta({
      description: `How many days the key is valid: ${DAYS_DEFAULT} by default, at most ${DAYS_MAX}.`,
    }),
});
const created = { 201: { description: 'The new key.', schema: newApiKey } };
const shared = {
  method: 'post',
  tag: 'API keys',
  body,
  responses: created,
  problems: ['too_many_api_keys'],
  action: 'api_key.created',
  isResponseSecret: true,
} as const;

export const apiKeyRoutes: readonly Route[] = [
  defineRoute({
    scope: 'named_tenant',
    ...shared,
    path: '/v1/tenants/{tenant_id}/api-keys',
    operationId: 'createApiKeyForTenant',
    summary: 'Create an API key for a tenant',
    params: z.strictObject({ tenant_id: idParam('ten', 'tenant_not_found') }),
    tenantOf: ({ params }) => params.tenant_id,
    run: (work, input, { caller }) => create(work, input.body, caller.actor),
  }),

  defineRoute({
    scope: 'tenant',
    ...shared,
    path: '/v1/api-keys',
    operationId: 'createApiKey',
    summary: 'Create an API key',
    run: (work, input, { caller }) => create(work, input.body, caller.actor),
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/api-keys',
    operationId: 'listApiKeys',
    tag: 'API keys',
    summary: 'List the API keys of the tenant',
    query: z.strictObject(listParams),
    responses: {
      200: {
        description:
          'Keys in the order in which they were created, including revoked and expired ones. The ' +
          'secrets are not shown.',
        schema: listOf(apiKey),
      },
    },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['api-keys', work.tenantId];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listApiKeys(work, { limit: limit + 1, after });
      return { status: 200, body: toPage(rows, limit, scope, ({ apiKeyId }) => apiKeyId, toWire) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path: '/v1/api-keys/{api_key_id}',
    operationId: 'revokeApiKey',
    tag: 'API keys',
    summary: 'Revoke an API key',
    description:
      'Takes effect on all replicas within a second. The key stays in the list. Revoking it ' +
      'again changes nothing.',
    params: z.strictObject({ api_key_id: idParam('key', 'api_key_not_found') }),
    responses: { 200: { description: 'The revoked key.', schema: apiKey } },
    problems: ['api_key_not_found'],
    action: 'api_key.revoked',
    async run(work, { params }) {
      const revoked = await revokeApiKey(work, { apiKeyId: params.api_key_id });
      if (revoked === undefined) throw new HttpError('api_key_not_found');
      return {
        status: 200,
        body: toWire(revoked),
        audit: { target: toTypeId('key', revoked.apiKeyId), detail: { name: revoked.name } },
      };
    },
  }),
];

async function create(work: TenantWork, wanted: z.output<typeof body>, actor: string) {
  const { text, publicId } = makeApiKey();
  const expiresAt = new Date(work.now.getTime() + wanted.expires_in_days * DAY_MS);
  const key = {
    apiKeyId: newUuid(),
    publicId,
    secretHash: hashOfKey(text),
    name: wanted.name,
    role: wanted.role,
    createdBy: actor,
    expiresAt,
  };
  const saved = await createApiKey(work, key, { keysMax: KEYS_MAX });
  if (saved === 'too_many') throw new HttpError('too_many_api_keys');
  const audit = {
    target: toTypeId('key', saved.apiKeyId),
    detail: { name: saved.name, role: saved.role, expires_at: toInstant(saved.expiresAt) },
  };
  return { status: 201 as const, body: { ...toWire(saved), key: text }, audit };
}

function toWire(key: ApiKey): z.output<typeof apiKey> {
  return {
    id: toTypeId('key', key.apiKeyId),
    prefix: `syncline_live_${key.publicId}`,
    name: key.name,
    role: key.role,
    created_by: key.createdBy,
    created_at: toInstant(key.createdAt),
    expires_at: toInstant(key.expiresAt),
    revoked_at: toInstantOrNull(key.revokedAt),
    last_used_at: toInstantOrNull(key.lastUsedAt),
  };
}
