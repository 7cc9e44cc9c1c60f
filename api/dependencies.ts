/** What routes are made of; put together by main.ts, and by tests with fakes where the service ends. */
import type { Logger } from 'pino';
import type { Database } from '../db/database';
import type { Encryption } from '../db/platform/encryption';
import type { DescribedConnector, WhyUrlIsRefused } from './integrations/connector-catalogue';
import type { Metrics } from './http/metrics';
import type { Orchestrator } from './temporal-client';
import type { Readiness } from './http/readiness';
import type { StreamHub } from './stream/stream-hub';

export interface OidcSettings {
  issuer: string;
  clientId: string;
  clientSecret: string;
}

export interface ApiSettings {
  /** Under which callers reach the API, without a slash at the end. */
  publicUrl: string;
  platformKey: string;
  trustedProxies: readonly string[];
  rateLimitPerSecond: number;
  /** Where the built console lies; it may be missing. */
  consoleFolder: string;
  /** Below which Temporal's UI shows workflows by their id, for operators; null = not told. */
  workflowsUrl: string | null;
  /** A provider to sign in with beside passwords; null = none. */
  oidc: OidcSettings | null;
  /** From then on the policy `first_dataset` is gone (rules.md 42). */
  companySynchronizedSwitchAt: Date;
  /** Callers get 503 when no answer is there by then (rules.md R6). */
  answerWithinMs: number;
}

export interface ApiDependencies {
  database: Database;
  encryption: Encryption;
  orchestrator: Orchestrator;
  /** By kind. */
  connectors: Readonly<Record<string, DescribedConnector>>;
  whyUrlIsRefused: WhyUrlIsRefused;
  config: ApiSettings;
  stream: StreamHub;
  readiness: Readiness;
  metrics: Metrics;
  log: Logger;
}
