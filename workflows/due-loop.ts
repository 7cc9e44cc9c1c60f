/**
 * The loop of a queue workflow: sleep until the next row is due, let an activity work off what is due, sleep
 * again.
 *
 * The workflow stores no work, only the earliest instant at which a row may be due. A signal moves that
 * instant forward; a row that was postponed costs one activity call that finds nothing due. The loop ends
 * when nothing is due any more, and the next signal-with-start begins a new one.
 *
 * No signal is lost at the end: handlers are synchronous, and the workflow must not await between the last
 * look at `hasWork` and its `return`. If a signal arrives in that instant, the server rejects the completion
 * and replays the workflow with the signal.
 */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { condition, upsertSearchAttributes } from '@temporalio/workflow';
import { isHistoryLong } from './history';

const NEVER = Number.POSITIVE_INFINITY;
/** Retries and debounce windows last a few days at most. A later instant in a signal is an error. */
const MAX_WAIT_MS = 400 * 24 * 3_600_000;
const SEARCH_ATTRIBUTES_INTERVAL_MS = 60_000;

export interface DueLoopOptions {
  /** Milliseconds since 1970, as all instants here. */
  nextDueAt: number;
  hasSearchAttributes: boolean;
  /** Continues the workflow in a new history. */
  continueAsNew(nextDueAt: number): Promise<never>;
}

export class DueLoop {
  private dueAt: number;
  private searchAttributesUpdatedAt = 0;

  constructor(private readonly options: DueLoopOptions) {
    this.dueAt = options.nextDueAt;
  }

  get hasWork(): boolean {
    return this.dueAt !== NEVER;
  }

  /** null = no row is known to become due. */
  get nextDueAt(): number | null {
    return this.hasWork ? this.dueAt : null;
  }

  /**
   * Handles the signal that a row is due. A repeated, late or malformed signal only costs one activity call
   * that finds nothing.
   */
  onDueSignal(due: { nextDueAt: number } | null | undefined): void {
    const now = Date.now();
    const dueAt = due?.nextDueAt ?? Number.NaN;
    this.dueAt = Math.min(this.dueAt, Number.isFinite(dueAt) && dueAt < now + MAX_WAIT_MS ? dueAt : now);
  }

  /**
   * Sleeps until a row is due, less long if a signal names an earlier instant. A long sleep may receive
   * thousands of signals.
   */
  async sleepUntilDue(summary: string): Promise<void> {
    while (this.dueAt > Date.now()) {
      const until = this.dueAt;
      await condition(() => this.dueAt < until || isHistoryLong(), until - Date.now(), { summary });
      if (isHistoryLong()) await this.options.continueAsNew(this.dueAt);
    }
  }

  /**
   * Calls the activity that processes due rows. Signals that arrive during the call count, and so does the
   * time that the activity reports.
   */
  async runDue<Report extends { nextDueAt: number | null }>(
    activity: (firedAt: number) => Promise<Report>,
  ): Promise<Report> {
    this.dueAt = NEVER;
    const report = await activity(Date.now());
    this.dueAt = Math.min(this.dueAt, report.nextDueAt ?? NEVER);
    return report;
  }

  /** At most once a minute: each update is an event in the history. */
  updateSearchAttributes(attributes: SearchAttributeUpdatePair[]): void {
    if (!this.options.hasSearchAttributes) return;
    if (Date.now() - this.searchAttributesUpdatedAt < SEARCH_ATTRIBUTES_INTERVAL_MS) return;
    this.searchAttributesUpdatedAt = Date.now();
    upsertSearchAttributes(attributes);
  }

  async continueInNewHistoryIfLong(): Promise<void> {
    if (this.hasWork && isHistoryLong()) await this.options.continueAsNew(this.dueAt);
  }
}
