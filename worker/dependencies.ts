/** Puts together what activities are given. */
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
import { createTokenStores } from './token-cache';

export interface DependencyParts {
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

export function createDependencies(parts: DependencyParts): ActivityDependencies {
  const { database, encryption, connectors, log } = parts;
  const tokensOf = createTokenStores();
  const grantsOf = createRateLimitPermits({
    database,
    onTrouble: (error) => log.warn({ err: error }, 'the request budget could not be asked'),
  });
  const connectorOf = (kind: string): Connector => {
    const connector = connectors[kind];
    if (connector === undefined)
      throw new Error(
        `This worker knows no connector "${kind}". Start a worker of the version that linked it.`,
      );
    return connector;
  };

  return {
    database,
    log,
    mailer: parts.mailer,
    webhookSender: parts.webhookSender,
    isStopping: parts.isStopping,
    pushing: parts.pushing ?? PUSHING_LIMITS,
    pulling: parts.pulling ?? PULLING_LIMITS,
    delivering: parts.delivering ?? DELIVERING_LIMITS,
    batchSizeOf: (kind) => connectorOf(kind).batchSize,

    openWebhookSecrets: ({ endpointId, tenantId, secrets }, now) =>
      database.withTenant(tenantId, async (work) => {
        const opened: string[] = [];
        for (const { encrypted, expiresAt } of secrets) {
          if (expiresAt === null || new Date(expiresAt) > now)
            opened.push(await encryption.open(work, webhookSecretsLocation(endpointId), encrypted));
        }
        return opened;
      }),

    async openConnector(tenantId, integration, signal, priority) {
      const { integrationId } = integration;
      const connector = connectorOf(integration.connector);
      const credentials = await database.withTenant(tenantId, async (work) => {
        const encrypted = await findEncryptedCredentials(work, { integrationId });
        return encrypted === null
          ? {}
          : (JSON.parse(
              await encryption.open(work, credentialsLocation(integrationId), encrypted),
            ) as unknown);
      });
      const parsed = connector.credentialsSchema.safeParse(credentials);
      if (!parsed.success)
        throw new Unauthorized('The integration has no credentials that its connector can use.');
      const config = connector.configSchema.parse(integration.config);
      const context = {
        config,
        credentials: parsed.data,
        mappings: integration.recordTypes,
        http: rateLimitedHttp(parts.createHttpClient({ hosts: connector.hosts(config), signal }), {
          budget: grantsOf(tenantId, integrationId),
          priority,
          signal,
        }),
        sockets: parts.createSocketOpener({ hosts: connector.hosts(config), signal }),
        tokens: tokensOf(integrationId, integration.credentialsUpdatedAt),
        signal,
      };
      return { connector, context };
    },
  };
}
