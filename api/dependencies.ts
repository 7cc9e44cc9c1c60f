/** What the API is built from: assembled by main.ts, and by tests with fakes for external services. */
import type { Logger } from 'pino';
import type { Retention } from '../domain/retention';
import type { Database } from '../db/database';
import type { Encryption } from '../db/platform/encryption';
import type { Oidc, OidcSettings } from './auth/oidc';
import type { Metrics } from './http/metrics';
import type { Readiness } from './http/readiness';
import type { WhyUrlIsRefused } from '../domain/connector-settings';
import type { DescribedConnector } from './integrations/connector-catalogue';
import type { ListSlots } from './routing/list-slots';
import type { StreamHub } from './stream/stream-hub';
import type { TemporalClient } from './temporal-client';

export interface ApiSettings {
  /** The URL of the API as callers see it, without a trailing slash. */
  publicUrl: string;
  platformKey: string;
  trustedProxies: readonly string[];
  rateLimitPerSecond: number;
  /** The folder of the built console; it may be missing. */
  consoleFolder: string;
  /** The page of Temporal's UI under which operators find workflows by id; null = not configured. */
  workflowsUrl: string | null;
  /** An identity provider for signing in, beside passwords; null = none. */
  oidc: OidcSettings | null;
  /** The policy `first_dataset` is refused from this time on (rules.md 42). */
  companySynchronizedSwitchAt: Date;
  /** After this time a request without a response gets 503 (rules.md R6). */
  answerWithinMs: number;
  /** How long a request for an overview or a Sync Now waits for the end (rules.md 18). */
  operationWaitMs: number;
  /** Each integration can hold slots of the workers, which all tenants share. */
  integrationsPerTenant: number;
  /** How many records of a type a tenant can have; deleted ones that are kept count. */
  recordsPerType: number;
  /** How long history is kept; workers delete it. */
  retention: Retention;
}

export interface ApiDependencies {
  database: Database;
  encryption: Encryption;
  temporal: TemporalClient;
  /** By kind. */
  connectors: Readonly<Record<string, DescribedConnector>>;
  whyUrlIsRefused: WhyUrlIsRefused;
  config: ApiSettings;
  stream: StreamHub;
  readiness: Readiness;
  metrics: Metrics;
  log: Logger;
}

/** What the functions of routes can use. */
export interface RouteServices extends ApiDependencies {
  openapi(): object;
  /** Null when no identity provider is configured. */
  oidc: Oidc | null;
  listSlots: ListSlots;
}
