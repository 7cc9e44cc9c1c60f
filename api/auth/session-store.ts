/** Stores console sessions in PostgreSQL under the hash of their id. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Database } from '../../db/database';
import { findOpenSessions, runSessionStatement } from '../../db/tenants/console-sessions';
import type { SignedIn } from '../../db/tables/tenants';

/** A session ends when it has not been used for this long. */
export const IDLE_MS = 30 * 60_000;
/** Of operators of the platform. */
export const PLATFORM_IDLE_MS = 15 * 60_000;
/** A session ends this long after signing in, even while it is used. */
export const SESSION_ENDS_AFTER_MS = 12 * 3_600_000;
/** Time to sign in at an identity provider. */
const PROVIDER_SIGN_IN_SECONDS = 10 * 60;

function lifetimeSeconds({ signedIn, platform }: session.SessionData): number {
  if (platform !== undefined) return PLATFORM_IDLE_MS / 1_000;
  return signedIn === undefined ? PROVIDER_SIGN_IN_SECONDS : IDLE_MS / 1_000;
}

export const hashOfSessionId = (id: string): string => createHash('sha256').update(id).digest('hex');

/** connect-pg-simple stores ids in plain text, so this subclass passes their hashes to it. */
export function createSessionStore(database: Database, log: Logger): session.Store {
  const PgStore = connectPgSimple(session);
  class HashingStore extends PgStore {
    override get(id: string, callback: (error: unknown, data?: session.SessionData | null) => void): void {
      super.get(hashOfSessionId(id), callback);
    }
    override set(id: string, content: session.SessionData, callback?: (error?: unknown) => void): void {
      // `set` reads the lifetime from this private field.
      (this as unknown as { ttl: number }).ttl = lifetimeSeconds(content);
      super.set(hashOfSessionId(id), content, callback);
    }
    override destroy(id: string, callback?: (error?: unknown) => void): void {
      super.destroy(hashOfSessionId(id), callback);
    }
    /**
     * Authentication prolongs sessions; doing it again here could restore a session that was ended during the
     * request.
     */
    override touch(_id: string, _content: session.SessionData, callback?: () => void): void {
      callback?.();
    }
  }
  const query = (text: string, parameters: unknown[]) => runSessionStatement(database, text, parameters);
  return new HashingStore({
    pool: { query } as unknown as Pool,
    tableName: 'console_sessions',
    errorLog: (...args: unknown[]) =>
      log.warn({ err: args.find((arg) => arg instanceof Error) }, 'expired sessions could not be removed'),
  });
}

type Batch = { sids: Set<string>; found: Promise<{ open: ReadonlySet<string>; now: Date }> };

/**
 * @returns a function that answers whether a session is open, by the hash of its id. Open streams ask again
 * and again: those that ask at the same time share a statement.
 */
export function createOpenSessionCheck(
  database: Database,
): (sid: string, signedIn: SignedIn) => Promise<boolean> {
  let next: Batch | undefined;
  const collect = (): Batch => {
    const sids = new Set<string>();
    const found = setImmediate().then(() => {
      next = undefined;
      return database.withPlatform(async (work) => ({
        open: new Set(await findOpenSessions(work, { sids: [...sids] })),
        now: work.now,
      }));
    });
    return { sids, found };
  };
  return async (sid, { at }) => {
    next ??= collect();
    next.sids.add(sid);
    const { open, now } = await next.found;
    return open.has(sid) && now.getTime() - Date.parse(at) < SESSION_ENDS_AFTER_MS;
  };
}
