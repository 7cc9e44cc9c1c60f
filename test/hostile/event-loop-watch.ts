/**
 * Measures how late the event loop of this process is, for each session that is under way. Time in which the
 * operating system gave the processor to another process does not count.
 */
import fs from 'node:fs';

const TICK_MS = 20;

/** How long a main thread was ready to run, but was not running (Linux, `sched-stats.rst`). */
export function waitedMs(pid: number | 'self' = 'self'): number {
  try {
    return Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

export class EventLoopWatch {
  readonly #running = new Map<number, number>();
  readonly #timer = setInterval(() => this.#measure(), TICK_MS);
  #last = performance.now();
  #waited = waitedMs();
  /** In milliseconds. */
  longest = 0;

  begin(session: number): void {
    this.#measure();
    this.#running.set(session, 0);
  }

  /** The longest time in milliseconds that the event loop was late during the session. */
  end(session: number): number {
    this.#measure();
    const longest = this.#running.get(session) ?? 0;
    this.#running.delete(session);
    return longest;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #measure(): void {
    const now = performance.now();
    const waited = waitedMs();
    const late = now - this.#last - TICK_MS - (waited - this.#waited);
    [this.#last, this.#waited] = [now, waited];
    if (late <= 0) return;
    this.longest = Math.max(this.longest, late);
    for (const [session, longest] of this.#running) this.#running.set(session, Math.max(longest, late));
  }
}
