/**
 * Collects single results and writes them in batches. Results that arrive during a write form the next batch.
 */
const FLUSH_INTERVAL_MS = 80;
const BATCH_SIZE_MAX = 600;
/** `add` waits while this many results are not yet written. */
const UNWRITTEN_MAX = 1_000;

export class WriteBatcher<Item> {
  private items: Item[] = [];
  private writing: Promise<void> | null = null;
  private notifyFull = (): void => {};
  private isBroken = false;

  constructor(private readonly write: (items: Item[]) => Promise<void>) {}

  /**
   * Undefined unless many results wait to be written: then wait before the next one.
   * @throws what `write` threw, in the promise.
   */
  add(item: Item): Promise<void> | undefined {
    this.items.push(item);
    if (this.items.length >= BATCH_SIZE_MAX) this.notifyFull();
    if (this.writing === null) {
      this.writing = this.writeAll();
      this.writing.catch(() => (this.isBroken = true));
    }
    return this.items.length >= UNWRITTEN_MAX ? this.writing : undefined;
  }

  /** True once a write failed: add nothing further. */
  get hasFailed(): boolean {
    return this.isBroken;
  }

  /** @throws what `write` threw. */
  async end(): Promise<void> {
    this.notifyFull();
    await this.writing;
  }

  private async writeAll(): Promise<void> {
    while (this.items.length > 0) {
      if (this.items.length < BATCH_SIZE_MAX) await this.untilFull();
      await this.write(this.items.splice(0, BATCH_SIZE_MAX));
    }
    this.writing = null; // stays set after an error, so that nothing further is written
  }

  private untilFull(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, FLUSH_INTERVAL_MS);
      this.notifyFull = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
