/** Builds the dependencies of the activities. */
import {
  type ActivityDependencies,
  DELIVERING_LIMITS,
  PULLING_LIMITS,
  PUSHING_LIMITS,
} from '../activities/dependencies';
import {
  batchSizeOf,
  type ConnectorOpenerOptions,
  callsAtOnce,
  createConnectorOpener,
} from '../activities/integrations/open-connector';
import { ERASURE_LIMITS } from '../db/erasures/advance-erasure';
import { webhookSecretsLocation } from '../db/webhooks/endpoint-queue';
import { unsubscribeToken } from '../db/notifications/unsubscribe-token';
import { endpointHeadersLocation } from '../db/webhooks/endpoints';
import type { Mailer } from '../egress/mail/smtp-mailer';
import type { WebhookSender } from '../egress/webhook-sender';

export interface DependenciesOptions extends ConnectorOpenerOptions {
  mailer: Mailer | null;
  webhookSender: WebhookSender;
  isStopping(): boolean;
  whyUrlIsRefused: ActivityDependencies['whyUrlIsRefused'];
  pushing?: ActivityDependencies['pushing'];
  pulling?: ActivityDependencies['pulling'];
  delivering?: ActivityDependencies['delivering'];
  erasing?: ActivityDependencies['erasing'];
}

export function createDependencies(options: DependenciesOptions): ActivityDependencies {
  const { database, encryption, connectors, log } = options;
  return {
    database,
    log,
    mailer: options.mailer,
    unsubscribeTokenOf: (person) => unsubscribeToken(encryption, person),
    webhookSender: options.webhookSender,
    isStopping: options.isStopping,
    whyUrlIsRefused: options.whyUrlIsRefused,
    pushing: options.pushing ?? PUSHING_LIMITS,
    pulling: options.pulling ?? PULLING_LIMITS,
    delivering: options.delivering ?? DELIVERING_LIMITS,
    erasing: options.erasing ?? ERASURE_LIMITS,
    batchSizeOf: (kind) => batchSizeOf(connectors, kind),
    callsAtOnceOf: (integration) => callsAtOnce(connectors, integration),
    openConnector: createConnectorOpener(options),
    oauth: options,

    openWebhookSecrets: ({ endpointId, tenantId, secrets, headers }, now) =>
      database.withTenant(tenantId, async (work) => {
        const opened: string[] = [];
        for (const { encrypted, expiresAt } of secrets) {
          if (expiresAt === null || new Date(expiresAt) > now)
            opened.push(await encryption.open(work, webhookSecretsLocation(endpointId), encrypted));
        }
        const location = endpointHeadersLocation({ endpointId });
        const ownHeaders = headers === null ? '{}' : await encryption.open(work, location, headers);
        return { secrets: opened, ownHeaders: JSON.parse(ownHeaders) as Record<string, string> };
      }),
  };
}
