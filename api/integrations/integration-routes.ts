/** Integrations: linking a third party, and everything about the link but its credentials and its life (`integration-life.ts`). */
import { z } from 'zod';
import { previewMapping } from '../../db/push/backfill';
import type { TenantWork } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import {
  changeIntegration,
  createIntegration,
  deleteIntegration,
  type IntegrationChange,
} from '../../db/sync-runs/integration-lifecycle';
import {
  credentialsLocation,
  findIntegration,
  type Integration,
  listIntegrations,
  lockIntegration,
} from '../../db/integrations/integrations';
import { lockMappings } from '../../db/records/mapping-lock';
import type { JsonObject } from '../../domain/json';
import { type DescribedConnector, readConfig, readCredentials } from './connector-catalogue';
import type { ApiDependencies } from '../dependencies';
import { DEPRECATION_HEADERS } from '../routing/deprecation';
import { HttpError } from '../http/http-error';
import { checkTogether, checkWaits, readMappings } from './integration-checks';
import { type Route, tenantRoute } from '../routing/define-route';
import { orNull, idParam, jsonObject } from '../routing/common-schemas';
import { requireVersion } from '../routing/etag';
import {
  integrationHeaders,
  integrationsHeaders,
  showIntegration,
  showIntegrations,
} from './integration-views';
import { integrationSettings, integrationView, SETTINGS_DEFAULT } from './integration-schema';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { recordTypeMappings } from './mapping-schema';

export const integrationParams = z.strictObject({ integration_id: idParam('int', 'integration_not_found') });
export const ETAG = { ETag: 'The version; send it as If-Match to change this.' };
const PREVIEW_RECORDS_MAX = 100_000;

const credentials = jsonObject.meta({
  description: "Checked by the connector's own schema, sealed, and never shown again.",
  writeOnly: true,
});
const newIntegration = z.strictObject({
  connector: z.string().max(63).meta({ example: 'scim' }),
  app: integrationSettings.app.optional().meta({
    description:
      "The product on the other side, as people know it. Unless given: the configuration's `app`, or the connector's title.",
  }),
  account_name: integrationSettings.account_name.optional(),
  config: integrationSettings.config,
  credentials: credentials.optional(),
  record_types: recordTypeMappings
    .optional()
    .meta({ description: "The connector's own mappings unless given." }),
  grace_period_ms: integrationSettings.grace_period_ms.default(SETTINGS_DEFAULT.gracePeriodMs),
  max_wait_ms: integrationSettings.max_wait_ms.default(SETTINGS_DEFAULT.maxWaitMs),
  initial_push: z
    .enum(['all', 'none'])
    .default('all')
    .meta({ description: 'all: existing records are pushed, behind edits. none: only changes from now on.' }),
  is_paused: z.boolean().default(false),
  is_hourly_sync_on: integrationSettings.is_hourly_sync_on.optional(),
  nightly_sync_at: integrationSettings.nightly_sync_at.optional(),
});
const change = z.strictObject({
  app: integrationSettings.app.optional(),
  account_name: integrationSettings.account_name.optional(),
  config: integrationSettings.config.optional(),
  record_types: recordTypeMappings.optional().meta({ description: 'Replaces all mappings.' }),
  grace_period_ms: integrationSettings.grace_period_ms.optional(),
  max_wait_ms: integrationSettings.max_wait_ms.optional(),
  is_hourly_sync_on: integrationSettings.is_hourly_sync_on.optional(),
  nightly_sync_at: integrationSettings.nightly_sync_at.optional(),
});
const preview = z
  .object({
    records_touched: z
      .int()
      .meta({ description: 'Records whose payload would differ, so that they would be pushed again.' }),
    records_examined: z.int(),
    is_complete: z.boolean().meta({ description: 'False when there are more records than were looked at.' }),
  })
  .meta({ id: 'MappingPreview' });
const changed = integrationView
  .extend({ preview: orNull(preview).meta({ description: 'What a dry run found; null otherwise.' }) })
  .meta({ id: 'ChangedIntegration' });

