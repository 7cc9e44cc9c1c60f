/** What the function of a route gets beside its input. */
import type { BrowserSession } from '../auth/console-sessions';
import type { RouteServices } from '../dependencies';
import type { Caller, PlatformCaller, TenantCaller } from './caller';

export interface RouteContext {
  requestId: string;
  ip: string | null;
  services: RouteServices;
}

export interface TenantContext extends RouteContext {
  caller: TenantCaller | PlatformCaller;
}

export interface ConsoleContext extends RouteContext {
  session: BrowserSession;
  /** Null on routes that do not need a session. */
  caller: Caller | null;
}

/** What a request carries on its way through Express. */
export interface RequestContext {
  requestId: string;
  ip: string | null;
  caller: Caller | undefined;
  /** The browser session, on console routes only. */
  session: BrowserSession | undefined;
  isStillAllowed: () => Promise<boolean>;
  /** Time spent on authentication; it counts towards the limit on the response time. */
  authenticationMs: number;
}
