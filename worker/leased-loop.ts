/** A background loop that all workers run, and that does its work in one of them at a time. */
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { releaseLease, takeLease } from '../db/platform/leases';
import { noteFindings } from '../db/notifications/operator-findings';
import { newUuid } from '../db/sql/ids';
import { InterruptiblePause } from './interruptible-pause';

/** Renews the lease. False: this process stops, or another one has taken over. */
export type MayContinue = () => Promise<boolean>;

/** For a turn outside of a loop. */
export const always: MayContinue = () => Promise.resolve(true);

/** Far more often than a lease expires. */
const RENEWED_EVERY_MS = 5_000;

export interface LeasedLoopOptions {
  database: Database;
  log: ActivityLog;
  name: string;
  intervalMs: number;
  /** 0 by default. */
  beginsAfterMs?: number;
  /** One turn. It asks `mayContinue` between its chunks. */
  run: (mayContinue: MayContinue) => Promise<unknown>;
}

export function startLeasedLoop({
  database,
  log,
  name,
  intervalMs,
  beginsAfterMs = 0,
  run,
}: LeasedLoopOptions): {
  stop(): Promise<void>;
} {
  const lease = { name, holderId: newUuid() };
  const pause = new InterruptiblePause();
  let isStopped = false;
  let renewedAt = -Infinity;
  const mayContinue = async (): Promise<boolean> => {
    if (isStopped || performance.now() - renewedAt < RENEWED_EVERY_MS) return !isStopped;
    const startedAt = performance.now();
    const isHeld = await database.withDispatcher((work) => takeLease(work, lease));
    renewedAt = isHeld ? startedAt : -Infinity;
    return isHeld && !isStopped;
  };
  const loop = async (): Promise<void> => {
    if (beginsAfterMs > 0) await pause.sleep(beginsAfterMs);
    while (!isStopped) {
      try {
        if (await mayContinue()) await run(mayContinue);
      } catch (error) {
        log.warn({ err: error, loop: name }, 'a turn of a background loop failed; the next one tries again');
        const detail = `A turn of the background loop "${name}" failed; the log of its worker says why.`;
        await database
          .withDispatcher((work) =>
            noteFindings(work, [{ finding: `loop ${name}`, detail, nextLookMs: intervalMs }]),
          )
          .catch(() => undefined);
      }
      if (!isStopped) await pause.sleep(intervalMs);
    }
    // Without this, another process takes over when the lease is old.
    await database.withDispatcher((work) => releaseLease(work, lease)).catch(() => undefined);
  };
  const running = loop();
  return {
    async stop() {
      isStopped = true;
      pause.interrupt();
      await running;
    },
  };
}
