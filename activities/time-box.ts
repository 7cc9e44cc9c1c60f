/**
 * The time of one time-boxed activity execution: workflow time, the moment after which nothing further is
 * started, and heartbeats.
 *
 * Workflow time continues from `firedAt` by this process's monotonic clock. An attempt can start long after
 * `firedAt`, for example because no worker was running; the database's clock then moves workflow time
 * forward, so that leases and waits are not in the past.
 */
import type { Context } from '@temporalio/activity';

/** Below a third of the heartbeat timeout of 15 s in workflows/activities.ts. */
export const HEARTBEAT_INTERVAL_MS = 4_000;

export interface TimeBoxOptions {
  /** Workflow time at which the workflow called the activity, in milliseconds since 1970. */
  firedAt: number;
  timeBoxMs: number;
  /** True once the worker is stopping. */
  isStopping(): boolean;
}

export class TimeBox {
  private readonly startedAt = performance.now();
  private readonly controller = new AbortController();
  /** Added to `performance.now()`, gives workflow time. */
  private clockOffsetMs: number;

  constructor(private readonly options: TimeBoxOptions) {
    this.clockOffsetMs = options.firedAt - this.startedAt;
  }

  /** Workflow time; never behind the latest time of the database that `tracking` has seen. */
  now(): Date {
    return new Date(this.clockOffsetMs + performance.now());
  }

  /** Workflow time `ms` from now. */
  after(ms: number): Date {
    return new Date(this.now().getTime() + ms);
  }

  /** False once the time is up, the worker stops, or the activity was canceled: start nothing further. */
  isWithinTimeBox(): boolean {
    return (
      performance.now() - this.startedAt < this.options.timeBoxMs &&
      !this.options.isStopping() &&
      !this.controller.signal.aborted
    );
  }

  /** Aborted when calls in progress must end: the activity was canceled, or `abort` was called. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  abort(): void {
    this.controller.abort();
  }

  /** Wraps the callback of a transaction, so that workflow time follows the clock of the database. */
  tracking<Work extends { now: Date }, T>(callback: (work: Work) => Promise<T>): (work: Work) => Promise<T> {
    return (work) => {
      this.clockOffsetMs = Math.max(this.clockOffsetMs, work.now.getTime() - performance.now());
      return callback(work);
    };
  }

  /** Sends heartbeats to Temporal until `run` ends; `onHeartbeat` is called with each one but the first. */
  async withHeartbeat<T>(
    activity: Context,
    run: () => Promise<T>,
    onHeartbeat: () => void = () => {},
  ): Promise<T> {
    const cancel = (): void => this.abort();
    activity.cancellationSignal.addEventListener('abort', cancel, { once: true });
    activity.heartbeat();
    const timer = setInterval(() => {
      activity.heartbeat();
      onHeartbeat();
    }, HEARTBEAT_INTERVAL_MS);
    try {
      return await run();
    } finally {
      clearInterval(timer);
      activity.cancellationSignal.removeEventListener('abort', cancel);
    }
  }
}
