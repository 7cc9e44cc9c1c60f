/** What a connect session connects: settings of a new integration, or an integration that exists. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import type { ConnectSession } from '../../db/integrations/connect/connect-sessions';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import type { DefinitionColumns } from '../../db/third-parties/definition-columns';
import type { NewIntegration } from '../../db/sync-runs/create-integration';
import { deleteIntegration } from '../../db/sync-runs/delete-integration';
import type { JsonObject } from '../../domain/json';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { parseWith } from '../http/parse';
import { type DescribedConnector, readCredentials } from '../integrations/connector-catalogue';
import { checkCredentials } from '../integrations/integration-checks';
import { encryptCredentials } from '../integrations/integration-credentials';
import {
  checkIntegrationLimit,
  readNewIntegration,
  requireConnector,
} from '../integrations/integration-input';
import { newIntegration } from '../integrations/integration-schema';
import { useOf } from '../third-parties/definition-use';

/** Settings to store, with the person's credentials. */
export type ConnectTarget = { connector: DescribedConnector; encryptedCredentials: string } & (
  | { integration: Integration; settings?: never }
  | { settings: Awaited<ReturnType<typeof readNewIntegration>>; integration?: never }
);

type Services = Pick<ApiDependencies, 'connectors' | 'encryption' | 'whyUrlIsRefused' | 'config'>;

const GONE = 'The integration was disconnected meanwhile. Ask for a new link.';

/** What is connected, without credentials. Throws `connect_session_ended` if it is gone. */
export async function readConnectTarget(
  work: TenantWork,
  session: ConnectSession,
  services: Services,
): Promise<
  Pick<NewIntegration, 'app' | 'accountName' | 'config' | 'recordTypes'> & {
    kind: string;
    /** The definition that it follows. */
    use: DefinitionColumns | null;
  }
> {
  if (session.settings !== null) {
    const body = parseWith(newIntegration, session.settings, 'invalid_settings');
    const settings = await readNewIntegration(work, body, services);
    return { ...settings, kind: settings.connector, use: settings.definition ?? null };
  }
  const found = await requireTarget(work, session);
  return { ...found, kind: found.connector, use: useOf(found) };
}

/** Throws `invalid_credentials_shape`, or another error of the settings. */
export async function readTargetWithCredentials(
  work: TenantWork,
  session: ConnectSession,
  credentials: JsonObject,
  services: Services,
): Promise<ConnectTarget> {
  if (session.settings !== null) {
    await checkIntegrationLimit(work, services);
    const body = parseWith(newIntegration, { ...session.settings, credentials }, 'invalid_settings');
    const settings = await readNewIntegration(work, body, services);
    const { encryptedCredentials } = settings;
    if (encryptedCredentials === null) throw new Error('The settings have lost their credentials.');
    return {
      connector: requireConnector(services.connectors, settings.connector),
      encryptedCredentials,
      settings,
    };
  }
  const integration = await requireTarget(work, session);
  const connector = requireConnector(services.connectors, integration.connector);
  const read = readCredentials(connector, credentials);
  checkCredentials(connector, integration, read);
  const { integrationId, config } = integration;
  const given = { integrationId, connector, config, credentials: read };
  return {
    connector,
    encryptedCredentials: await encryptCredentials(work, services, given),
    integration,
  };
}

async function requireTarget(work: TenantWork, { integrationId }: ConnectSession): Promise<Integration> {
  const found = integrationId === null ? undefined : await findIntegration(work, { integrationId });
  if (found === undefined) throw new HttpError('connect_session_ended', { detail: GONE });
  return found;
}

/** A new integration exists while its consent is exchanged. If that comes to nothing, it goes again. */
export async function dropUnfinished(
  work: TenantWork,
  { settings, integrationId }: ConnectSession,
): Promise<void> {
  if (settings === null || integrationId === null) return;
  if ((await findIntegration(work, { integrationId })) === undefined) return;
  await deleteIntegration(work, { integrationId, by: 'connect_link' });
}

/** The body in which a person gives credentials. */
export const givenCredentials = z.strictObject({
  credentials: z.record(z.string().max(64), z.string().max(20_000)),
});