export function integrationRoutes({
  connectors,
  encryption,
  whyUrlIsRefused,
  config: switches,
}: Pick<ApiDependencies, 'connectors' | 'encryption' | 'whyUrlIsRefused' | 'config'>): readonly Route[] {
  const connectorOf = (kind: string): DescribedConnector => {
    const found = Object.hasOwn(connectors, kind) ? connectors[kind] : undefined;
    if (found === undefined) throw new HttpError('unknown_connector');
    return found;
  };
  const toWire = (work: TenantWork, integration: Integration) =>
    showIntegration(work, integration, connectors);

  async function toChange(before: Integration, body: z.output<typeof change>): Promise<IntegrationChange> {
    const connector = connectorOf(before.connector);
    const config =
      body.config === undefined ? undefined : readConfig(connector, body.config, whyUrlIsRefused);
    const recordTypes =
      body.record_types === undefined
        ? undefined
        : readMappings(connector, config ?? before.config, body.record_types);
    if (config !== undefined || recordTypes !== undefined)
      checkTogether(connector, config ?? before.config, recordTypes ?? before.recordTypes);
    const maxWaitMs = body.max_wait_ms === undefined ? before.maxWaitMs : body.max_wait_ms;
    checkWaits({ gracePeriodMs: body.grace_period_ms ?? before.gracePeriodMs, maxWaitMs });
    return {
      app: body.app,
      accountName: body.account_name,
      config,
      recordTypes,
      gracePeriodMs: body.grace_period_ms,
      maxWaitMs: body.max_wait_ms,
      isHourlySyncOn: body.is_hourly_sync_on,
      nightlySyncAt: body.nightly_sync_at,
    };
  }

  return [
    tenantRoute({
      method: 'post',
      path: '/v1/integrations',
      operationId: 'createIntegration',
      tag: 'Integrations',
      summary: 'Link a third party',
      description:
        'What it maps with the direction pull or both is read as a whole first: `onboarding` says how far that is, and until it is done records of those types can be read but not changed. Then it is read every hour and every night.',
      body: newIntegration,
      answers: {
        201: {
          description: 'The new integration.',
          schema: integrationView,
          headers: ETAG,
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      problems: [
        'unknown_connector',
        'invalid_config',
        'invalid_credentials_shape',
        'invalid_mapping',
        'invalid_settings',
        'egress_refused',
      ],
      action: 'integration.created',
      async run(work, { body }, { caller }) {
        const connector = connectorOf(body.connector);
        const config = readConfig(connector, body.config, whyUrlIsRefused);
        const recordTypes = readMappings(connector, config, body.record_types);
        checkWaits({ gracePeriodMs: body.grace_period_ms, maxWaitMs: body.max_wait_ms });
        const plainCredentials =
          body.credentials === undefined ? undefined : readCredentials(connector, body.credentials);
        checkTogether(connector, config, recordTypes, plainCredentials);

        const integrationId = newUuid();
        const app = body.app ?? appNameOf(connector, config);
        const created = await createIntegration(work, {
          integrationId,
          connector: connector.kind,
          app,
          accountName: body.account_name ?? connector.hosts(config)[0] ?? app,
          config,
          recordTypes,
          encryptedCredentials:
            plainCredentials === undefined
              ? null
              : await encryption.encrypt(
                  work,
                  credentialsLocation(integrationId),
                  JSON.stringify(plainCredentials),
                ),
          gracePeriodMs: body.grace_period_ms,
          maxWaitMs: body.max_wait_ms,
          initialPush: body.initial_push,
          isPaused: body.is_paused,
          isHourlySyncOn: body.is_hourly_sync_on,
          nightlySyncAt: body.nightly_sync_at,
          linkedBy: caller.actor,
          companySynchronizedSwitchAt: switches.companySynchronizedSwitchAt,
        });
        const audit = {
          target: toTypeId('int', integrationId),
          detail: { connector: connector.kind, app, record_types: Object.keys(recordTypes) },
        };
        return {
          status: 201,
          body: await toWire(work, created),
          headers: integrationHeaders(created, switches),
          audit,
        };
      },
    }),

    tenantRoute({
      method: 'get',
      path: '/v1/integrations',
      operationId: 'listIntegrations',
      tag: 'Integrations',
      summary: 'List the integrations of the tenant',
      query: z.strictObject(listParams),
      answers: {
        200: {
          description: 'Integrations in the order they were made.',
          schema: listOf(integrationView),
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      problems: ['invalid_cursor'],
      async run(work, { query }) {
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
          status: 200,
          body: { data: await showIntegrations(work, data, connectors), next_cursor },
          headers: integrationsHeaders(data, switches),
        };
      },
    }),

    tenantRoute({
      method: 'get',
      path: '/v1/integrations/{integration_id}',
      operationId: 'showIntegration',
      tag: 'Integrations',
      summary: 'Show an integration',
      params: integrationParams,
      answers: {
        200: {
          description: 'The integration.',
          schema: integrationView,
          headers: ETAG,
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      problems: ['integration_not_found'],
      async run(work, { params }) {
        const found = await requireIntegration(work, params.integration_id);
        return { status: 200, body: await toWire(work, found), headers: integrationHeaders(found, switches) };
      },
    }),

    tenantRoute({
      method: 'patch',
      path: '/v1/integrations/{integration_id}',
      operationId: 'changeIntegration',
      tag: 'Integrations',
      summary: 'Change settings or mappings',
      description:
        'A new mapping opens windows for the records whose payload differs, open windows keep their deadline, and what it pulls in another way is read as a whole. With `dry_run=true` nothing changes: the answer says how many records the change would touch.',
      params: integrationParams,
      query: z.strictObject({ dry_run: z.enum(['true', 'false']).optional() }),
      body: change,
      needsIfMatch: true,
      answers: {
        200: {
          description: 'The integration as it is now.',
          schema: changed,
          headers: ETAG,
          optionalHeaders: DEPRECATION_HEADERS,
        },
      },
      problems: [
        'integration_not_found',
        'invalid_config',
        'invalid_mapping',
        'invalid_settings',
        'egress_refused',
      ],
      action: 'integration.changed',
      async run(work, { params, query, body, ifMatch }) {
        const integrationId = params.integration_id;
        const isDryRun = query.dry_run === 'true';
        // Before the integration's own row, as everybody takes these two locks in this order.
        if (body.record_types !== undefined && !isDryRun) await lockMappings(work, 'alone');
        const before = requireVersion(
          await lockIntegration(work, { integrationId }),
          ifMatch,
          'integration_not_found',
        );
        const wanted = await toChange(before, body);
        if (isDryRun)
          return {
            status: 200,
            body: { ...(await toWire(work, before)), preview: await previewOf(work, before, wanted) },
            headers: integrationHeaders(before, switches),
            audit: null,
          };
        const after = await changeIntegration(work, { integrationId, change: wanted });
        const audit = {
          target: toTypeId('int', integrationId),
          detail: {
            changed: Object.keys(body),
            mapping_version: { from: before.mappingVersion, to: after.mappingVersion },
          },
        };
        return {
          status: 200,
          body: { ...(await toWire(work, after)), preview: null },
          headers: integrationHeaders(after, switches),
          audit,
        };
      },
    }),

    tenantRoute({
      method: 'delete',
      path: '/v1/integrations/{integration_id}',
      operationId: 'deleteIntegration',
      tag: 'Integrations',
      summary: 'Unlink a third party',
      description:
        'What waits is not pushed any more, its sync runs end, the credentials are removed, and the push log and the Sync Logs stay. What the third party holds is left as it is.',
      params: integrationParams,
      answers: { 204: { description: 'The integration is gone.', schema: null } },
      problems: ['integration_not_found'],
      action: 'integration.deleted',
      async run(work, { params }, { caller }) {
        const found = await requireIntegration(work, params.integration_id);
        await deleteIntegration(work, { integrationId: params.integration_id, by: caller.actor });
        return {
          status: 204,
          audit: {
            target: toTypeId('int', params.integration_id),
            detail: { connector: found.connector, app: found.app },
          },
        };
      },
    }),
  ];
}

async function previewOf(
  work: TenantWork,
  before: Integration,
  { recordTypes }: IntegrationChange,
): Promise<z.output<typeof preview>> {
  if (recordTypes === undefined) return { records_touched: 0, records_examined: 0, is_complete: true };
  const { touched, looked, isComplete } = await previewMapping(work, {
    integrationId: before.integrationId,
    recordTypes,
    atMost: PREVIEW_RECORDS_MAX,
  });
  return { records_touched: touched, records_examined: looked, is_complete: isComplete };
}

/** What the product on the other side is called where the caller does not say: the connector's word for it, the configuration's, or the connector's title. */
function appNameOf(connector: DescribedConnector, config: JsonObject): string {
  const name = integrationSettings.app.safeParse(connector.appName?.(config) ?? config.app);
  return name.success ? name.data : connector.title;
}

/** The caller's integration, or 404: that of another tenant does not exist. */
export async function requireIntegration(work: TenantWork, integrationId: string): Promise<Integration> {
  const found = await findIntegration(work, { integrationId });
  if (found === undefined) throw new HttpError('integration_not_found');
  return found;
}
