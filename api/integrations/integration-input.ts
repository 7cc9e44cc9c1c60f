/** Reads and checks the settings of an integration that is created or changed. */
import type { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { countIntegrations, type Integration } from '../../db/integrations/integrations';
import { newUuid } from '../../db/sql/ids';
import type { NewIntegration } from '../../db/sync-runs/create-integration';
import type { IntegrationChange } from '../../db/sync-runs/integration-lifecycle';
import type { Settings } from '../../domain/third-parties/definition';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import { findTenant } from '../../db/tenants/tenants';
import { findReadDifferently } from '../../domain/connector-settings';
import type { MovedOrigin } from '../../domain/credential-origins';
import type { JsonObject } from '../../domain/json';
import type { RouteServices } from '../dependencies';
import { HttpError } from '../http/http-error';
import { type DescribedConnector, readConfig, readCredentials } from './connector-catalogue';
import { checkPickedAccount, documentOf, readChangedUse, readNewUse } from '../third-parties/definition-use';
import type { DefinitionColumns } from '../../db/third-parties/definition-columns';
import { checkMovedOrigins, encryptCredentials } from './integration-credentials';
import { checkTogether, checkWaits, readMappings } from './integration-checks';
import { requireOAuthApp } from './oauth/require-oauth-app';
import { type integrationChange, integrationSettings, type newIntegration } from './integration-schema';
import { readTypeSettings } from './type-settings-schema';

type Services = Pick<RouteServices, 'connectors' | 'encryption' | 'whyUrlIsRefused'>;

export async function readNewIntegration(
  work: TenantWork,
  body: z.output<typeof newIntegration>,
  services: Services,
): Promise<Omit<NewIntegration, 'linkedBy' | 'companySynchronizedSwitchAt'>> {
  const basis = await readBasis(work, body, services);
  const { connector, config } = basis;
  const recordTypes =
    basis.recordTypes !== undefined && body.record_types === undefined
      ? basis.recordTypes
      : readMappings(connector, config, body.record_types);
  checkWaits({ gracePeriodMs: body.grace_period_ms, maxWaitMs: body.max_wait_ms });
  const credentials =
    body.credentials === undefined ? undefined : readCredentials(connector, body.credentials);
  checkTogether(connector, config, recordTypes, credentials);
  await requireOAuthApp(work, connector, config);

  const integrationId = newUuid();
  const app = body.app ?? basis.app ?? appNameOf(connector, config);
  return {
    integrationId,
    definition: basis.use,
    connector: connector.kind,
    app,
    accountName: body.account_name ?? connector.hosts(config)[0] ?? app,
    config,
    recordTypes,
    typeSettings: readTypeSettings({}, body.type_settings, recordTypes),
    encryptedCredentials:
      credentials === undefined
        ? null
        : await encryptCredentials(work, services, { integrationId, connector, config, credentials }),
    gracePeriodMs: body.grace_period_ms,
    maxWaitMs: body.max_wait_ms,
    initialPush: body.initial_push,
    isPaused: body.is_paused,
    isHourlySyncOn: body.is_hourly_sync_on,
    nightlySyncAt: body.nightly_sync_at,
  };
}

/** The connector with its configuration, as given or as a definition says. Throws `invalid_settings`. */
async function readBasis(
  work: TenantWork,
  body: z.output<typeof newIntegration>,
  services: Services,
): Promise<{
  connector: DescribedConnector;
  config: JsonObject;
  app?: string;
  recordTypes?: RecordTypeMappings;
  use?: DefinitionColumns;
}> {
  const { connectors, whyUrlIsRefused } = services;
  const { connector: kind, config, third_party: wanted } = body;
  if (wanted !== undefined && kind === undefined && config === undefined) {
    const { version, use, settings } = await readNewUse(work, wanted, services);
    const connector = requireConnector(connectors, version.rules.connector);
    return { connector, ...settings, use, app: documentOf(version).name };
  }
  if (wanted !== undefined) {
    const message = 'Give either `third_party`, or `connector` and `config`.';
    throw new HttpError('invalid_settings', {
      errors: [{ pointer: '/third_party', code: 'one_of', message }],
    });
  }
  if (kind === undefined || config === undefined) {
    const missing = Object.entries({ '/connector': kind, '/config': config }).filter(
      ([, value]) => value === undefined,
    );
    throw new HttpError('invalid_settings', {
      errors: missing.map(([pointer]) => ({ pointer, code: 'required', message: 'is required' })),
    });
  }
  const connector = requireConnector(connectors, kind);
  const read = readConfig(connector, config, whyUrlIsRefused);
  await checkPickedAccount(work, connector, read);
  return { connector, config: read };
}

export async function readIntegrationChange(
  work: TenantWork,
  before: Integration,
  body: z.output<typeof integrationChange>,
  services: Services,
): Promise<{
  change: IntegrationChange;
  encryptedCredentials: string | undefined;
  movedOrigins: MovedOrigin[];
}> {
  const { connectors, whyUrlIsRefused } = services;
  const connector = requireConnector(connectors, before.connector);
  const moved = await readMovedUse(work, before, body, services);
  const config =
    moved?.settings?.config ??
    (body.config === undefined ? undefined : readConfig(connector, body.config, whyUrlIsRefused));
  const recordTypes =
    moved?.settings?.recordTypes ??
    (body.record_types === undefined
      ? undefined
      : readMappings(connector, config ?? before.config, body.record_types));
  const credentials =
    body.credentials === undefined ? undefined : readCredentials(connector, body.credentials);
  const place = { connector, config: config ?? before.config };
  if (config !== undefined || recordTypes !== undefined || credentials !== undefined)
    checkTogether(connector, place.config, recordTypes ?? before.recordTypes, credentials);
  const maxWaitMs = body.max_wait_ms === undefined ? before.maxWaitMs : body.max_wait_ms;
  checkWaits({ gracePeriodMs: body.grace_period_ms ?? before.gracePeriodMs, maxWaitMs });
  if (config !== undefined) {
    await checkPickedAccount(work, connector, config, before);
    await requireOAuthApp(work, connector, config);
  }
  const areGivenAgain = credentials !== undefined;
  const movedOrigins =
    config === undefined ? [] : await checkMovedOrigins(work, services, { before, ...place, areGivenAgain });
  const given = { integrationId: before.integrationId, ...place };
  const encryptedCredentials =
    credentials && (await encryptCredentials(work, services, { ...given, credentials }));
  const change: IntegrationChange = {
    app: body.app,
    accountName: body.account_name,
    definition: moved?.use,
    config,
    readDifferently:
      config === undefined
        ? []
        : findReadDifferently(connector, before.config, config, Object.keys(before.recordTypes)),
    recordTypes,
    typeSettings:
      body.type_settings === undefined
        ? undefined
        : readTypeSettings(before.typeSettings, body.type_settings, recordTypes ?? before.recordTypes),
    gracePeriodMs: body.grace_period_ms,
    maxWaitMs: body.max_wait_ms,
    isHourlySyncOn: body.is_hourly_sync_on,
    nightlySyncAt: body.nightly_sync_at,
  };
  return { change, encryptedCredentials, movedOrigins };
}

async function readMovedUse(
  work: TenantWork,
  before: Integration,
  body: z.output<typeof integrationChange>,
  services: Services,
): Promise<{ use: DefinitionColumns; settings?: Settings } | undefined> {
  if (body.third_party === undefined) return undefined;
  if ((body.config ?? body.record_types) !== undefined) {
    const message = 'Change the parameters first, then the configuration or the mappings.';
    throw new HttpError('invalid_settings', {
      errors: [{ pointer: '/third_party', code: 'one_of', message }],
    });
  }
  return readChangedUse(work, before, body.third_party, services);
}

/** Throws `too_many_integrations`. Holds only under `lockMappings`. */
export async function checkIntegrationLimit(
  work: TenantWork,
  { config }: Pick<RouteServices, 'config'>,
): Promise<void> {
  const limit = (await findTenant(work))?.integrationsMax ?? config.integrationsPerTenant;
  if ((await countIntegrations(work)) >= limit) throw new HttpError('too_many_integrations');
}

/** Throws `unknown_connector`. */
export function requireConnector(connectors: RouteServices['connectors'], kind: string): DescribedConnector {
  const found = Object.hasOwn(connectors, kind) ? connectors[kind] : undefined;
  if (found === undefined) throw new HttpError('unknown_connector');
  return found;
}

/**
 * The name of the app if the caller gives none: from the connector, the configuration, or the title of the
 * connector.
 */
function appNameOf(connector: DescribedConnector, config: JsonObject): string {
  const name = integrationSettings.app.safeParse(connector.appName?.(config) ?? config.app);
  return name.success ? name.data : connector.title;
}
