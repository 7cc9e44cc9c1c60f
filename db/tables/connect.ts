import type { ColumnType } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { Json } from './json-column';

/** What a person who opened the link was told last. Codes are those of the API's errors. */
export interface ConnectProblem {
  code: string;
  message: string;
  /** RFC 3339. */
  at: string;
}

export interface ConnectSessionsTable {
  tenantId: string;
  connectSessionId: string;
  state: 'open' | 'in_progress' | 'done' | 'failed' | 'cancelled';
  /** SHA-256 of the secret in the link. */
  secretHash: ColumnType<Buffer, Buffer, never>;
  /** SHA-256 of the cookie of the browser that opened the link; null = not opened. */
  browserHash: Buffer | null;
  /** Reconnected, or what the settings became. */
  integrationId: string | null;
  /** The body of a request for a new integration; null = reconnects one. */
  settings: Json<JsonObject | null> | null;
  person: string | null;
  guidance: Json<string[]>;
  returnUrl: string | null;
  problem: Json<ConnectProblem | null> | null;
  attempts: number;
  /** SHA-256; null once the provider has answered. */
  stateHash: Buffer | null;
  oauthConsentId: string | null;
  /** Without the state. */
  consentUrl: string | null;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
  openedAt: Date | null;
  finishedAt: Date | null;
}

export interface ConnectSettingsTable {
  tenantId: string;
  name: string | null;
  /** `#rrggbb`. */
  color: string | null;
  logoText: string | null;
  returnOrigins: Json<string[]>;
  frameAncestors: Json<string[]>;
  version: number;
  updatedAt: Date;
}
