/**
 * Opens an integration's connector: decrypted credentials, rate-limited HTTP, guarded sockets, cached tokens.
 */
import type { Connector, HttpClient, SocketOpener, TokenStore } from '../../connectors/connector';
import { Unauthorized } from '../../connectors/errors';
import type { Database } from '../../db/database';
import { credentialsLocation, findEncryptedCredentials } from '../../db/integrations/integrations';
import type { Encryption } from '../../db/platform/encryption';
import type { ActivityDependencies, ActivityLog, IntegrationToOpen } from '../dependencies';
import { createRateLimitPermits } from './rate-limit-permits';
import { rateLimitedHttp } from './rate-limited-http';

const TOKENS_MAX = 5_000;

export interface ConnectorOpenerOptions {
  database: Database;
  encryption: Encryption;
  connectors: Record<string, Connector>;
  /** `hosts`: where the configuration of the integration allows connections to. */
  createHttpClient(options: { hosts: readonly string[]; signal: AbortSignal }): HttpClient;
  createSocketOpener(options: { hosts: readonly string[]; signal: AbortSignal }): SocketOpener;
  log: ActivityLog;
}

/** One per process: tokens and permits of the rate limiter are shared by all activities. */
export function createConnectorOpener(
  options: ConnectorOpenerOptions,
): ActivityDependencies['openConnector'] {
  const { database, encryption, connectors, log } = options;
  const tokensOf = createTokenCache();
  const permitsOf = createRateLimitPermits({
    database,
    onTrouble: (error) => log.warn({ err: error }, 'could not read the rate limiter from the database'),
  });

  const readCredentials = (
    tenantId: string,
    { integrationId, encryptedCredentials }: IntegrationToOpen,
  ): Promise<unknown> =>
    database.withTenant(tenantId, async (work) => {
      const encrypted = encryptedCredentials ?? (await findEncryptedCredentials(work, { integrationId }));
      if (encrypted === null) return {};
      return JSON.parse(await encryption.open(work, credentialsLocation(integrationId), encrypted));
    });

  return async (tenantId, integration, signal, priority) => {
    const { integrationId } = integration;
    const connector = findConnector(connectors, integration.connector);
    const credentials = connector.credentialsSchema.safeParse(await readCredentials(tenantId, integration));
    if (!credentials.success)
      throw new Unauthorized('The integration has no credentials that its connector can use.');
    const config = connector.configSchema.parse(integration.config);
    const hosts = connector.hosts(config);
    const context = {
      config,
      credentials: credentials.data,
      mappings: integration.recordTypes,
      http: rateLimitedHttp(options.createHttpClient({ hosts, signal }), {
        budget: permitsOf(tenantId, integrationId),
        priority,
        signal,
      }),
      sockets: options.createSocketOpener({ hosts, signal }),
      tokens: tokensOf(integrationId, integration.credentialsUpdatedAt),
      signal,
    };
    return { connector, context };
  };
}

export function findConnector(connectors: Record<string, Connector>, kind: string): Connector {
  const connector = connectors[kind];
  if (connector === undefined)
    throw new Error(
      `This worker has no connector "${kind}". Start a worker of the version that linked the integration.`,
    );
  return connector;
}

/**
 * Access tokens from connectors' logins, cached in this process per integration and version of its
 * credentials.
 */
function createTokenCache(): (integrationId: string, credentialsUpdatedAt: Date | null) => TokenStore {
  const tokens = new Map<string, { value: string; expiresAt: number | null }>();
  return (integrationId, credentialsUpdatedAt) => {
    const key = `${integrationId} ${credentialsUpdatedAt?.getTime() ?? 0}`;
    return {
      get: () => tokens.get(key),
      set: (token) => {
        // A cleared token only costs another login.
        if (tokens.size >= TOKENS_MAX) tokens.clear();
        tokens.set(key, token);
      },
      clear: () => void tokens.delete(key),
    };
  };
}
