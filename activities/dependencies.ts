/**
 * The dependencies of activities, assembled in worker/dependencies.ts. Each activity declares what it uses
 * (`Pick`).
 */
import type { Connector, ConnectorContext, HttpClient } from '../connectors/connector';
import type { ClientIdentity } from '../connectors/http';
import type { Database } from '../db/database';
import type { ErasureLimits } from '../db/erasures/advance-erasure';
import type { Integration } from '../db/integrations/integrations';
import type { Encryption } from '../db/platform/encryption';
import type { WhyUrlIsRefused } from '../domain/connector-settings';
import type { RequestPriority } from '../domain/rate-limit/rate-limiter';
import { OUTAGE_LIMITS, type OutageLimits } from '../domain/retry';
import type { Mailer } from '../egress/mail/smtp-mailer';
import type { WebhookSender } from '../egress/webhook-sender';
import type { DeliveringEndpoint } from '../db/webhooks/endpoint-queue';

export interface OpenConnector {
  connector: Connector;
  context: ConnectorContext;
}

/** `encryptedCredentials` are used instead of the stored credentials. */
export type IntegrationToOpen = Pick<
  Integration,
  'integrationId' | 'connector' | 'config' | 'recordTypes' | 'credentialsUpdatedAt'
> & { encryptedCredentials?: string | null };

export interface ActivityLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ActivityDependencies {
  database: Database;
  /**
   * The connector of an integration with its settings, decrypted credentials, and an HTTP client under the
   * egress policy whose requests end when `signal` aborts. @throws Unauthorized without credentials, or if
   * they cannot be decrypted.
   */
  openConnector(
    tenantId: string,
    integration: IntegrationToOpen,
    signal: AbortSignal,
    priority: RequestPriority,
  ): Promise<OpenConnector>;
  /** The egress policy for addresses in settings. */
  whyUrlIsRefused: WhyUrlIsRefused;
  /** What the exchange and the refresh of tokens need beside an opened connector. */
  oauth: OAuthDependencies;
  /** The number of records that one claim takes for a connector. */
  batchSizeOf(connectorKind: string): number;
  /** The calls of pushes that an integration makes at the same time, over all workers. */
  callsAtOnceOf(integration: Pick<Integration, 'connector' | 'config'>): number;
  /** null without SMTP settings: e-mails wait. */
  mailer: Mailer | null;
  /** The token of a person's unsubscribe link. */
  unsubscribeTokenOf(person: { tenantId: string; personId: string }): string;
  webhookSender: WebhookSender;
  /** What an endpoint's owner stored encrypted, for sending at `now`. */
  openWebhookSecrets(endpoint: DeliveringEndpoint, now: Date): Promise<OpenedWebhookSecrets>;
  log: ActivityLog;
  pushing: PushingLimits;
  pulling: PullingLimits;
  delivering: DeliveringLimits;
  erasing: ErasureLimits;
  /** True once the worker is stopping: activities finish current work and start nothing. */
  isStopping(): boolean;
}

export interface OAuthDependencies {
  encryption: Encryption;
  connectors: Record<string, Connector>;
  /** `hosts`: where the configuration of the integration allows connections to. */
  createHttpClient(options: {
    hosts: readonly string[];
    signal: AbortSignal;
    owner: { tenantId: string; integrationId: string };
    identity?: ClientIdentity | undefined;
  }): HttpClient;
}

interface OpenedWebhookSecrets {
  /** The valid signing secrets, the newest first. */
  secrets: string[];
  ownHeaders: Record<string, string>;
}

export interface PushingLimits {
  /**
   * How long a claim belongs to a worker that does not renew it. Longer than the activity's heartbeat
   * timeout, so that the claim ends only after Temporal has given the activity up.
   */
  leaseMs: number;
  /**
   * The activity starts no further batch after this; the next execution continues, so that tenants take
   * turns.
   */
  timeBoxMs: number;
  /** Batches in progress at the same time per execution. */
  parallelBatches: number;
  /** The most executions of one push queue at the same time. */
  shardsMax: number;
  /** An execution that works alone ends after this, if more of them could share what is due. */
  spreadAfterMs: number;
  outage: OutageLimits;
}

export const PUSHING_LIMITS: PushingLimits = {
  leaseMs: 17_000,
  timeBoxMs: 20_000,
  parallelBatches: 2,
  shardsMax: 8,
  spreadAfterMs: 3_000,
  outage: OUTAGE_LIMITS,
};

export interface PullingLimits {
  /** How many records of a type a tenant can have, unless it has a limit of its own. */
  recordsPerType: number;
  /**
   * The activity requests no further page after this; the next execution continues, so that tenants take
   * turns.
   */
  timeBoxMs: number;
  /** A list with `fromRecords` or more is read in up to `atMost` ranges at the same time. */
  ranges: { atMost: number; fromRecords: number };
  outage: OutageLimits;
}

export const PULLING_LIMITS: PullingLimits = {
  recordsPerType: 1_000_000,
  timeBoxMs: 60_000,
  ranges: { atMost: 4, fromRecords: 100_000 },
  outage: OUTAGE_LIMITS,
};

export interface DeliveringLimits {
  /** As in `PushingLimits`. */
  leaseMs: number;
  /** The activity starts no further attempt after this. */
  timeBoxMs: number;
  /** Deliveries in progress at the same time to one endpoint. */
  atOnce: number;
  /** Deliveries that one claim takes. */
  perClaim: number;
}

export const DELIVERING_LIMITS: DeliveringLimits = {
  leaseMs: 17_000,
  timeBoxMs: 20_000,
  atOnce: 20,
  perClaim: 300,
};
