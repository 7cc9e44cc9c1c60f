import type { Generated, GeneratedAlways } from 'kysely';
import type { Json } from './json-column';

/** Owns the endpoints that receive the events of all tenants. */
export const PLATFORM_TENANT_ID = '00000000-0000-0000-0000-000000000000';

export type ApiKeyRole = 'viewer' | 'operator' | 'admin';

/** The same three roles as for API keys. */
export type PersonRole = ApiKeyRole;

export type PersonTokenKind = 'first_admin' | 'invitation' | 'password_reset';

export type CompanySynchronizedPolicy = 'all_datasets' | 'first_dataset';

export interface TenantsTable {
  tenantId: string;
  name: string;
  timeZone: string;
  contactEmail: string | null;
  companySynchronizedPolicy: Generated<CompanySynchronizedPolicy>;
  integrationsMax: Generated<number | null>;
  recordsPerTypeMax: Generated<number | null>;
  /** When the counts of records were compared with the records last. */
  recordsCountedAt: Generated<Date | null>;
  version: Generated<number>;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
}

export interface ApiKeysTable {
  tenantId: string;
  apiKeyId: string;
  publicId: string;
  secretHash: Buffer;
  name: string;
  role: ApiKeyRole;
  createdBy: string;
  createdAt: Generated<Date>;
  expiresAt: Date;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

export interface PeopleTable {
  /** Whether the person wants e-mails about notifications. */
  isEmailOn: Generated<boolean>;
  tenantId: string;
  personId: string;
  name: string;
  /** As the admin wrote it. */
  email: string;
  /** Unique in the whole installation. Null: the address is another person's in another notation. */
  canonicalEmail: string | null;
  role: PersonRole;
  /** argon2id in its usual text form; null = no password was chosen yet. */
  passwordHash: string | null;
  disabledAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  lastSignedInAt: Date | null;
  version: Generated<number>;
}

/** Who a person is at an OpenID provider. */
export interface PersonIdentitiesTable {
  tenantId: string;
  personId: string;
  issuer: string;
  subject: string;
  linkedAt: Date;
}

export interface PersonTokensTable {
  tenantId: string;
  personTokenId: string;
  personId: string;
  kind: PersonTokenKind;
  /** SHA-256 of the token. */
  tokenHash: Buffer;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
  usedAt: Date | null;
}

/**
 * The signed-in user of a session. Before the sign-in a session only holds the state of an OpenID Connect
 * login.
 */
export interface SignedIn {
  tenantId: string;
  personId: string;
  sessionId: string;
  /** RFC 3339. */
  at: string;
  ip: string | null;
  userAgent: string | null;
}

/** Written by connect-pg-simple, and read here. */
export interface ConsoleSessionsTable {
  /** SHA-256 of the browser's cookie, in hex. */
  sid: string;
  sess: Json<{ signedIn?: SignedIn }>;
  expire: Date;
  tenantId: GeneratedAlways<string | null>;
  personId: GeneratedAlways<string | null>;
  sessionId: GeneratedAlways<string | null>;
}

export interface SignInFailuresTable {
  /** SHA-256 of the account's or the network's name. */
  subject: Buffer;
  failures: number;
  since: Date;
}
