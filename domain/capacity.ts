/** An amount that pieces of work share: each waits for its part, in the order of asking (rule 60). */
interface Waiting {
  amount: number;
  start(): void;
}

export class Capacity {
  #used = 0;
  readonly #waiting: Waiting[] = [];

  constructor(private readonly limit: number) {}

  get isIdle(): boolean {
    return this.#used === 0 && this.#waiting.length === 0;
  }

  /** Resolves once the amount, at most the limit, is there. Rejects with the reason of the signal. */
  async take(amount: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && this.#used + amount <= this.limit) {
      this.#used += amount;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
        this.#startNext();
      };
      const entry: Waiting = {
        amount,
        start: () => {
          signal.removeEventListener('abort', stop);
          resolve();
        },
      };
      this.#waiting.push(entry);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  release(amount: number): void {
    this.#used -= amount;
    this.#startNext();
  }

  #startNext(): void {
    for (let [next] = this.#waiting; next && this.#used + next.amount <= this.limit; [next] = this.#waiting) {
      this.#waiting.shift();
      this.#used += next.amount;
      next.start();
    }
  }
}

/** A capacity per owner, forgotten when it is not in use. */
export class Capacities {
  readonly #of = new Map<string, Capacity>();

  constructor(private readonly limit: number) {}

  async take(owner: string, amount: number, signal: AbortSignal): Promise<void> {
    const capacity = this.#of.get(owner) ?? new Capacity(this.limit);
    this.#of.set(owner, capacity);
    await capacity.take(amount, signal);
  }

  release(owner: string, amount: number): void {
    const capacity = this.#of.get(owner);
    capacity?.release(amount);
    if (capacity?.isIdle) this.#of.delete(owner);
  }
}
