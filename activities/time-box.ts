/**
 * The time of one time-boxed activity execution: workflow time, the moment after which nothing further is
 * started, and heartbeats.
 *
 * Workflow time continues from `firedAt` by this process's monotonic clock. An attempt can start long after
 * `firedAt`, for example because no worker was running; the database's clock then moves workflow time
 * forward, so that leases and waits are not in the past.
 *
 * Queues of due rows use the database's clock alone, because it has set the due times: a Temporal host whose
 * clock is ahead must not shorten a grace period (`isDatabaseClock`).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from '@temporalio/activity';

/** Below a third of the heartbeat timeout of 15 s in workflows/activities.ts. */
export const HEARTBEAT_INTERVAL_MS = 4_000;

/** After a longer wait for a third party, an activity gives its slot back to other work. */
export const LONG_WAIT_MS = 5_000;

/** A smaller difference between the clocks is the way of a transaction's start to this process. */
const CLOCK_DIFFERENCE_MS = 1_000;

const current = new AsyncLocalStorage<TimeBox>();

/**
 * Waits for a page or a batch of a third party. If that takes long, the time box of the activity around it
 * ends. Outside of a time box it only waits.
 */
export async function waitForThirdParty<T>(call: () => Promise<T>): Promise<T> {
  const beganAt = performance.now();
  try {
    return await call();
  } finally {
    if (performance.now() - beganAt > LONG_WAIT_MS) current.getStore()?.endEarly();
  }
}

export interface TimeBoxOptions {
  /** Workflow time at which the workflow called the activity, in milliseconds since 1970. */
  firedAt: number;
  timeBoxMs: number;
  /** The time is the database's, also where Temporal's clock is ahead of it. */
  isDatabaseClock?: boolean;
  /** True once the worker is stopping. */
  isStopping(): boolean;
}

export class TimeBox {
  private readonly startedAt = performance.now();
  private readonly controller = new AbortController();
  /** Added to `performance.now()`, gives workflow time. */
  private clockOffsetMs: number;
  private hasEnded = false;

  constructor(private readonly options: TimeBoxOptions) {
    this.clockOffsetMs = options.firedAt - this.startedAt;
  }

  /** Workflow time; never behind the latest time of the database that `tracking` has seen. */
  now(): Date {
    return new Date(this.clockOffsetMs + performance.now());
  }

  /** When the workflow reaches an instant of `now()`: Temporal's clock may be ahead of the database's. */
  toWorkflowTime(instantMs: number): number {
    const aheadMs = this.options.firedAt - this.startedAt - this.clockOffsetMs;
    return instantMs + (aheadMs > CLOCK_DIFFERENCE_MS ? aheadMs : 0);
  }

  /** Workflow time `ms` from now. */
  after(ms: number): Date {
    return new Date(this.now().getTime() + ms);
  }

  /** False: start nothing further. The time is up, a call was slow, the worker stops, or it was canceled. */
  isWithinTimeBox(): boolean {
    return (
      !this.hasEnded &&
      performance.now() - this.startedAt < this.options.timeBoxMs &&
      !this.options.isStopping() &&
      !this.controller.signal.aborted
    );
  }

  elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  /** What is in progress is finished, and nothing further is started. */
  endEarly(): void {
    this.hasEnded = true;
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
      const offsetMs = work.now.getTime() - performance.now();
      const isAhead = this.clockOffsetMs - offsetMs > CLOCK_DIFFERENCE_MS;
      if (offsetMs > this.clockOffsetMs || (isAhead && this.options.isDatabaseClock === true))
        this.clockOffsetMs = offsetMs;
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
      return await current.run(this, run);
    } finally {
      clearInterval(timer);
      activity.cancellationSignal.removeEventListener('abort', cancel);
    }
  }
}
