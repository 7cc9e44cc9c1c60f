import type { Generated } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { Json } from './json-column';

export interface OAuthAppsTable {
  /** PLATFORM_TENANT_ID for an app that all tenants may use. */
  tenantId: string;
  oauthAppId: string;
  name: string;
  clientId: string;
  clientSecret: string | null;
  webhookSecret: Generated<string | null>;
  allowedOrigins: Json<string[]>;
  version: Generated<number>;
  createdAt: Date;
  updatedAt: Date;
}

/** The address to which a third party sends the webhooks of all accounts of an app. */
export interface OAuthAppWebhooksTable {
  tenantId: string;
  oauthAppId: string;
  /** The definition whose current version describes the webhooks. */
  definitionKey: string;
  /** SHA-256. */
  tokenHash: Buffer;
  /** Encrypted; null = not given yet. */
  secret: string | null;
  createdAt: Date;
  /** Of the last call that was verified, to ten seconds; null = none was. */
  receivedAt: Date | null;
  refusedAt: Date | null;
  unknownEvents: Generated<number>;
}

export interface OAuthAccountsTable {
  tenantId: string;
  integrationId: string;
  connectionId: string;
  appTenantId: string;
  oauthAppId: string;
  accessToken: string;
  refreshToken: string | null;
  previousRefreshToken: string | null;
  accessExpiresAt: Date | null;
  refreshDueAt: Date | null;
  generation: Generated<number>;
  refreshedAt: Date;
  refreshLeaseId: string | null;
  refreshLeaseUntil: Date | null;
  unansweredSince: Date | null;
  failedRefreshes: Generated<number>;
  scopes: string | null;
  accountId: string | null;
  accountName: string | null;
  /** The connection whose account was read as a definition says. */
  provedConnectionId: Generated<string | null>;
  connectedAt: Date;
  connectedBy: string;
  refusedAt: Date | null;
  refusedReason: string | null;
}

/** What became of a consent. `message` is for people. */
export interface ConsentResult {
  ok: boolean;
  kind: 'refused' | 'unavailable' | 'expired' | 'other_account' | 'internal' | null;
  message: string;
  account_id?: string | null;
  account_name?: string | null;
  /** What was asked for and not granted. */
  missing_scopes?: string[];
  /** Of which the person picks one: `account_id`. */
  accounts?: { id: string; name: string | null }[];
}

export interface OAuthConsentsTable {
  tenantId: string;
  oauthConsentId: string;
  integrationId: string;
  stateHash: Buffer;
  verifier: string;
  code: string | null;
  iss: string | null;
  redirectUri: string;
  auth: Json<JsonObject>;
  mayChangeAccount: Generated<boolean>;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
  usedAt: Date | null;
  result: Json<ConsentResult | null> | null;
}
