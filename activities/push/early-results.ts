/**
 * Results that arrive while a batch is under way, concluded in small groups, so that a slow call does not
 * hold back the results of the others (rule 60).
 */
import type { PushResult } from '../../connectors/connector';

const GROUP_MS = 250;

export class EarlyResults {
  private arrived = new Map<string, PushResult>();
  private readonly concluded = new Set<string>();
  private concluding: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  /** @param conclude stores what it can of the results, and returns the ids of these pushes. */
  constructor(private readonly conclude: (results: Map<string, PushResult>) => Promise<string[]>) {}

  add(result: PushResult): void {
    this.arrived.set(result.pushId, result);
    this.timer ??= setTimeout(() => this.flush(), GROUP_MS);
  }

  /** Starts no further group. @returns the ids of the pushes that were concluded. */
  async end(): Promise<ReadonlySet<string>> {
    clearTimeout(this.timer);
    await this.concluding;
    return this.concluded;
  }

  private flush(): void {
    const results = this.arrived;
    this.arrived = new Map();
    this.timer = undefined;
    this.concluding = this.concluding
      .then(async () => {
        for (const pushId of await this.conclude(results)) this.concluded.add(pushId);
      })
      // The end of the batch stores these results with the remaining ones.
      .catch(() => {});
  }
}
