/**
 * Runs claimed items with bounded concurrency: starts as many items as allowed, and claims again for items
 * that became due in the meantime. A slow item does not delay the others.
 */
export interface RunBoundedOptions<Item> {
  /** Claims at most `limit` items that are due; an empty list if none is. */
  claim(limit: number): Promise<Item[]>;
  /** The limit of the next claim. A claim that returns fewer items found all that was due. */
  perClaim(): number;
  /** Claims again when fewer items wait for a place. 0 = claims only for a free place. */
  claimAhead(): number;
  /** The most claims that run at the same time. */
  parallelClaims: number;
  /** How soon to claim again after a claim that found all that was due, while items are in progress. */
  claimAgainMs: number;
  run(item: Item): Promise<void>;
  /** The number of items that may be in progress now. */
  concurrency(): number;
  /** False: start and claim nothing further. */
  shouldContinue(): boolean;
  /** The least time between two starts; 0 = no limit. */
  intervalMs: number;
  /** Gives back items that were claimed and not started. */
  release(items: Item[]): Promise<void>;
}

/**
 * Returns when nothing is in progress and the last claim was empty, or when it may not continue.
 * @throws the first error of `claim` or `run`, after everything in progress has ended.
 */
export async function runBounded<Item>(options: RunBoundedOptions<Item>): Promise<void> {
  await new BoundedWorkerPool(options).runToEnd();
}

class BoundedWorkerPool<Item> {
  private readonly waiting: Item[] = [];
  private inProgress = 0;
  private claimsInProgress = 0;
  /** The last claim ran alone, and found nothing. */
  private isDrained = false;
  private failure: { error: unknown } | null = null;
  private claimAgainAt = 0;
  private nextStartAt: number;
  private timer: { at: number; handle: NodeJS.Timeout } | null = null;
  private end = (): void => {};

  constructor(private readonly options: RunBoundedOptions<Item>) {
    this.nextStartAt = performance.now() + options.intervalMs;
  }

  async runToEnd(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.end = resolve;
      this.proceed();
    });
    clearTimeout(this.timer?.handle);
    await this.options.release(this.waiting.splice(0));
    if (this.failure !== null) throw this.failure.error;
  }

  /** Called when an item or a claim ends, when the next start is due, and when it is time to claim again. */
  private readonly proceed = (): void => {
    this.startItems();
    this.claimIfNeeded();
    if (this.isIdle() && (this.isDrained || !this.shouldContinue())) this.end();
    else this.setTimer();
  };

  private shouldContinue(): boolean {
    return this.failure === null && this.options.shouldContinue();
  }

  private isIdle(): boolean {
    return this.inProgress === 0 && this.claimsInProgress === 0;
  }

  private startItems(): void {
    const { intervalMs, concurrency, run } = this.options;
    while (
      this.shouldContinue() &&
      this.waiting.length > 0 &&
      this.inProgress < concurrency() &&
      performance.now() >= this.nextStartAt
    ) {
      // A late start does not move the schedule of the next ones by more than one interval.
      this.nextStartAt = Math.max(this.nextStartAt, performance.now() - intervalMs) + intervalMs;
      this.inProgress += 1;
      this.track(run(this.waiting.shift() as Item), () => (this.inProgress -= 1));
    }
  }

  private claimIfNeeded(): void {
    const { claimAhead, concurrency, parallelClaims, perClaim } = this.options;
    while (this.shouldContinue() && !this.isDrained && this.claimsInProgress < parallelClaims) {
      const freePlaces = concurrency() - this.inProgress;
      const expected = this.waiting.length + this.claimsInProgress * perClaim();
      if (expected >= Math.max(claimAhead(), freePlaces)) return;
      // Only a claim that runs alone can find that nothing is left: others lock the rows that they take.
      const isAlone = this.isIdle() && this.waiting.length === 0;
      if (!isAlone && performance.now() < this.claimAgainAt) return;
      this.claimsInProgress += 1;
      this.track(this.claim(isAlone), () => (this.claimsInProgress -= 1));
      if (isAlone) return;
    }
  }

  private async claim(isAlone: boolean): Promise<void> {
    const { claim, perClaim, claimAgainMs } = this.options;
    const limit = perClaim();
    const items = await claim(limit);
    this.waiting.push(...items);
    this.isDrained = isAlone && items.length === 0;
    this.claimAgainAt = items.length < limit ? performance.now() + claimAgainMs : 0;
  }

  private track(promise: Promise<void>, onEnd: () => void): void {
    const ended = (): void => {
      onEnd();
      this.proceed();
    };
    promise.then(ended, (error: unknown) => {
      this.failure ??= { error };
      ended();
    });
  }

  /** An earlier timer stays: it sets the next one when it rings. */
  private setTimer(): void {
    const now = performance.now();
    const isPaced = this.waiting.length > 0 && this.options.intervalMs > 0;
    const claimAt = this.claimAgainAt > now ? this.claimAgainAt : now + this.options.claimAgainMs;
    const at = isPaced ? Math.max(this.nextStartAt, now + 1) : claimAt;
    if (this.timer !== null && this.timer.at <= at) return;
    clearTimeout(this.timer?.handle);
    const ring = (): void => {
      this.timer = null;
      this.proceed();
    };
    this.timer = { at, handle: setTimeout(ring, at - now) };
  }
}
