/**
 * The calls to Temporal about one topic of the outbox. A flush does not wait for slow calls, so those of
 * several flushes can be under way; together they have the places of one.
 */

/** Of each topic and dispatcher. */
export const CALLS_AT_ONCE = 16;

/** A call of a topic. What belongs to the platform has a tenant, too (PLATFORM_TENANT_ID). */
export interface TopicCall {
  tenantId: string;
  subjectId: string;
}

export class TopicCalls {
  #free = CALLS_AT_ONCE;
  readonly #heldBy = new Map<string, number>();
  readonly #subjects = new Set<string>();
  readonly #waiting: (() => void)[] = [];
  readonly #flushes = new Set<Promise<unknown>>();

  /** Holds a place while `work` is under way. */
  async hold({ tenantId, subjectId }: TopicCall, work: () => Promise<void>): Promise<void> {
    this.#take(tenantId, 1);
    this.#subjects.add(subjectId);
    try {
      await work();
    } finally {
      this.#subjects.delete(subjectId);
      this.#take(tenantId, -1);
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  /**
   * False if the tenant holds as many places as are free. So a tenant alone has half of them, several share
   * more, and slow calls of a few tenants leave places to the others.
   */
  mayBegin(tenantId: string): boolean {
    return (this.#heldBy.get(tenantId) ?? 0) < this.#free;
  }

  /** Those with calls under way that may not begin another one. */
  tenantsAtLimit(): string[] {
    return [...this.#heldBy.keys()].filter((tenantId) => !this.mayBegin(tenantId));
  }

  isUnderWay(subjectId: string): boolean {
    return this.#subjects.has(subjectId);
  }

  async untilPlaceIsFree(): Promise<void> {
    while (this.#free === 0) await this.untilOneEnds();
  }

  /** The next of the calls under way, if there are any. */
  untilOneEnds(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A flush with the calls that it does not wait for. */
  track(flush: Promise<unknown>): void {
    const tracked = flush.catch(() => undefined).finally(() => this.#flushes.delete(tracked));
    this.#flushes.add(tracked);
  }

  async untilIdle(): Promise<void> {
    await Promise.all(this.#flushes);
  }

  #take(tenantId: string, places: 1 | -1): void {
    this.#free -= places;
    const held = (this.#heldBy.get(tenantId) ?? 0) + places;
    if (held === 0) this.#heldBy.delete(tenantId);
    else this.#heldBy.set(tenantId, held);
  }
}
