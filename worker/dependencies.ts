/** Puts together what activities are given. */
import { type ActivityDependencies, type ActivityLog, DELIVERING_LIMITS, PULLING_LIMITS, PUSHING_LIMITS } from '../activities/dependencies';
import { budgetedHttp } from '../activities/integrations/rate-limited-http';
import { createRequestGrants } from '../activities/integrations/rate-limit-permits';
import type { Connector, HttpClient, SocketOpener } from '../connectors/connector';
import { Unauthorized } from '../connectors/errors';
import type { Database } from '../db/database';
import { credentialsPlace, findSealedCredentials } from '../db/integrations/integrations';
import type { Sealing } from '../db/platform/encryption';
import { webhookSecretsPlace } from '../db/webhooks/endpoint-queue';
import type { Mailer } from '../egress/mail/smtp-mailer';
import type { WebhookSender } from '../egress/webhook-sender';
import { createTokenStores } from './token-cache';

export interface DependencyParts {
  database: Database;
  sealing: Sealing;
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
  const { database, sealing, connectors, log } = parts;
  const tokensOf = createTokenStores();
  const grantsOf = createRequestGrants({ database, onTrouble: (error) => log.warn({ err: error }, 'the request budget could not be asked') });
  const connectorOf = (kind: string): Connector => {
    const connector = connectors[kind];
    if (connector === undefined) throw new Error(`This worker knows no connector "${kind}". Start a worker of the version that linked it.`);
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
        for (const { sealed, expiresAt } of secrets) {
          if (expiresAt === null || new Date(expiresAt) > now) opened.push(await sealing.open(work, webhookSecretsPlace(endpointId), sealed));
        }
        return opened;
      }),

    async openConnector(tenantId, integration, signal, priority) {
      const { integrationId } = integration;
      const connector = connectorOf(integration.connector);
      const credentials = await database.withTenant(tenantId, async (work) => {
        const sealed = await findSealedCredentials(work, { integrationId });
        return sealed === null ? {} : (JSON.parse(await sealing.open(work, credentialsPlace(integrationId), sealed)) as unknown);
      });
      const parsed = connector.credentialsSchema.safeParse(credentials);
      if (!parsed.success) throw new Unauthorized('The integration has no credentials that its connector can use.');
      const config = connector.configSchema.parse(integration.config);
      const context = {
        config,
        credentials: parsed.data,
        mappings: integration.recordTypes,
        http: budgetedHttp(parts.createHttpClient({ hosts: connector.hosts(config), signal }), { budget: grantsOf(tenantId, integrationId), priority, signal }),
        sockets: parts.createSocketOpener({ hosts: connector.hosts(config), signal }),
        tokens: tokensOf(integrationId, integration.credentialsUpdatedAt),
        signal,
      };
      return { connector, context };
    },
  };
}
