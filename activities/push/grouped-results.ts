/**
 * The results of all batches of an execution, stored in groups as they arrive, so that a slow call does not
 * hold back the results of the others (rule 60). A group grows while the one before it is being stored.
 */
import type { FinishedPush } from '../../db/push/push-outcome';

/** How long a group waits for more results, unless a batch ends. */
const GROUP_MS = 250;

interface Group {
  finished: FinishedPush[];
  /** Stores the group without waiting for more results. */
  begin(): void;
  stored: Promise<void>;
}

export class GroupedResults {
  /** The group that still accepts results. */
  private next: Group | undefined;
  private storing: Promise<unknown> = Promise.resolve();
  private readonly stored = new WeakSet<FinishedPush>();
  /** Of any batch, since the last push that is repeated: it may not be stored yet. */
  hasSucceeded = false;

  constructor(private readonly store: (finished: readonly FinishedPush[]) => Promise<void>) {}

  /** Returns once they are stored, together with others that have arrived. */
  async conclude(finished: readonly FinishedPush[]): Promise<void> {
    if (finished.length === 0) return;
    const group = this.nextGroup();
    group.finished.push(...finished);
    group.begin();
    // Once more, without those of other batches: one of them may be the cause, or a statement that took too
    // long. A result that is not stored is pushed again.
    await group.stored.catch(() => this.storeAll(finished));
  }

  /** For the results of one batch that arrive while it is under way. */
  ofBatch(): EarlyResults {
    const added = new Set<FinishedPush>();
    return {
      add: (finished) => {
        added.add(finished);
        this.nextGroup().finished.push(finished);
      },
      end: async () => {
        if (this.next !== undefined)
          this.next.finished = this.next.finished.filter((finished) => !added.has(finished));
        await this.storing;
        const concluded = [...added].filter((finished) => this.stored.has(finished));
        return new Set(concluded.map(({ push }) => push.pushId));
      },
    };
  }

  private nextGroup(): Group {
    this.next ??= this.newGroup();
    return this.next;
  }

  private newGroup(): Group {
    const group: Group = { finished: [], begin: () => undefined, stored: Promise.resolve() };
    const isComplete = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GROUP_MS);
      group.begin = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const before = this.storing;
    group.stored = Promise.all([isComplete, before]).then(() => {
      this.next = undefined;
      const stored = this.storeAll(group.finished);
      this.storing = stored.catch(() => undefined);
      return stored;
    });
    group.stored.catch(() => undefined); // each batch stores these results again when it ends
    return group;
  }

  private async storeAll(finished: readonly FinishedPush[]): Promise<void> {
    if (finished.length > 0) await this.store(finished);
    for (const one of finished) this.stored.add(one);
  }
}

export interface EarlyResults {
  add(finished: FinishedPush): void;
  /** Takes back results whose storing has not begun. @returns the ids of the pushes that were stored. */
  end(): Promise<ReadonlySet<string>>;
}
