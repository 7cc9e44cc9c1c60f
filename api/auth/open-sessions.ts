/** Whether sessions are still open, as open streams ask again and again: many of them in one statement. */
import { setImmediate } from 'node:timers/promises';
import type { Database } from '../../db/database';
import type { SignedIn } from '../../db/tables/tenants';
import { findOpenSessions } from '../../db/tenants/console-sessions';

/** A session ends so long after signing in, also if it is used. */
export const SESSION_ENDS_AFTER_MS = 12 * 3_600_000;

type Batch = { sids: Set<string>; found: Promise<{ open: ReadonlySet<string>; now: Date }> };

/** @returns a function that answers for the hash of a session's id; sessions that it gets at once are read together. */
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
