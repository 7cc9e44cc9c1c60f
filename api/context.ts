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
  apiKeyId: string;
  role: ApiKeyRole;
  /** `key:<name>`: how the push log and the audit log name this caller. */
  actor: string;
  /** The key's public part: what requests are counted by. */
  publicId: string;
}

export type Caller = PlatformCaller | TenantCaller;
