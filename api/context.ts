/** Who is asking, as every route gets it. */
import type { ApiKeyRole } from '../db/tables';

export interface RequestContext {
  requestId: string;
  ip: string | null;
}

export interface PlatformCaller {
  kind: 'platform';
  actor: 'platform';
}

export interface TenantCaller {
  kind: 'tenant';
  tenantId: string;
  /** Null where somebody signed in to the console. */
  apiKeyId: string | null;
  /** Who signed in, or whom the key acts for; null = a program on its own behalf. */
  personId: string | null;
  role: ApiKeyRole;
  /** `key:<name>` or `person:<name>`: how the push log and the audit log name this caller. */
  actor: string;
  /** The key's public part, or the session's id: what requests are counted by. */
  publicId: string;
}

export type Caller = PlatformCaller | TenantCaller;
