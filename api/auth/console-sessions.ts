/**
 * Who is signed in to the console. The browser holds a random id in a cookie that only we are sent and no script can read; we hold its
 * SHA-256 and whose it is. The id is a new one from the moment of signing in, so that one planted before is worth nothing (rules.md S19).
 *
 * A session ends when nobody has used it for 30 minutes, 12 hours after signing in, by signing out, when somebody ends it, when the
 * password changes, and when the person is disabled. The role is read with every request.
 */
import { createHash, hkdfSync } from 'node:crypto';
import connectPgSimple from 'connect-pg-simple';
import type { Request, RequestHandler } from 'express';
import session from 'express-session';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import {
  isConsoleSessionOpen,
  prolongConsoleSession,
  runSessionStatement,
} from '../../db/tenants/console-sessions';
import type { Database } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { findPerson } from '../../db/tenants/people';
import type { SignedIn } from '../../db/tables/tenants';
import type { TenantCaller } from '../routing/context';

export const SESSION_ENDS_AFTER_MS = 12 * 3_600_000;
const IDLE_MS = 30 * 60_000;
/** How long somebody may take who was sent to sign in elsewhere. */
const UNKNOWN_VISITOR_SECONDS = 10 * 60;
const PROLONGED_EVERY_MS = 60_000;
const PROLONGED_MAX = 10_000;
const RECHECK_AFTER_MS = 1_000;

/** What is remembered of a visitor who was sent to another provider to sign in. */
export interface SignInElsewhere {
  state: string;
  nonce: string;
  codeVerifier: string;
  returnTo: string;
}

declare module 'express-session' {
  interface SessionData {
    signedIn: SignedIn;
    elsewhere: SignInElsewhere;
  }
}

/** The session of one request, as routes get it. */
export interface BrowserSession {
  /** Gives the browser a new session; the one it had is gone. Answers the new one's id. */
  begin(person: { tenantId: string; personId: string }, now: Date): Promise<string>;
  end(): Promise<void>;
  rememberElsewhere(elsewhere: SignInElsewhere): Promise<void>;
  /** What was remembered, once. */
  takeElsewhere(): Promise<SignInElsewhere | undefined>;
}

export interface ConsoleSessions {
  /** Reads the cookie. To be run before the two below, and on the console's routes only. */
  read: RequestHandler;
  of(request: Request): BrowserSession;
  /** Undefined when nobody is signed in, or not any more. */
  authenticate(request: Request): Promise<TenantCaller | undefined>;
  /** For what goes on after the request was admitted; looks again after a second. */
  isStillOpen(request: Request): Promise<boolean>;
}

