/**
 * The executions of a push queue that push in turns (db/push/queue/queue-turns.ts). An execution has the
 * priority of the most urgent work that is due when it is scheduled. It may wait for a slot for minutes. If
 * more urgent work becomes due meanwhile, a further execution is scheduled, and overtakes it: at most one for
 * each priority. The one that waits keeps its place in the task queue, and pushes what is left when it gets a
 * slot (decision 0041).
 */
import { condition, patched, workflowInfo } from '@temporalio/workflow';
import type { PushReport, PushTurn } from '../../contract/record-push';
import { DueTimes } from '../../domain/due-times';
import { UNNUMBERED } from '../../domain/push/push-turns';
import type { DueLoop } from '../due-loop';

/** As long as the turn of a dead worker lasts, or a little longer. */
const TAKEN_MS = 20_000;
/**
 * Temporal ends a workflow at 51,200 events. From here on it continues in a new history without those that
 * wait for a slot: the server drops them. If one has just got its slot, it notices that another pushes.
 */
const EVENTS_MAX = 30_000;

interface Execution {
  number: number;
  priorityKey: number;
  /** What was due, or would be, when it was scheduled. */
  known: DueTimes;
  /** It has the turn, so another execution would do nothing. Milliseconds since 1970. */
  runsUntil: number;
}

interface Scheduled {
  firedAt: number;
  priorityKey: number;
  turn: PushTurn;
}

export class PushTurns {
  private scheduled = 0;
  /** In the order of scheduling: each is more urgent than those before it. */
  private readonly underWay: Execution[] = [];
  private readonly ended: { execution: Execution; result: Promise<PushReport> }[] = [];

  constructor(
    private readonly queue: DueLoop,
    private readonly run: (execution: Scheduled) => Promise<PushReport>,
  ) {}

  get areUnderWay(): boolean {
    return this.underWay.length > 0;
  }

  /** Schedules executions until one has pushed. */
  async nextReport(): Promise<PushReport> {
    for (;;) {
      if (!this.areUnderWay) this.schedule();
      if (this.ended.length === 0) await this.overtakeOrWait();
      const report = await this.handleEnded();
      if (report !== undefined) return report;
    }
  }

  private async overtakeOrWait(): Promise<void> {
    const at = this.overtakesAt();
    const isNeeded = () => this.ended.length > 0 || this.overtakesAt() < at;
    if (!Number.isFinite(at) || !patched('push-turns')) await condition(isNeeded);
    else if (at <= Date.now()) await this.overtake();
    else await condition(isNeeded, at - Date.now(), { summary: 'until more urgent work is due' });
  }

  private async overtake(): Promise<void> {
    if (!isTooLong()) return this.schedule();
    for (const { known } of this.underWay) this.queue.giveBackDue(known);
    await this.queue.continueInNewHistory();
  }

  private schedule(): void {
    const firedAt = Date.now();
    const known = this.queue.takeDue();
    const due = this.underWay.reduce((all, other) => all.with(other.known), known);
    const execution = { number: ++this.scheduled, priorityKey: due.priorityAt(firedAt), known, runsUntil: 0 };
    const { number, priorityKey } = execution;
    const turn = { number, beside: this.underWay.map((other) => other.number) };
    this.underWay.push(execution);
    const result = this.run({ firedAt, priorityKey, turn });
    const end = () => void this.ended.push({ execution, result });
    result.then(end, end);
  }

  /** @returns the report of an execution that has ended. undefined = none, or it did not have the turn. */
  private async handleEnded(): Promise<PushReport | undefined> {
    const ended = this.ended.shift();
    if (ended === undefined) return undefined;
    const { execution } = ended;
    const report = await ended.result;
    const index = this.underWay.indexOf(execution);
    this.underWay.splice(index, 1);
    if (report.takenBy !== undefined) {
      this.onTaken(execution, report.takenBy);
      return undefined;
    }
    // It has read the rows after the others were scheduled.
    for (const earlier of this.underWay.slice(0, index)) earlier.known = new DueTimes();
    this.queue.onReport(report);
    return report;
  }

  private onTaken({ number, known }: Execution, takenBy: number): void {
    const holder =
      takenBy === UNNUMBERED ? this.underWay[0] : this.underWay.find((other) => other.number === takenBy);
    if (holder !== undefined) holder.runsUntil = Date.now() + TAKEN_MS;
    // A holder that was scheduled later reports about it.
    if (holder !== undefined && takenBy > number) holder.known = holder.known.with(known);
    else this.queue.giveBackDue(known);
  }

  /** When to schedule a more urgent execution, or to leave all. Infinity = nothing more urgent is known. */
  private overtakesAt(): number {
    const priorityKey = this.underWay.at(-1)?.priorityKey ?? 0;
    const instants = this.underWay.map(({ known }) => known.earliestBefore(priorityKey));
    const urgentAt = isTooLong() ? 0 : Math.min(this.queue.moreUrgentAt(priorityKey), ...instants);
    return Math.max(urgentAt, ...this.underWay.map(({ runsUntil }) => runsUntil));
  }
}

const isTooLong = (): boolean => workflowInfo().historyLength > EVENTS_MAX;
