/**
 * The executions of a push queue beside the first one, while more is due than the first can push (rule 60).
 * They claim records of their own, on any worker. The first execution goes on without waiting for them, so
 * that one without a free slot holds nothing up.
 */
import { condition } from '@temporalio/workflow';
import type { PushReport } from '../../contract/record-push';
import { isHistoryLong } from '../history';

export class PushShards {
  /** As the first execution has reported last. */
  private wanted = 1;
  /** What those under way share the calls of the integration by. */
  private shards = 1;
  private readonly underWay = new Set<number>();

  constructor(
    private readonly run: (input: { shard: number; shards: number }) => Promise<PushReport>,
    private readonly onReport: (report: PushReport) => void,
  ) {}

  get areUnderWay(): boolean {
    return this.underWay.size > 0;
  }

  /** The input of the next first execution. */
  get ofFirst(): { shards?: number } {
    return this.areUnderWay ? { shards: this.shards } : {};
  }

  /** Their number changes once all of them have ended, because it decides about their calls. */
  spread(wanted: number): void {
    this.wanted = isHistoryLong() ? 1 : wanted;
    if (!this.areUnderWay) this.shards = this.wanted;
    for (let shard = 1; shard < Math.min(this.wanted, this.shards); shard += 1)
      if (!this.underWay.has(shard)) void this.keepPushing(shard);
  }

  /** @param isNeeded there is other work, which does not wait for a slow call of theirs. */
  async end(isNeeded: () => boolean = () => false): Promise<void> {
    this.wanted = 1;
    if (this.areUnderWay) await condition(() => !this.areUnderWay || isNeeded());
  }

  private async keepPushing(shard: number): Promise<void> {
    this.underWay.add(shard);
    const input = { shard, shards: this.shards };
    while (shard < this.wanted && !isHistoryLong()) {
      // Its records are claimed again once their leases end; the first execution tells of lasting trouble.
      const report = await this.run(input).catch(() => undefined);
      if (report === undefined) break;
      this.onReport(report);
      if (report.pushed === 0 || report.nextDueAt === null || report.nextDueAt > Date.now()) break;
    }
    this.underWay.delete(shard);
  }
}
