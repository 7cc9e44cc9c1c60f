/**
 * Renews the leases of the claims that one activity execution holds, with each of its heartbeats. If the
 * database cannot be reached in time, calls in progress are aborted before another worker may claim the same
 * rows.
 */
import type { Context } from '@temporalio/activity';
import type { ActivityLog } from './dependencies';
import { HEARTBEAT_INTERVAL_MS, type TimeBox } from './time-box';

export interface Lease {
  claimId: string;
  /** Keys of the claimed rows, read at each renewal: rows whose result was recorded may be left out. */
  ids(): readonly string[];
}

export interface ClaimLeasesOptions {
  timeBox: TimeBox;
  leaseMs: number;
  log: ActivityLog;
  /** The owner of the claims, under the ids that the API shows. */
  logFields: object;
  renew(lease: { claimId: string; ids: readonly string[]; leaseUntil: Date }): Promise<unknown>;
}

export class ClaimLeases {
  private readonly leases = new Set<Lease>();
  private renewedAt = performance.now();

  constructor(private readonly options: ClaimLeasesOptions) {}

  /** When the lease of a claim made now ends, in workflow time. */
  leaseUntil(): Date {
    return this.options.timeBox.after(this.options.leaseMs);
  }

  /** Sends heartbeats and renews the leases until `run` ends. */
  async renewDuring<T>(activity: Context, run: () => Promise<T>): Promise<T> {
    return this.options.timeBox.withHeartbeat(activity, run, () => void this.renewAll());
  }

  /** Renews the lease of a claim until the returned function is called. */
  hold(lease: Lease): () => void {
    this.leases.add(lease);
    return () => void this.leases.delete(lease);
  }

  private async renewAll(): Promise<void> {
    const { timeBox, leaseMs, log, logFields, renew } = this.options;
    // Calls were aborted. A call that ignores the abort must not hold its rows for longer than one lease.
    if (timeBox.signal.aborted) return;
    const renewalStartedAt = performance.now();
    try {
      for (const { claimId, ids } of this.leases)
        await renew({ claimId, ids: ids(), leaseUntil: this.leaseUntil() });
      this.renewedAt = renewalStartedAt;
    } catch (error) {
      log.warn({ err: error, ...logFields }, 'could not renew the lease of a claim');
    }
    // One heartbeat before the lease ends, no other worker can have claimed these rows yet.
    if (this.leases.size > 0 && performance.now() - this.renewedAt > leaseMs - HEARTBEAT_INTERVAL_MS)
      timeBox.abort();
  }
}
