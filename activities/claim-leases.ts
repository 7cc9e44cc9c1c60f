/**
 * Keeps the claims of one wake alive: tells Temporal that the worker lives, and moves the leases on in the database.
 * When the database cannot be told in time, the calls under way are ended before anybody else may claim their records.
 */
import type { Context } from '@temporalio/activity';
import type { PushDueRecordsInput } from '../contract/record-push';
import { renewLease } from '../db/push-lane';
import { wireIdOf } from '../domain/wire-id';
import type { ActivityDependencies } from './dependencies';

const BEAT_MS = 4_000;

export class ClaimLeases {
  private readonly controller = new AbortController();
  private readonly claims = new Map<string, readonly string[]>();
  private renewedAt = performance.now();

  constructor(
    private readonly deps: Pick<ActivityDependencies, 'database' | 'log' | 'pushing'>,
    private readonly input: PushDueRecordsInput,
    private readonly now: () => Date,
  ) {}

  /** Aborted when calls under way must end: the lease is about to be lost, or the worker stops. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** How long a claim made now belongs to us, in workflow time. */
  leaseUntil(): Date {
    return new Date(this.now().getTime() + this.deps.pushing.leaseMs);
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

  /** `work` holds the claim over these records: its lease is renewed as long as it runs. */
  async during<T>({ claimId, recordIds }: { claimId: string; recordIds: readonly string[] }, work: () => Promise<T>): Promise<T> {
    this.claims.set(claimId, recordIds);
    try {
      return await work();
    } finally {
      this.claims.delete(claimId);
    }
  }

  private async renew(): Promise<void> {
    if (this.controller.signal.aborted) return; // the calls were ended: what does not end by that must not keep its records for ever
    const beganAt = performance.now();
    const { tenantId, integrationId } = this.input;
    try {
      for (const [claimId, recordIds] of this.claims) {
        await this.deps.database.withTenant(tenantId, (work) => renewLease(work, { integrationId, claimId, recordIds, leaseUntil: this.leaseUntil() }));
      }
      this.renewedAt = beganAt;
    } catch (error) {
      this.deps.log.warn({ err: error, integration_id: wireIdOf('int', integrationId) }, 'could not renew the lease of a claim');
    }
    // One beat before the lease ends nobody else can hold these records yet.
    if (this.claims.size > 0 && performance.now() - this.renewedAt > this.deps.pushing.leaseMs - BEAT_MS) this.controller.abort();
  }
}
