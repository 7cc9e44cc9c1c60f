/**
 * Integrations: linking an app, and its settings and mappings. `integration-lifecycle-routes.ts` has pause,
 * resume and credentials.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { listIntegrations } from '../../db/integrations/integrations';
import { findAddress } from '../../db/integrations/incoming/addresses';
import { lockMappings } from '../../db/records/mapping-lock';
import { toTypeId } from '../../db/sql/ids';
import { createIntegration } from '../../db/sync-runs/create-integration';
import { deleteIntegration } from '../../db/sync-runs/delete-integration';
import { listParams, listOf, readPage, toPage, uuidPosition } from '../routing/pagination';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { endSubscription } from '../tenants/end-subscriptions';
import { DEPRECATION_HEADERS } from '../routing/deprecation';
import { ETAG } from '../routing/etag';
import { changeIntegrationAfterTrial, changeQuery } from './integration-change';
import { checkIntegrationLimit, readNewIntegration } from './integration-input';
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
import { checkParam, refuseWhatCannotWork, startTrial, TRIAL } from './integration-trials';

type IntegrationParams = z.output<typeof integrationParams>;
const tag = 'Integrations';
const path = '/v1/integrations/{integration_id}';

export const integrationRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant_after_trial',
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
      TRIAL,
    ].join(' '),
    query: z.strictObject({ check: checkParam }),
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
      'unknown_definition',
      'invalid_config',
      'invalid_credentials_shape',
      'invalid_mapping',
      'invalid_settings',
      'egress_refused',
      'check_refused',
    ],
    action: 'integration.created',
    prepare: linkApp,
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
    scope: 'tenant_after_trial',
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
      TRIAL,
      'Stored credentials are never sent to a new host: such a configuration is stored without being tried.',
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
      'unknown_definition',
      'invalid_config',
      'invalid_credentials_shape',
      'credentials_needed',
      'invalid_mapping',
      'invalid_settings',
      'egress_refused',
      'check_refused',
    ],
    action: 'integration.changed',
    prepare: changeIntegrationAfterTrial,
  }),

  defineRoute({
    scope: 'tenant_after_trial',
    method: 'delete',
    path,
    operationId: 'deleteIntegration',
    tag,
    summary: 'Disconnect an app',
    description: [
      'Pending changes are not pushed, running syncs end, and the credentials are deleted.',
      'The push log and the Sync Logs are kept. In the app, only subscriptions to webhooks are canceled.',
    ].join(' '),
    params: integrationParams,
    responses: { 204: { description: 'The integration is deleted.', schema: null } },
    problems: ['integration_not_found'],
    action: 'integration.deleted',
    prepare: disconnect,
  }),
];

async function linkApp(
  work: TenantWork,
  { body, query }: { body: z.output<typeof newIntegration>; query: { check?: 'true' | 'false' | undefined } },
  { caller, services }: TenantContext,
) {
  await checkIntegrationLimit(work, services);
  const settings = await readNewIntegration(work, body, services);
  const wait =
    query.check === 'false'
      ? undefined
      : await startTrial(work, { ...settings, credentials: settings.encryptedCredentials }, services);
  return async () => {
    const check = await wait?.();
    if (check !== undefined) refuseWhatCannotWork(check);
    return async (later: TenantWork) => {
      // Taken before counting, so that requests at the same time cannot exceed the limit together.
      await lockMappings(later, 'alone');
      await checkIntegrationLimit(later, services);
      const created = await createIntegration(later, {
        ...settings,
        linkedBy: caller.actor,
        companySynchronizedSwitchAt: services.config.companySynchronizedSwitchAt,
        check,
      });
      const audit = {
        target: toTypeId('int', created.integrationId),
        detail: {
          connector: created.connector,
          app: created.app,
          record_types: Object.keys(created.recordTypes),
        },
      };
      return { status: 201 as const, ...(await respondWithIntegration(later, created, services)), audit };
    };
  };
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

/** Webhooks that Syncline has subscribed to are canceled first, while there are credentials. */
async function disconnect(
  work: TenantWork,
  { params }: { params: IntegrationParams },
  { caller, services }: TenantContext,
) {
  const { tenantId } = work;
  const { integrationId, connector, app } = await requireIntegration(work, params.integration_id);
  const ids = (await findAddress(work, { integrationId }))?.subscriptionIds ?? [];
  return async () => {
    const outcome = ids.length > 0 ? await endSubscription(services, { tenantId, integrationId }) : undefined;
    return async (later: TenantWork) => {
      await requireIntegration(later, integrationId);
      await deleteIntegration(later, { integrationId, by: caller.actor });
      const subscription = outcome === undefined ? {} : { webhook_subscription: outcome };
      const audit = { target: toTypeId('int', integrationId), detail: { connector, app, ...subscription } };
      return { status: 204 as const, audit };
    };
  };
}
