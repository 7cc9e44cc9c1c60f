/**
 * Console sessions. The browser holds a random id in a cookie that scripts cannot read; the database holds
 * the SHA-256 of the id. Signing in replaces the id, so an id planted by an attacker becomes worthless
 * (rules.md S19).
 *
 * A session ends after 30 minutes without use, 12 hours after signing in, on signing out, when an admin or
 * the user ends it, when the password changes, and when the person is disabled. The role is read with every
 * request.
 *
 * An operator of the platform has a session of the same kind, but it ends after 15 minutes without use. A
 * session belongs to a person or to an operator, never to both. Cookies are signed with a key that comes from
 * the platform key, so a new platform key ends all sessions.
 */
import { hkdfSync } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import session from 'express-session';
import type { Logger } from 'pino';
import type { Database } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import type { SignedIn } from '../../db/tables/tenants';
import { prolongConsoleSession } from '../../db/tenants/console-sessions';
import { findPerson } from '../../db/tenants/people';
import type { PlatformCaller, TenantCaller } from '../routing/caller';
import { createDeviceCookies, type DeviceCookies } from './device-cookies';
import {
  createOpenSessionCheck,
  createSessionStore,
  hashOfSessionId,
  IDLE_MS,
  PLATFORM_IDLE_MS,
  SESSION_ENDS_AFTER_MS,
} from './session-store';

const PROLONG_INTERVAL_MS = 60_000;
const PROLONGED_MAX = 10_000;
const RECHECK_AFTER_MS = 1_000;

/** What is remembered about a visitor who was redirected to an identity provider. */
interface ProviderSignIn {
  state: string;
  nonce: string;
  codeVerifier: string;
  returnTo: string;
}

/** An operator who is signed in with the platform key. The key itself is not stored. */
interface PlatformSignedIn {
  sessionId: string;
  /** RFC 3339. */
  at: string;
}

declare module 'express-session' {
  interface SessionData {
    signedIn: SignedIn;
    platform: PlatformSignedIn;
    providerSignIn: ProviderSignIn;
  }
}

/** The session of one request, as routes see it. */
export interface BrowserSession {
  /** The id of the browser if the person has signed in there before; otherwise undefined. */
  deviceOf(person: { personId: string }): string | undefined;
  /** Replaces the browser's session by a new one and returns the id of the new one. Marks the browser. */
  start(person: { tenantId: string; personId: string }, now: Date): Promise<string>;
  /** The same for an operator of the platform. */
  startPlatform(now: Date): Promise<string>;
  end(): Promise<void>;
  rememberProviderSignIn(signIn: ProviderSignIn): Promise<void>;
  /** Returns what was remembered and removes it. */
  takeProviderSignIn(): Promise<ProviderSignIn | undefined>;
}

export interface ConsoleSessions {
  /** Reads the cookie. Must run before the methods below, on console routes only. */
  read: RequestHandler;
  of(request: Request): BrowserSession;
  /** Undefined when the browser has no open session. */
  authenticate(request: Request): Promise<TenantCaller | undefined>;
  /** Undefined when the browser has no open session of an operator of the platform. */
  authenticatePlatform(request: Request): Promise<PlatformCaller | undefined>;
  /** For streams, which outlive their authentication. The result is cached for a second. */
  isStillOpen(request: Request): Promise<boolean>;
}

interface SessionCookie {
  name: string;
  isSecure: boolean;
}

export function createConsoleSessions(options: {
  database: Database;
  publicUrl: string;
  platformKey: string;
  log: Logger;
}): ConsoleSessions {
  const { database } = options;
  const cookie = cookieFor(options.publicUrl);
  const readCookie = createCookieReader(cookie, options);
  const devices = createDeviceCookies({ ...options, ...cookie });
  const prolong = createProlongation(database);
  const isSessionOpen = createOpenSessionCheck(database);
  const checks = new WeakMap<Request, { until: number; isOpen: Promise<boolean> }>();

  return {
    read(request, response, next) {
      // PUBLIC_URL says whether callers use TLS; behind a proxy that terminates TLS the connection itself
      // does not show it.
      if (cookie.isSecure) request.headers['x-forwarded-proto'] = 'https';
      void readCookie(request, response, next);
    },

    of: (request) => browserSessionOf(request, cookie, devices),

    async authenticate(request) {
      const { signedIn } = request.session;
      if (signedIn === undefined) return undefined;
      const caller = await findCaller(database, signedIn);
      const isOpen = caller !== undefined && (await prolong(hashOfSessionId(request.sessionID), untilIdle));
      return isOpen ? caller : undefined;
    },

    async authenticatePlatform(request) {
      const { platform } = request.session;
      if (platform === undefined) return undefined;
      const isOpen = await prolong(hashOfSessionId(request.sessionID), (now) => untilEnd(platform, now));
      if (!isOpen) return undefined;
      return { kind: 'platform', actor: 'platform', sessionId: toTypeId('ses', platform.sessionId) };
    },

    async isStillOpen(request) {
      const { signedIn } = request.session;
      if (signedIn === undefined) return false;
      const known = checks.get(request);
      if (known !== undefined && known.until > performance.now()) return known.isOpen;
      const isOpen = isSessionOpen(hashOfSessionId(request.sessionID), signedIn);
      checks.set(request, { until: performance.now() + RECHECK_AFTER_MS, isOpen });
      return isOpen;
    },
  };
}

