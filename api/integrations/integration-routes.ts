/**
 * Integrations: linking an app, and its settings and mappings. `integration-lifecycle-routes.ts` has pause,
 * resume and credentials.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { countIntegrations, listIntegrations, lockIntegration } from '../../db/integrations/integrations';
import { lockMappings } from '../../db/records/mapping-lock';
import { toTypeId } from '../../db/sql/ids';
import { createIntegration } from '../../db/sync-runs/create-integration';
import {
  changeIntegration,
  deleteIntegration,
  replaceCredentials,
} from '../../db/sync-runs/integration-lifecycle';
import { HttpError } from '../http/http-error';
import { listParams, listOf, readPage, toPage, uuidPosition } from '../routing/pagination';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { DEPRECATION_HEADERS } from '../routing/deprecation';
import { ETAG, requireVersion } from '../routing/etag';
import { readIntegrationChange, readNewIntegration } from './integration-input';
import {
  changedIntegrationView,
  integrationChange,
  integrationParams,
  integrationView,
  newIntegration,
} from './integration-schema';
import {
  integrationsHeaders,
  requireIntegration,
  respondWithIntegration,
  toWireIntegrations,
} from './integration-views';
import { previewOf } from './mapping-preview';

type IntegrationParams = z.output<typeof integrationParams>;
const tag = 'Integrations';
const path = '/v1/integrations/{integration_id}';
const changeQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true`: change nothing, and return how many records the change would affect.' }),
});

export const integrationRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/integrations',
    operationId: 'createIntegration',
    tag,
    summary: 'Link an app',
    description: [
      'Record types with the direction `pull` or `both` are first imported completely; ' +
        '`onboarding` shows the progress.',
      'Until this initial load is done, records of these types can be read but not changed.',
      'Afterwards changes are read every hour and everything every night.',
    ].join(' '),
    body: newIntegration,
    responses: {
      201: {
        description: 'The new integration.',
        schema: integrationView,
        headers: ETAG,
        optionalHeaders: DEPRECATION_HEADERS,
      },
    },
    problems: [
      'too_many_integrations',
      'unknown_connector',
      'invalid_config',
      'invalid_credentials_shape',
      'invalid_mapping',
      'invalid_settings',
      'egress_refused',
    ],
    action: 'integration.created',
    run: linkApp,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/integrations',
    operationId: 'listIntegrations',
    tag,
    summary: 'List the integrations of the tenant',
    query: z.strictObject(listParams),
    responses: {
      200: {
        description: 'Integrations in the order in which they were linked.',
        schema: listOf(integrationView),
        optionalHeaders: DEPRECATION_HEADERS,
      },
    },
    problems: ['invalid_cursor'],
    run: listAll,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path,
    operationId: 'showIntegration',
    tag,
    summary: 'Show an integration',
    params: integrationParams,
    responses: {
      200: {
        description: 'The integration.',
        schema: integrationView,
        headers: ETAG,
        optionalHeaders: DEPRECATION_HEADERS,
      },
    },
    problems: ['integration_not_found'],
    async run(work, { params }, { services }) {
      const found = await requireIntegration(work, params.integration_id);
      return { status: 200, ...(await respondWithIntegration(work, found, services)) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path,
    operationId: 'changeIntegration',
    tag,
    summary: 'Change the settings or mappings of an integration',
    description: [
      'A new mapping opens a debounce window for each record whose payload changes; open ' +
        'windows keep their deadline.',
      'Record types that are pulled in a new way are read completely.',
      'With `dry_run=true` nothing changes, and the response says how many records the change would affect.',
    ].join(' '),
    params: integrationParams,
    query: changeQuery,
    body: integrationChange,
    needsIfMatch: true,
    responses: {
      200: {
        description: 'The changed integration.',
        schema: changedIntegrationView,
        headers: ETAG,
        optionalHeaders: DEPRECATION_HEADERS,
      },
    },
    problems: [
      'integration_not_found',
      'invalid_config',
      'invalid_credentials_shape',
      'credentials_needed',
      'invalid_mapping',
      'invalid_settings',
      'egress_refused',
    ],
    action: 'integration.changed',
    run: change,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path,
    operationId: 'deleteIntegration',
    tag,
    summary: 'Disconnect an app',
    description: [
      'Pending changes are not pushed, running syncs end, and the credentials are deleted.',
      'The push log and the Sync Logs are kept. Nothing changes in the app.',
    ].join(' '),
    params: integrationParams,
    responses: { 204: { description: 'The integration is deleted.', schema: null } },
    problems: ['integration_not_found'],
    action: 'integration.deleted',
    run: disconnect,
  }),
];

async function linkApp(
  work: TenantWork,
  { body }: { body: z.output<typeof newIntegration> },
  { caller, services }: TenantContext,
) {
  // Taken before counting, so that requests at the same time cannot exceed the limit together.
  await lockMappings(work, 'alone');
  if ((await countIntegrations(work)) >= services.config.integrationsPerTenant)
    throw new HttpError('too_many_integrations');
  const created = await createIntegration(work, {
    ...(await readNewIntegration(work, body, services)),
    linkedBy: caller.actor,
    companySynchronizedSwitchAt: services.config.companySynchronizedSwitchAt,
  });
  const audit = {
    target: toTypeId('int', created.integrationId),
    detail: {
      connector: created.connector,
      app: created.app,
      record_types: Object.keys(created.recordTypes),
    },
  };
  return { status: 201 as const, ...(await respondWithIntegration(work, created, services)), audit };
}

async function listAll(
  work: TenantWork,
  { query }: { query: { limit?: number | undefined; cursor?: string | undefined } },
  { services }: TenantContext,
) {
  const scope = ['integrations', work.tenantId];
  const { limit, after } = readPage(query, scope, uuidPosition);
  const rows = await listIntegrations(work, { limit: limit + 1, after });
  const { data, next_cursor } = toPage(
    rows,
    limit,
    scope,
    ({ integrationId }) => integrationId,
    (row) => row,
  );
  return {
    status: 200 as const,
    body: { data: await toWireIntegrations(work, data, services.connectors), next_cursor },
    headers: integrationsHeaders(data, services.config),
  };
}

async function change(
  work: TenantWork,
  input: {
    params: IntegrationParams;
    query: z.output<typeof changeQuery>;
    body: z.output<typeof integrationChange>;
    ifMatch: number | undefined;
  },
  { services, caller }: TenantContext,
) {
  const { body, ifMatch } = input;
  const integrationId = input.params.integration_id;
  const isDryRun = input.query.dry_run === 'true';
  // Always locked before the row of the integration: the same order everywhere prevents deadlocks.
  if ((body.record_types ?? body.credentials) !== undefined && !isDryRun) await lockMappings(work, 'alone');
  const locked = await lockIntegration(work, { integrationId });
  const before = requireVersion(locked, ifMatch, 'integration_not_found');
  const wanted = await readIntegrationChange(work, before, body, services);
  if (isDryRun) {
    const { body: shown, headers } = await respondWithIntegration(work, before, services);
    const preview = await previewOf(work, before, wanted.change.recordTypes);
    return { status: 200 as const, body: { ...shown, preview }, headers, audit: null };
  }
  const changed = await changeIntegration(work, { integrationId, change: wanted.change, by: caller.actor });
  const { encryptedCredentials } = wanted;
  const after =
    encryptedCredentials === undefined
      ? changed
      : await replaceCredentials(work, { integrationId, encryptedCredentials });
  const audit = {
    target: toTypeId('int', integrationId),
    detail: {
      changed: Object.keys(body),
      mapping_version: { from: before.mappingVersion, to: after.mappingVersion },
      ...(wanted.movedOrigins.length === 0
        ? {}
        : { moved: wanted.movedOrigins.map((moved) => ({ ...moved })) }),
    },
  };
  const { body: shown, headers } = await respondWithIntegration(work, after, services);
  return { status: 200 as const, body: { ...shown, preview: null }, headers, audit };
}

async function disconnect(
  work: TenantWork,
  { params }: { params: IntegrationParams },
  { caller }: TenantContext,
) {
  const { integrationId, connector, app } = await requireIntegration(work, params.integration_id);
  await deleteIntegration(work, { integrationId, by: caller.actor });
  return {
    status: 204 as const,
    audit: { target: toTypeId('int', integrationId), detail: { connector, app } },
  };
}
