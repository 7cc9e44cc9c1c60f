/**
 * The calls to Temporal about one topic of the outbox. A flush does not wait for slow calls, so those of
 * several flushes can be under way; together they have the places of one.
 */

/** Of each topic and dispatcher. */
export const CALLS_AT_ONCE = 16;

export class TopicCalls {
  #free = CALLS_AT_ONCE;
  #acceptedAt = -Infinity;
  readonly #waiting: (() => void)[] = [];
  readonly #subjects = new Set<string>();
  readonly #flushes = new Set<Promise<unknown>>();

  /** Runs `work` when a place is free. */
  async withPlace<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  async untilPlaceIsFree(): Promise<void> {
    await this.withPlace(() => Promise.resolve());
  }

  /** Notes the call as under way and, if it does not throw, as accepted. */
  async make(subjectId: string, call: () => Promise<void>): Promise<void> {
    this.#subjects.add(subjectId);
    try {
      await call();
      this.#acceptedAt = performance.now();
    } finally {
      this.#subjects.delete(subjectId);
    }
  }

  isUnderWay(subjectId: string): boolean {
    return this.#subjects.has(subjectId);
  }

  /** `since`: of `performance.now()`. */
  wasAccepted({ since }: { since: number }): boolean {
    return this.#acceptedAt > since;
  }

  /** A flush with the calls that it does not wait for. */
  track(flush: Promise<unknown>): void {
    const tracked = flush.catch(() => undefined).finally(() => this.#flushes.delete(tracked));
    this.#flushes.add(tracked);
  }

  async untilIdle(): Promise<void> {
    await Promise.all(this.#flushes);
  }
}