function createCookieReader(
  cookie: SessionCookie,
  { database, platformKey, log }: { database: Database; platformKey: string; log: Logger },
): RequestHandler {
  return session({
    name: cookie.name,
    cookie: { httpOnly: true, sameSite: 'lax', path: '/', secure: cookie.isSecure },
    store: createSessionStore(database, log),
    // The id itself is random enough; the signature saves a database query for ids that were made up.
    secret: Buffer.from(hkdfSync('sha256', platformKey, '', 'syncline console session', 32)).toString(
      'base64',
    ),
    resave: false,
    saveUninitialized: false,
    proxy: true,
  });
}

/**
 * Extends a session by its idle time, at most once a minute. The returned function answers whether the
 * session is open.
 */
function createProlongation(
  database: Database,
): (sid: string, untilOf: (now: Date) => Date) => Promise<boolean> {
  const prolonged = new Map<string, number>();
  return async (sid, untilOf) => {
    if ((prolonged.get(sid) ?? -PROLONG_INTERVAL_MS) > performance.now() - PROLONG_INTERVAL_MS) return true;
    const isOpen = await database.withPlatform((work) =>
      prolongConsoleSession(work, { sid, until: untilOf(work.now) }),
    );
    if (prolonged.size >= PROLONGED_MAX) prolonged.clear();
    if (isOpen) prolonged.set(sid, performance.now());
    return isOpen;
  };
}

const untilIdle = (now: Date): Date => new Date(now.getTime() + IDLE_MS);
const untilEnd = ({ at }: PlatformSignedIn, now: Date): Date =>
  new Date(Math.min(now.getTime() + PLATFORM_IDLE_MS, Date.parse(at) + SESSION_ENDS_AFTER_MS));

/** Undefined when the session is too old, or its person is disabled or gone. */
async function findCaller(
  database: Database,
  { tenantId, personId, sessionId, at }: SignedIn,
): Promise<TenantCaller | undefined> {
  const { person, now } = await database.withTenant(tenantId, async (work) => ({
    person: await findPerson(work, { personId }),
    now: work.now,
  }));
  const isExpired = now.getTime() - new Date(at).getTime() >= SESSION_ENDS_AFTER_MS;
  if (person === undefined || person.disabledAt !== null || isExpired) return undefined;
  const { role, name } = person;
  const publicId = toTypeId('ses', sessionId);
  return { kind: 'tenant', tenantId, apiKeyId: null, personId, role, actor: `person:${name}`, publicId };
}

function browserSessionOf(
  request: Request,
  { name, isSecure }: SessionCookie,
  devices: DeviceCookies,
): BrowserSession {
  return {
    deviceOf: (person) => devices.read(request, person),
    async start({ tenantId, personId }, now) {
      await promisify((callback) => request.session.regenerate(callback));
      const sessionId = newUuid();
      request.session.signedIn = {
        tenantId,
        personId,
        sessionId,
        at: now.toISOString(),
        ip: request.ip ?? null,
        userAgent: request.get('user-agent')?.slice(0, 300) ?? null,
      };
      await promisify((callback) => request.session.save(callback));
      devices.write(request, { personId });
      return sessionId;
    },
    async startPlatform(now) {
      await promisify((callback) => request.session.regenerate(callback));
      const sessionId = newUuid();
      request.session.platform = { sessionId, at: now.toISOString() };
      // No page of another site leads to the pages of operators, as an e-mail leads people to theirs.
      request.session.cookie.sameSite = 'strict';
      await promisify((callback) => request.session.save(callback));
      return sessionId;
    },
    async end() {
      await promisify((callback) => request.session.destroy(callback));
      request.res?.clearCookie(name, { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure });
    },
    async rememberProviderSignIn(signIn) {
      // The cookie of an operator would not come back from the provider, which is another site.
      if (request.session.platform !== undefined)
        await promisify((callback) => request.session.regenerate(callback));
      request.session.providerSignIn = signIn;
      await promisify((callback) => request.session.save(callback));
    },
    async takeProviderSignIn() {
      const { providerSignIn } = request.session;
      if (providerSignIn === undefined) return undefined;
      delete (request.session as Partial<session.SessionData>).providerSignIn;
      await promisify((callback) => request.session.save(callback));
      return providerSignIn;
    },
  };
}

/**
 * The prefix `__Host-` binds the cookie to this host and to TLS. Browsers refuse it without TLS, so on a
 * local machine, where PUBLIC_URL is http with a loopback address, the cookie has a plain name.
 */
function cookieFor(publicUrl: string): SessionCookie {
  return isLocalWithoutTls(publicUrl)
    ? { name: 'syncline', isSecure: false }
    : { name: '__Host-syncline', isSecure: true };
}

function isLocalWithoutTls(publicUrl: string): boolean {
  const { protocol, hostname } = new URL(publicUrl);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

/** Whether browsers keep the session cookie. Without TLS they do so for a local machine only. */
export function canSignIn({ publicUrl }: { publicUrl: string }): boolean {
  return publicUrl.startsWith('https:') || isLocalWithoutTls(publicUrl);
}

async function promisify(call: (callback: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}
