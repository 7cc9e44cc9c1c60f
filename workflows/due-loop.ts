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
import type { DueByPriority } from '../domain/work-priorities';
import { type Due, DueTimes } from '../domain/due-times';
import { isHistoryLong } from './history';

type Report = Omit<Due, 'nextDueAt'> & { nextDueAt: number | null };

/** Retries and debounce windows last a few days at most. A later instant in a signal is an error. */
const MAX_WAIT_MS = 400 * 24 * 3_600_000;
const SEARCH_ATTRIBUTES_INTERVAL_MS = 60_000;

/** Instants are milliseconds since 1970. */
export interface DueLoopOptions extends Due {
  hasSearchAttributes: boolean;
  /** Continues the workflow in a new history. */
  continueAsNew(nextDueAt: number): Promise<never>;
}

export class DueLoop {
  private due = new DueTimes();
  private searchAttributesUpdatedAt = 0;

  constructor(private readonly options: DueLoopOptions) {
    this.due.add(options);
  }

  private get dueAt(): number {
    return this.due.earliest;
  }

  get hasWork(): boolean {
    return Number.isFinite(this.dueAt);
  }

  get dueByPriority(): DueByPriority {
    return this.due.byPriority;
  }

  /** null = no row is known to become due. */
  get nextDueAt(): number | null {
    return this.hasWork ? this.dueAt : null;
  }

  /**
   * Handles the signal that a row is due. A repeated, late or malformed signal only costs one activity call
   * that finds nothing.
   */
  onDueSignal(due: Partial<Due> | null | undefined): void {
    const now = Date.now();
    const dueAt = due?.nextDueAt ?? Number.NaN;
    const nextDueAt = Number.isFinite(dueAt) && dueAt < now + MAX_WAIT_MS ? dueAt : now;
    this.due.add({ ...due, nextDueAt });
  }

  onReport({ nextDueAt, ...report }: Report): void {
    if (nextDueAt !== null) this.due.add({ ...report, nextDueAt });
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
  async runDue<R extends Report>(activity: (firedAt: number) => Promise<R>): Promise<R> {
    this.takeDue();
    const report = await activity(Date.now());
    this.onReport(report);
    return report;
  }

  /** What is known until now: an execution that is scheduled in this moment reports about all of it. */
  takeDue(): DueTimes {
    const known = this.due;
    this.due = new DueTimes();
    return known;
  }

  /** @param known what an execution that did nothing has taken. */
  giveBackDue(known: DueTimes): void {
    this.due = this.due.with(known);
  }

  /** When work that is more urgent is due, in what no execution has taken. Infinity = there is none. */
  moreUrgentAt(priorityKey: number): number {
    return this.due.earliestBefore(priorityKey);
  }

  /** At most once a minute: each update is an event in the history. */
  updateSearchAttributes(attributes: SearchAttributeUpdatePair[]): void {
    if (!this.options.hasSearchAttributes) return;
    if (Date.now() - this.searchAttributesUpdatedAt < SEARCH_ATTRIBUTES_INTERVAL_MS) return;
    this.searchAttributesUpdatedAt = Date.now();
    upsertSearchAttributes(attributes);
  }

  async continueInNewHistoryIfLong(): Promise<void> {
    if (this.hasWork && isHistoryLong()) await this.continueInNewHistory();
  }

  continueInNewHistory(): Promise<never> {
    return this.options.continueAsNew(this.nextDueAt ?? Date.now());
  }
}
