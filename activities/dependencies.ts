/** What activities are given, put together in worker/dependencies.ts. Each activity asks for what it uses (`Pick`). */
import type { Connector, ConnectorContext } from '../connectors/connector';
import type { Database } from '../db/database';
import type { Integration } from '../db/integrations/integrations';
import type { RequestPriority } from '../domain/rate-limit/rate-limiter';
import type { Mailer } from '../egress/mail/smtp-mailer';
import type { WebhookSender } from '../egress/webhook-sender';
import type { DeliveringEndpoint } from '../db/webhooks/endpoint-queue';

export interface OpenConnector {
  connector: Connector;
  context: ConnectorContext;
}

export interface ActivityLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ActivityDependencies {
  database: Database;
  /**
   * The connector of an integration with its settings, opened credentials and a gated HTTP client that ends when `signal` aborts.
   * Throws `Unauthorized` when there are no credentials, or they cannot be opened.
   */
  openConnector(
    tenantId: string,
    integration: Integration,
    signal: AbortSignal,
    priority: RequestPriority,
  ): Promise<OpenConnector>;
  /** How many records of a connector one claim takes. */
  batchSizeOf(connectorKind: string): number;
  /** null where the operator gave no SMTP settings: e-mails wait. */
  mailer: Mailer | null;
  webhookSender: WebhookSender;
  /** The secrets that sign for an endpoint at `now`, the newest first. */
  openWebhookSecrets(endpoint: DeliveringEndpoint, now: Date): Promise<string[]>;
  log: ActivityLog;
  pushing: PushingLimits;
  pulling: PullingLimits;
  delivering: DeliveringLimits;
  /** True once the worker was told to stop: finish what is begun, begin nothing. */
  isStopping(): boolean;
}

export interface PushingLimits {
  /** How long a claim belongs to a worker that gives no sign of life. Longer than the activity's heartbeat timeout, so that nobody else holds it by then. */
  leaseMs: number;
  /** A wake begins no further batch after this; what is left is the next wake's, so that tenants take turns. */
  timeBoxMs: number;
  /** Batches worked on at once in one lane. */
  parallelBatches: number;
}

export const PUSHING_LIMITS: PushingLimits = { leaseMs: 17_000, timeBoxMs: 20_000, parallelBatches: 2 };

export interface PullingLimits {
  /** A piece of a job asks for no further page after this; what is left is the next piece's, so that tenants take turns. */
  timeBoxMs: number;
}

export const PULLING_LIMITS: PullingLimits = { timeBoxMs: 60_000 };

export interface DeliveringLimits {
  /** As of a push. */
  leaseMs: number;
  /** A wake begins no further attempt after this. */
  timeBoxMs: number;
  /** Deliveries under way at once to one endpoint. */
  atOnce: number;
  /** Deliveries that one claim takes. */
  perClaim: number;
}

export const DELIVERING_LIMITS: DeliveringLimits = {
  leaseMs: 17_000,
  timeBoxMs: 20_000,
  atOnce: 20,
  perClaim: 200,
};