export function createConsoleSessions({
  database,
  publicUrl,
  platformKey,
  log,
}: {
  database: Database;
  publicUrl: string;
  platformKey: string;
  log: Logger;
}): ConsoleSessions {
  const cookie = cookieFor(publicUrl);
  const readCookie = session({
    name: cookie.name,
    cookie: { httpOnly: true, sameSite: 'lax', path: '/', secure: cookie.isSecure },
    store: createStore(database, log),
    // The id is random enough by itself; the signature spares us a look at the database for one that was made up.
    secret: Buffer.from(hkdfSync('sha256', platformKey, '', 'syncline console session', 32)).toString(
      'base64',
    ),
    resave: false,
    saveUninitialized: false,
    proxy: true,
  });
  const prolonged = new Map<string, number>();
  const looks = new WeakMap<Request, { until: number; isOpen: Promise<boolean> }>();

  async function prolong(sid: string): Promise<boolean> {
    if ((prolonged.get(sid) ?? -PROLONGED_EVERY_MS) > performance.now() - PROLONGED_EVERY_MS) return true;
    const isOpen = await database.withPlatform((work) =>
      prolongConsoleSession(work, { sid, until: new Date(work.now.getTime() + IDLE_MS) }),
    );
    if (prolonged.size >= PROLONGED_MAX) prolonged.clear();
    if (isOpen) prolonged.set(sid, performance.now());
    return isOpen;
  }

  async function look(sid: string, signedIn: SignedIn): Promise<boolean> {
    return (
      (await database.withPlatform((work) => isConsoleSessionOpen(work, { sid }))) &&
      (await callerOf(signedIn)) !== undefined
    );
  }

  async function callerOf({
    tenantId,
    personId,
    sessionId,
    at,
  }: SignedIn): Promise<TenantCaller | undefined> {
    const { person, now } = await database.withTenant(tenantId, async (work) => ({
      person: await findPerson(work, { personId }),
      now: work.now,
    }));
    if (
      person === undefined ||
      person.disabledAt !== null ||
      now.getTime() - new Date(at).getTime() >= SESSION_ENDS_AFTER_MS
    )
      return undefined;
    const { role, name } = person;
    return {
      kind: 'tenant',
      tenantId,
      apiKeyId: null,
      personId,
      role,
      actor: `person:${name}`,
      publicId: toTypeId('ses', sessionId),
    };
  }

  return {
    read(request, response, next) {
      // Whether callers come by TLS is said by PUBLIC_URL: behind a proxy that ends it, the connection does not show.
      if (cookie.isSecure) request.headers['x-forwarded-proto'] = 'https';
      void readCookie(request, response, next);
    },

    of: (request) => ({
      async begin({ tenantId, personId }, now) {
        await done((callback) => request.session.regenerate(callback));
        const sessionId = newUuid();
        const userAgent = request.get('user-agent')?.slice(0, 300) ?? null;
        request.session.signedIn = {
          tenantId,
          personId,
          sessionId,
          at: now.toISOString(),
          ip: request.ip ?? null,
          userAgent,
        };
        await done((callback) => request.session.save(callback));
        return sessionId;
      },
      async end() {
        await done((callback) => request.session.destroy(callback));
        request.res?.clearCookie(cookie.name, {
          path: '/',
          httpOnly: true,
          sameSite: 'lax',
          secure: cookie.isSecure,
        });
      },
      async rememberElsewhere(elsewhere) {
        request.session.elsewhere = elsewhere;
        await done((callback) => request.session.save(callback));
      },
      async takeElsewhere() {
        const { elsewhere } = request.session;
        if (elsewhere === undefined) return undefined;
        delete (request.session as Partial<session.SessionData>).elsewhere;
        await done((callback) => request.session.save(callback));
        return elsewhere;
      },
    }),

    async authenticate(request) {
      const { signedIn } = request.session;
      if (signedIn === undefined) return undefined;
      const caller = await callerOf(signedIn);
      return caller !== undefined && (await prolong(hashOf(request.sessionID))) ? caller : undefined;
    },

    async isStillOpen(request) {
      const { signedIn } = request.session;
      if (signedIn === undefined) return false;
      const known = looks.get(request);
      if (known !== undefined && known.until > performance.now()) return known.isOpen;
      const isOpen = look(hashOf(request.sessionID), signedIn);
      looks.set(request, { until: performance.now() + RECHECK_AFTER_MS, isOpen });
      return isOpen;
    },
  };
}

/**
 * `__Host-` binds the cookie to this very host and to TLS. On this machine without TLS, where browsers refuse that, it has a plain name:
 * only when PUBLIC_URL says http and a loopback address.
 */
function cookieFor(publicUrl: string): { name: string; isSecure: boolean } {
  const { protocol, hostname } = new URL(publicUrl);
  const isLocal = protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return isLocal ? { name: 'syncline', isSecure: false } : { name: '__Host-syncline', isSecure: true };
}

const hashOf = (id: string): string => createHash('sha256').update(id).digest('hex');

/** connect-pg-simple keeps ids as they are: this one hands it their hashes. */
function createStore(database: Database, log: Logger): session.Store {
  const PgStore = connectPgSimple(session);
  class HashingStore extends PgStore {
    override get(id: string, callback: (error: unknown, data?: session.SessionData | null) => void): void {
      super.get(hashOf(id), callback);
    }
    override set(id: string, content: session.SessionData, callback?: (error?: unknown) => void): void {
      // What it lives on is read when it is written, and there alone.
      (this as unknown as { ttl: number }).ttl =
        content.signedIn === undefined ? UNKNOWN_VISITOR_SECONDS : IDLE_MS / 1_000;
      super.set(hashOf(id), content, callback);
    }
    override destroy(id: string, callback?: (error?: unknown) => void): void {
      super.destroy(hashOf(id), callback);
    }
    /** Prolonged where it is admitted instead: at the end of an answer it could bring back a session that was ended meanwhile. */
    override touch(_id: string, _content: session.SessionData, callback?: () => void): void {
      callback?.();
    }
  }
  const query = (text: string, parameters: unknown[]) => runSessionStatement(database, text, parameters);
  return new HashingStore({
    pool: { query } as unknown as Pool,
    tableName: 'console_sessions',
    errorLog: (...words: unknown[]) =>
      log.warn(
        { err: words.find((word) => word instanceof Error) },
        'sessions that have expired could not be removed',
      ),
  });
}

async function done(act: (callback: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    act((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}
