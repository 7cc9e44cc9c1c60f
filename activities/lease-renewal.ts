/**
 * Renews the leases of the claims that one activity execution holds, with each of its heartbeats. If the
 * database cannot be reached in time, calls in progress are aborted before another worker may claim the same
 * rows.
 */
import type { Context } from '@temporalio/activity';
import type { ActivityLog } from './dependencies';
import { HEARTBEAT_INTERVAL_MS, type TimeBox } from './time-box';

/** Renews a lease, that of a claim for rows whose result was not recorded yet. False = it is lost. */
export type RenewLease = (leaseUntil: Date) => Promise<unknown>;

export interface ClaimLeasesOptions {
  timeBox: TimeBox;
  leaseMs: number;
  log: ActivityLog;
  /** The owner of the claims, under the ids that the API shows. */
  logFields: object;
}

/** A claim that ends before its second heartbeat is not renewed at all: most are that short. */
const FRESH_MS = HEARTBEAT_INTERVAL_MS - 500;
/** Aborted calls have ended this long before their lease. */
const ENDED_BEFORE_MS = 500;

export class ClaimLeases {
  /** With the instants at which they were claimed or renewed last. */
  private readonly leases = new Map<RenewLease, number>();

  constructor(private readonly options: ClaimLeasesOptions) {}

  /** When the lease of a claim made now ends, in workflow time. */
  leaseUntil(): Date {
    return this.options.timeBox.after(this.options.leaseMs);
  }

  /** Sends heartbeats and renews the leases until `run` ends. */
  async renewDuring<T>(activity: Context, run: () => Promise<T>): Promise<T> {
    return this.options.timeBox.withHeartbeat(activity, run, () => void this.renewAll());
  }

  /**
   * Renews the lease of a claim until the returned function is called.
   * @param claimedAt `performance.now()` before the lease of the claim began. Without it, the next heartbeat
   *   renews the lease.
   */
  hold(renew: RenewLease, claimedAt = performance.now() - FRESH_MS): () => void {
    this.leases.set(renew, claimedAt);
    return () => void this.leases.delete(renew);
  }

  private giveUp(): void {
    this.options.log.warn(this.options.logFields, 'another execution has taken over, so calls end');
    this.options.timeBox.abort();
  }

  private async renewAll(): Promise<void> {
    const { timeBox, leaseMs, log, logFields } = this.options;
    // Calls were aborted. A call that ignores the abort must not hold its rows for longer than one lease.
    if (timeBox.signal.aborted) return;
    const startedAt = performance.now();
    try {
      for (const [renew, renewedAt] of this.leases) {
        if (startedAt - renewedAt < FRESH_MS) continue;
        const isHeld = await renew(this.leaseUntil());
        if (!this.leases.has(renew)) continue;
        if (isHeld === false) return this.giveUp();
        this.leases.set(renew, startedAt);
      }
    } catch (error) {
      log.warn({ err: error, ...logFields }, 'could not renew the lease of a claim');
    }
    // Leases are claimed at any time between two heartbeats: at the next one it may be too late.
    const nextAt = performance.now() + HEARTBEAT_INTERVAL_MS;
    if (nextAt - Math.min(...this.leases.values()) > leaseMs - ENDED_BEFORE_MS) timeBox.abort();
  }
}
