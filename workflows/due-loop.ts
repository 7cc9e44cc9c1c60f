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
 *
 * An execution has the priority of the most urgent row that is due. If a more urgent one becomes due, the
 * execution gives way to another, because it may still wait for a slot (decision 0041).
 */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { CancellationScope, condition, patched, upsertSearchAttributes } from '@temporalio/workflow';
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

interface Execution {
  priorityKey: number;
  /** The due times that were known when the activity was called. */
  known: DueTimes;
  scope: CancellationScope;
  hasGivenWay: boolean;
  /** A timer waits until more urgent work is due. */
  isWatched: boolean;
}

export class DueLoop {
  private due = new DueTimes();
  private execution: Execution | undefined;
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
    this.giveWayIfNeeded();
  }

  /** Handles the report of an execution beside the one that `runDue` has called. */
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
   * time that the activity reports. An execution that gave way before it began is replaced by another.
   */
  async runDue<R extends Report>(activity: (firedAt: number, priorityKey: number) => Promise<R>): Promise<R> {
    const firedAt = Date.now();
    const priorityKey = this.due.priorityAt(firedAt);
    const scope = new CancellationScope();
    const execution = { priorityKey, known: this.due, scope, hasGivenWay: false, isWatched: false };
    this.execution = execution;
    this.due = new DueTimes();
    let called!: Promise<R>;
    scope.run(() => (called = activity(firedAt, priorityKey))).catch(() => undefined);
    this.giveWayIfNeeded();
    try {
      const report = await called;
      this.onReport(report);
      return report;
    } catch (error) {
      if (!execution.hasGivenWay) throw error;
    } finally {
      this.execution = undefined;
    }
    this.due.add({ nextDueAt: execution.known.earliest, dueByPriority: execution.known.byPriority });
    return this.runDue(activity);
  }

  private giveWayIfNeeded(): void {
    const { execution } = this;
    if (execution === undefined || execution.hasGivenWay) return;
    const urgentAt = this.moreUrgentAt(execution);
    if (!Number.isFinite(urgentAt) || !patched('push-priorities')) return;
    if (urgentAt <= Date.now()) {
      execution.hasGivenWay = true;
      execution.scope.cancel();
    } else if (!execution.isWatched) {
      execution.isWatched = true;
      this.watch(execution).catch(() => undefined);
    }
  }

  private moreUrgentAt({ priorityKey, known }: Execution): number {
    return Math.min(known.earliestBefore(priorityKey), this.due.earliestBefore(priorityKey));
  }

  private async watch(execution: Execution): Promise<void> {
    const isOver = () => this.execution !== execution || execution.hasGivenWay;
    while (!isOver()) {
      const urgentAt = this.moreUrgentAt(execution);
      const wait = { summary: 'until more urgent work is due' };
      await condition(
        () => isOver() || this.moreUrgentAt(execution) < urgentAt,
        Math.max(urgentAt - Date.now(), 1),
        wait,
      );
      if (!isOver()) this.giveWayIfNeeded();
    }
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
