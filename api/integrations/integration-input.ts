/** Reads and checks the settings of an integration that is created or changed. */
import type { z } from 'zod';
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { newUuid } from '../../db/sql/ids';
import type { NewIntegration } from '../../db/sync-runs/create-integration';
import type { IntegrationChange } from '../../db/sync-runs/integration-lifecycle';
import type { MovedOrigin } from '../../domain/credential-origins';
import type { JsonObject } from '../../domain/json';
import type { RouteServices } from '../dependencies';
import { HttpError } from '../http/http-error';
import {
  type DescribedConnector,
  findReadDifferently,
  readConfig,
  readCredentials,
} from './connector-catalogue';
import { checkMovedOrigins, encryptCredentials } from './integration-credentials';
import { checkTogether, checkWaits, readMappings } from './integration-checks';
import { type integrationChange, integrationSettings, type newIntegration } from './integration-schema';
import { readTypeSettings } from './type-settings-schema';

type Services = Pick<RouteServices, 'connectors' | 'encryption' | 'whyUrlIsRefused'>;

export async function readNewIntegration(
  work: TenantWork,
  body: z.output<typeof newIntegration>,
  services: Services,
): Promise<Omit<NewIntegration, 'linkedBy' | 'companySynchronizedSwitchAt'>> {
  const { connectors, whyUrlIsRefused } = services;
  const connector = requireConnector(connectors, body.connector);
  const config = readConfig(connector, body.config, whyUrlIsRefused);
  const recordTypes = readMappings(connector, config, body.record_types);
  checkWaits({ gracePeriodMs: body.grace_period_ms, maxWaitMs: body.max_wait_ms });
  const credentials =
    body.credentials === undefined ? undefined : readCredentials(connector, body.credentials);
  checkTogether(connector, config, recordTypes, credentials);

  const integrationId = newUuid();
  const app = body.app ?? appNameOf(connector, config);
  return {
    integrationId,
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
  const config = body.config === undefined ? undefined : readConfig(connector, body.config, whyUrlIsRefused);
  const recordTypes =
    body.record_types === undefined
      ? undefined
      : readMappings(connector, config ?? before.config, body.record_types);
  const credentials =
    body.credentials === undefined ? undefined : readCredentials(connector, body.credentials);
  const place = { connector, config: config ?? before.config };
  if (config !== undefined || recordTypes !== undefined || credentials !== undefined)
    checkTogether(connector, place.config, recordTypes ?? before.recordTypes, credentials);
  const maxWaitMs = body.max_wait_ms === undefined ? before.maxWaitMs : body.max_wait_ms;
  checkWaits({ gracePeriodMs: body.grace_period_ms ?? before.gracePeriodMs, maxWaitMs });
  const areGivenAgain = credentials !== undefined;
  const movedOrigins =
    config === undefined ? [] : await checkMovedOrigins(work, services, { before, ...place, areGivenAgain });
  const given = { integrationId: before.integrationId, ...place };
  const encryptedCredentials =
    credentials && (await encryptCredentials(work, services, { ...given, credentials }));
  const change: IntegrationChange = {
    app: body.app,
    accountName: body.account_name,
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
