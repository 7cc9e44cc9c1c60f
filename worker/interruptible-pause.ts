/** A sleep of a background loop that a notification or `stop()` can end early. */
export class InterruptiblePause {
  #isInterrupted = false;
  #endSleep = (): void => undefined;

  /** True if `interrupt` was called since the last `reset`. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  reset(): void {
    this.#isInterrupted = false;
  }

  interrupt(): void {
    this.#isInterrupted = true;
    this.#endSleep();
  }

  /** Resolves after `ms`, or at the next `interrupt`. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endSleep = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
