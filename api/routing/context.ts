/** Who is asking, as every route gets it. */
import type { ApiKeyRole } from '../../db/tables/tenants';
import type { BrowserSession } from '../auth/console-sessions';

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

/** What a route has that signs people in and out. */
export interface ConsoleContext extends RequestContext {
  session: BrowserSession;
  /** Null where nobody has to be signed in. */
  caller: TenantCaller | null;
}

export type Caller = PlatformCaller | TenantCaller;
