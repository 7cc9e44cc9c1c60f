/**
 * Keeps the claims of one wake alive: tells Temporal that the worker lives, and moves the leases on in the database.
 * When the database cannot be told in time, the calls under way are ended before anybody else may claim their rows.
 */
import type { Context } from '@temporalio/activity';
import type { ActivityDependencies } from './dependencies';

const BEAT_MS = 4_000;

export interface LeaseOptions {
  log: ActivityDependencies['log'];
  leaseMs: number;
  /** Workflow time. */
  now: () => Date;
  /** Moves the leases of a claim on in the database. */
  renew(claim: { claimId: string; ids: readonly string[]; leaseUntil: Date }): Promise<unknown>;
  /** For the log: whose claims these are, under the ids that the API shows. */
  names: object;
}

export class ClaimLeases {
  private readonly controller = new AbortController();
  private readonly claims = new Map<string, readonly string[]>();
  private renewedAt = performance.now();

  constructor(private readonly options: LeaseOptions) {}

  /** Aborted when calls under way must end: the lease is about to be lost, or the worker stops. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** How long a claim made now belongs to us, in workflow time. */
  leaseUntil(): Date {
    return new Date(this.options.now().getTime() + this.options.leaseMs);
  }

  /** Beats until the returned function is called. */
  keep(activity: Context): () => void {
    const stop = () => this.controller.abort();
    activity.cancellationSignal.addEventListener('abort', stop, { once: true });
    activity.heartbeat();
    const timer = setInterval(() => {
      activity.heartbeat();
      void this.renew();
    }, BEAT_MS);
    return () => {
      clearInterval(timer);
      activity.cancellationSignal.removeEventListener('abort', stop);
    };
  }

  /** `work` holds the claim over these rows: its lease is renewed as long as it runs. `ids` may grow shorter meanwhile. */
  async during<T>(
    { claimId, ids }: { claimId: string; ids: readonly string[] },
    work: () => Promise<T>,
  ): Promise<T> {
    this.claims.set(claimId, ids);
    try {
      return await work();
    } finally {
      this.claims.delete(claimId);
    }
  }

  private async renew(): Promise<void> {
    if (this.controller.signal.aborted) return; // the calls were ended: what does not end by that must not keep its rows for ever
    const beganAt = performance.now();
    try {
      for (const [claimId, ids] of this.claims)
        await this.options.renew({ claimId, ids, leaseUntil: this.leaseUntil() });
      this.renewedAt = beganAt;
    } catch (error) {
      this.options.log.warn({ err: error, ...this.options.names }, 'could not renew the lease of a claim');
    }
    // One beat before the lease ends nobody else can hold these rows yet.
    if (this.claims.size > 0 && performance.now() - this.renewedAt > this.options.leaseMs - BEAT_MS)
      this.controller.abort();
  }
}
