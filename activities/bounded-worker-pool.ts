/**
 * Keeps work under way: claims a little ahead, begins as many at once as it may, and looks again for what came in meanwhile.
 * One that takes long holds up no other.
 */
export interface RunBoundedOptions<Item> {
  /** What is there to be done, at most `perClaim`; nothing when nothing is. */
  claim(): Promise<Item[]>;
  perClaim: number;
  work(item: Item): Promise<void>;
  /** How many may be under way at once, now. */
  width(): number;
  /** False: nothing further is begun or claimed. */
  shouldContinue(): boolean;
  /** Between one beginning and the next. */
  intervalMs: number;
}

/** While something is under way and nothing waits. */
const CHECK_AGAIN_MS = 200;

/**
 * Ends when nothing is under way and the last look found nothing, or when it may not go on. What was claimed and not begun is given to
 * `release`. @throws the first error of `claim` or `work`, after all that is under way has ended.
 */
export async function runBounded<Item>(
  options: RunBoundedOptions<Item>,
  release: (items: Item[]) => Promise<void>,
): Promise<void> {
  const { perClaim, intervalMs } = options;
  let waiting: Item[] = [];
  let underWay = 0;
  let isClaiming = false;
  let isEmpty = false;
  let failure: { error: unknown } | null = null;
  let checkAgainAt = 0;
  let beginAt = performance.now() + (intervalMs > 0 ? intervalMs : 0);
  let wakeUp = (): void => {};

  const shouldContinue = (): boolean => failure === null && options.shouldContinue();
  const settle = (promise: Promise<void>, onEnd: () => void): void =>
    void promise
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => {
        onEnd();
        wakeUp();
      });

  const beginWhatMay = (): void => {
    while (
      shouldContinue() &&
      waiting.length > 0 &&
      underWay < options.width() &&
      performance.now() >= beginAt
    ) {
      beginAt = Math.max(beginAt, performance.now() - intervalMs) + intervalMs;
      underWay += 1;
      settle(options.work(waiting.shift() as Item), () => (underWay -= 1));
    }
  };
  const look = async (): Promise<void> => {
    const wasIdle = underWay === 0 && waiting.length === 0;
    const items = await options.claim();
    waiting.push(...items);
    isEmpty = wasIdle && items.length === 0;
    checkAgainAt = items.length < perClaim ? performance.now() + CHECK_AGAIN_MS : 0;
  };

  for (;;) {
    beginWhatMay();
    const isIdle = underWay === 0 && waiting.length === 0;
    if (
      shouldContinue() &&
      !isClaiming &&
      !isEmpty &&
      waiting.length < perClaim / 2 &&
      (isIdle || performance.now() >= checkAgainAt)
    ) {
      isClaiming = true;
      settle(look(), () => (isClaiming = false));
    }
    if (!isClaiming && underWay === 0 && (isEmpty || !shouldContinue())) break;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(
        resolve,
        waiting.length > 0 && intervalMs > 0 ? Math.max(1, beginAt - performance.now()) : CHECK_AGAIN_MS,
      );
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  await release(waiting.splice(0));
  if (failure !== null) throw (failure as { error: unknown }).error;
}
