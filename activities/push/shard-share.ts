/** What one of several executions of a push queue does, and how many of them the due records are worth. */
import type { PushDueRecordsInput, PushReport } from '../../contract/record-push';
import { type BrakeAllowances, ownAllowances, sharedAllowances } from '../../db/push/brakes/brake-allowances';
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { type PushQueueStatus, readPushDemand } from '../../db/push/push-queue';
import { dueMax, shardsFor, shardsNeeded, shareOfCalls } from '../../domain/push/push-shards';
import type { PushingLimits } from '../dependencies';
import type { TimeBox } from '../time-box';

interface ShardShareOptions {
  input: PushDueRecordsInput;
  limits: PushingLimits;
  timeBox: TimeBox;
  callsAtOnceOf(integration: Integration): number;
}

export class ShardShare {
  /** The first execution does what concerns the integration as a whole. */
  readonly isFirst: boolean;
  private readonly isAlone: boolean;
  private readonly ownAllowances = ownAllowances();
  private shardsMax = 1;
  private requests = 0;

  constructor(private readonly options: ShardShareOptions) {
    const { shard = 0, shards = 1 } = options.input;
    this.isFirst = shard === 0;
    this.isAlone = shards === 1;
  }

  /** The calls of this execution at the same time. */
  callsAtOnce(integration: Integration): number {
    const { input, limits, callsAtOnceOf } = this.options;
    const ofAll = callsAtOnceOf(integration);
    this.shardsMax = shardsFor(ofAll, limits.shardsMax);
    return shareOfCalls(ofAll, input);
  }

  allowances(integration: Integration): BrakeAllowances {
    return this.isAlone ? this.ownAllowances : sharedAllowances(integration);
  }

  countRequest(): void {
    this.requests += 1;
  }

  /** It works alone, and others could have begun to share what is due: they do not while one is overtaken. */
  get mayEndToSpread(): boolean {
    const { input, limits, timeBox } = this.options;
    const isOvertaking = (input.turn?.beside.length ?? 0) > 0;
    const maySpread = this.isAlone && !isOvertaking && this.shardsMax > 1;
    return maySpread && timeBox.elapsedMs() > limits.spreadAfterMs;
  }

  async needed(
    { state, blockedUntil }: PushQueueStatus,
    pushed: number,
    inTenant: <T>(work: (tenant: TenantWork) => Promise<T>) => Promise<T>,
  ): Promise<Pick<PushReport, 'shards'>> {
    const { shardsMax, requests, options } = this;
    if (!this.isFirst || shardsMax === 1 || pushed === 0) return {};
    if (state !== 'working' || blockedUntil !== null) return {};
    const { input, limits, timeBox } = options;
    const done = { pushed, requests, elapsedMs: timeBox.elapsedMs(), timeBoxMs: limits.timeBoxMs, shardsMax };
    const asked = { integrationId: input.integrationId, now: timeBox.now(), dueMax: dueMax(done) };
    const shards = shardsNeeded({ ...done, ...(await inTenant((work) => readPushDemand(work, asked))) });
    return shards > 1 ? { shards } : {};
  }
}
