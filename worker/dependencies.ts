/** Builds the dependencies of the activities. */
import {
  type ActivityDependencies,
  type ActivityLog,
  DELIVERING_LIMITS,
  PULLING_LIMITS,
  PUSHING_LIMITS,
} from '../activities/dependencies';
import { rateLimitedHttp } from '../activities/integrations/rate-limited-http';
import { createRateLimitPermits } from '../activities/integrations/rate-limit-permits';
import type { Connector, HttpClient, SocketOpener } from '../connectors/connector';
import { Unauthorized } from '../connectors/errors';
import type { Database } from '../db/database';
import { credentialsLocation, findEncryptedCredentials } from '../db/integrations/integrations';
import type { Encryption } from '../db/platform/encryption';
import { webhookSecretsLocation } from '../db/webhooks/endpoint-queue';
import type { Mailer } from '../egress/mail/smtp-mailer';
import type { WebhookSender } from '../egress/webhook-sender';
import { createTokenCache } from './token-cache';

export interface DependenciesOptions {
  database: Database;
  encryption: Encryption;
  connectors: Record<string, Connector>;
  createHttpClient(options: { hosts: readonly string[]; signal: AbortSignal }): HttpClient;
  createSocketOpener(options: { hosts: readonly string[]; signal: AbortSignal }): SocketOpener;
  mailer: Mailer | null;
  webhookSender: WebhookSender;
  log: ActivityLog;
  isStopping(): boolean;
  pushing?: ActivityDependencies['pushing'];
  pulling?: ActivityDependencies['pulling'];
  delivering?: ActivityDependencies['delivering'];
}

export function createDependencies(options: DependenciesOptions): ActivityDependencies {
  const { database, encryption, connectors, log } = options;
  return {
    database,
    log,
    mailer: options.mailer,
    webhookSender: options.webhookSender,
    isStopping: options.isStopping,
    pushing: options.pushing ?? PUSHING_LIMITS,
    pulling: options.pulling ?? PULLING_LIMITS,
    delivering: options.delivering ?? DELIVERING_LIMITS,
    batchSizeOf: (kind) => findConnector(connectors, kind).batchSize,
    openConnector: createConnectorOpener(options),

    openWebhookSecrets: ({ endpointId, tenantId, secrets }, now) =>
      database.withTenant(tenantId, async (work) => {
        const opened: string[] = [];
        for (const { encrypted, expiresAt } of secrets) {
          if (expiresAt === null || new Date(expiresAt) > now)
            opened.push(await encryption.open(work, webhookSecretsLocation(endpointId), encrypted));
        }
        return opened;
      }),
  };
}

function findConnector(connectors: Record<string, Connector>, kind: string): Connector {
  const connector = connectors[kind];
  if (connector === undefined)
    throw new Error(
      `This worker has no connector "${kind}". Start a worker of the version that linked the integration.`,
    );
  return connector;
}

/**
 * Opens an integration's connector: decrypted credentials, rate-limited HTTP, guarded sockets, cached tokens.
 */
function createConnectorOpener(options: DependenciesOptions): ActivityDependencies['openConnector'] {
  const { database, encryption, connectors, log } = options;
  const tokensOf = createTokenCache();
  const permitsOf = createRateLimitPermits({
    database,
    onTrouble: (error) => log.warn({ err: error }, 'could not read the rate limiter from the database'),
  });

  const readCredentials = (tenantId: string, integrationId: string): Promise<unknown> =>
    database.withTenant(tenantId, async (work) => {
      const encrypted = await findEncryptedCredentials(work, { integrationId });
      if (encrypted === null) return {};
      return JSON.parse(await encryption.open(work, credentialsLocation(integrationId), encrypted));
    });

  return async (tenantId, integration, signal, priority) => {
    const { integrationId } = integration;
    const connector = findConnector(connectors, integration.connector);
    const credentials = connector.credentialsSchema.safeParse(await readCredentials(tenantId, integrationId));
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
