/** Gathers what ends one by one, so that it is written down many at a time: what comes while one lot is written is the next. */
const FLUSH_INTERVAL_MS = 15;
const BATCH_SIZE_MAX = 200;
/** More than this unwritten, and who adds waits. */
const UNWRITTEN_MAX = 1_000;

export class WriteBatcher<Item> {
  private items: Item[] = [];
  private writing: Promise<void> | null = null;
  private tellFull = (): void => {};
  private isBroken = false;

  constructor(private readonly write: (items: Item[]) => Promise<void>) {}

  /** Returns at once unless the writer lags far behind. @throws what `write` threw. */
  async add(item: Item): Promise<void> {
    this.items.push(item);
    if (this.items.length >= BATCH_SIZE_MAX) this.tellFull();
    this.writing ??= this.writeAll();
    this.writing.catch(() => (this.isBroken = true));
    if (this.items.length >= UNWRITTEN_MAX) await this.writing;
  }

  /** True once something could not be written: gather no more. */
  get hasFailed(): boolean {
    return this.isBroken;
  }

  /** @throws what `write` threw. */
  async end(): Promise<void> {
    this.tellFull();
    await this.writing;
  }

  private async writeAll(): Promise<void> {
    while (this.items.length > 0) {
      if (this.items.length < BATCH_SIZE_MAX) await this.untilFull();
      await this.write(this.items.splice(0, BATCH_SIZE_MAX));
    }
    this.writing = null; // not where it threw: nothing further is written then
  }

  private untilFull(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, FLUSH_INTERVAL_MS);
      this.tellFull = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
