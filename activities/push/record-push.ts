/**
 * One execution of a push queue: opens windows of a backfill, probes a third party that is down, then claims
 * and pushes what is due, batch after batch, until nothing is due or the time box is full.
 *
 * Each record gets at most one attempt per execution. Trouble of the integration as a whole (outage, rate
 * limit, credentials) is written on the integration once and ends the execution; everything else waits
 * without a call (rules.md 10, 11).
 */
import { Context } from '@temporalio/activity';
import type { PushReport, PushDueRecordsInput } from '../../contract/record-push';
import { openBackfillWindows } from '../../db/push/backfill';
import { claimProbe, unreachableError } from '../../db/integrations/availability';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import type { BrakeAllowances, Claim, ClaimedPush } from '../../db/push/claim';
import { claimDuePushes } from '../../db/push/claim-pushes';
import type { FinishedPush } from '../../db/push/push-outcome';
import { raiseUnreadConflicts } from '../../db/push/push-conflicts';
import { finishPushReviews } from '../../db/push/decide-push-review';
import { recordPushResults } from '../../db/push/record-push-results';
import { readPushQueueStatus, renewLease, stateOf } from '../../db/push/push-queue';
import { isUnreachableLongEnoughToFail } from '../../domain/retry';
import { typeIdOf } from '../../domain/typeid';
import { ClaimLeases } from '../lease-renewal';
import { TimeBox } from '../time-box';
import type { ActivityDependencies, OpenConnector } from '../dependencies';
import { runBounded } from '../bounded-worker-pool';
import { type Batch, notBegun, pushBatch } from './push-batch';
import { reportOf } from './push-report';
import { forPushing, RecentChecks } from './pushing-connector';
import { takeUnread } from './unread-edits';
import {
  askThirdParty,
  recordThirdPartyState,
  type ThirdPartyState,
} from '../integrations/third-party-health';

export interface RecordPushActivities {
  pushDueRecords(input: PushDueRecordsInput): Promise<PushReport>;
}

type Dependencies = Pick<
  ActivityDependencies,
  'database' | 'batchSizeOf' | 'callsAtOnceOf' | 'openConnector' | 'log' | 'pushing' | 'isStopping'
>;

export const createRecordPushActivities = (dependencies: Dependencies): RecordPushActivities => ({
  pushDueRecords: (input) => new PushDueRecordsTask(dependencies, input).run(),
});

const BACKFILL_CHUNK = 1_000;
const REVIEW_CHUNK = 1_000;
const BLOCKED_CHUNK = 500;
/** How soon to claim again, beside a slow batch, what was due and locked by an incoming change. */
const CLAIM_AGAIN_MS = 1_000;

interface ClaimedBatch {
  pushes: readonly ClaimedPush[];
  endLease(): void;
}

class PushDueRecordsTask {
  private readonly timeBox: TimeBox;
  private readonly leases: ClaimLeases;
  private pushed = 0;
  private readonly allowances: BrakeAllowances = new Map();
  private readonly checks = new RecentChecks();

  constructor(
    private readonly deps: Dependencies,
    private readonly input: PushDueRecordsInput,
  ) {
    const { integrationId } = input;
    this.timeBox = new TimeBox({ ...deps, ...deps.pushing, firedAt: input.firedAt });
    this.leases = new ClaimLeases({
      timeBox: this.timeBox,
      leaseMs: deps.pushing.leaseMs,
      log: deps.log,
      renew: ({ claimId, ids, leaseUntil }) =>
        deps.database.withTenant(input.tenantId, (work) =>
          renewLease(work, { integrationId, claimId, recordIds: ids, leaseUntil }),
        ),
      logFields: { integration_id: typeIdOf('int', integrationId) },
    });
  }

  async run(): Promise<PushReport> {
    return this.leases.renewDuring(Context.current(), async () => {
      while (this.timeBox.isWithinTimeBox() && (await this.pushNext()));
      return this.report();
    });
  }

  /** @returns true if there is more to do in this execution. */
  private async pushNext(): Promise<boolean> {
    const integration = await this.inTenant((work) => findIntegration(work, this.input));
    if (integration === undefined || stateOf(integration) !== 'working') return false;
    const isBackfilling = integration.backfillReason !== null;
    // After a backfill: what waited under an earlier mapping is counted again.
    if (isBackfilling) await this.backfill();
    else if (await this.finishReviews()) return true;
    if (integration.blockedUntil === null)
      return (await this.pushEverythingDue(integration)) || isBackfilling;
    if (integration.blockedUntil > this.timeBox.now())
      return (await this.startBlockedWindows(integration)) || isBackfilling;
    await this.unblock(integration, integration.blockedUntil);
    return true;
  }

  private async backfill(): Promise<void> {
    const { integrationId } = this.input;
    await this.inTenant((work) =>
      openBackfillWindows(work, { integrationId, now: this.timeBox.now(), limit: BACKFILL_CHUNK }),
    );
  }

  private finishReviews(): Promise<boolean> {
    const { integrationId } = this.input;
    return this.inTenant((work) => finishPushReviews(work, { integrationId, limit: REVIEW_CHUNK }));
  }

  /**
   * Due windows of a blocked integration turn into pushes that wait: the status tells the truth, and no call
   * is made.
   */
  private async startBlockedWindows(integration: Integration): Promise<boolean> {
    const isFailing =
      integration.outageSince !== null &&
      isUnreachableLongEnoughToFail(integration.outageSince, this.timeBox.now(), this.deps.pushing.outage);
    const claim = await this.claim(integration, { limit: BLOCKED_CHUNK, onlyWindows: true });
    const errors = isFailing
      ? [unreachableError(integration.blockedDetail ?? 'No answer.', this.deps.pushing.outage)]
      : null;
    await this.recordResults(
      claim.pushes.map((push) => ({
        push,
        outcome: { kind: 'waiting', wasCalled: false, errors, isFailing },
      })),
    );
    return claim.taken > 0 || claim.isOutdated;
  }

  /** A rate limit simply ends; an outage is over when the third party's `check` says so. */
  private async unblock(integration: Integration, blockedUntil: Date): Promise<void> {
    if (integration.blockedReason !== 'outage') return this.recordState({ kind: 'well' }, integration);
    const isOurTurn = await this.inTenant((work) =>
      claimProbe(work, { integrationId: this.input.integrationId, now: this.timeBox.now(), blockedUntil }),
    );
    if (isOurTurn) await this.recordState(await askThirdParty(() => this.open(integration, 1)), integration);
  }

  /** @returns true if the integration must be read again: it has changed, or is in trouble now. */
  private async pushEverythingDue(integration: Integration): Promise<boolean> {
    const width = this.deps.callsAtOnceOf(integration);
    let opened: Promise<OpenConnector> | undefined;
    const open = () => (opened ??= this.open(integration, width));
    let mustReadAgain = false;
    const shouldContinue = () => !mustReadAgain && this.timeBox.isWithinTimeBox();
    const progress = { recordsAtOnce: width, mayBegin: shouldContinue };
    const batches = Math.min(this.deps.pushing.parallelBatches, width);
    await runBounded<ClaimedBatch>({
      claim: async () => {
        while (shouldContinue()) {
          const { pushes, taken, isOutdated } = await this.claim(integration, {
            limit: this.deps.batchSizeOf(integration.connector),
            onlyWindows: false,
          });
          mustReadAgain ||= isOutdated;
          if (pushes.length > 0) return [this.holdLease(pushes)];
          if (taken === 0) break;
        }
        return [];
      },
      perClaim: 1,
      claimAhead: 0,
      parallelClaims: batches,
      claimAgainMs: CLAIM_AGAIN_MS,
      run: async (batch) => {
        const trouble = await this.pushOneBatch(integration, batch, { open, progress }).finally(
          batch.endLease,
        );
        mustReadAgain ||= trouble.kind !== 'well';
      },
      concurrency: () => batches,
      shouldContinue,
      intervalMs: 0,
      release: async (claimed) => {
        for (const { pushes, endLease } of claimed)
          await this.recordResults(pushes.map(notBegun)).finally(endLease);
      },
    });
    return mustReadAgain;
  }

  private holdLease(pushes: readonly ClaimedPush[]): ClaimedBatch {
    const claimId = (pushes[0] as ClaimedPush).claimId;
    const recordIds = pushes.map(({ recordId }) => recordId);
    return { pushes, endLease: this.leases.hold({ claimId, ids: () => recordIds }) };
  }

  private async pushOneBatch(
    integration: Integration,
    { pushes }: ClaimedBatch,
    { open, progress }: Pick<Batch, 'open' | 'progress'>,
  ): Promise<ThirdPartyState> {
    const { concluded, trouble } = await pushBatch({
      pushes,
      recordTypes: integration.recordTypes,
      open,
      ask: () => this.checks.ask(open),
      raise: async (push, conflicts) => {
        if (conflicts.length > 0)
          await this.inTenant((work) => raiseUnreadConflicts(work, this.input, push, conflicts));
      },
      conclude: (finished) => this.conclude(finished),
      progress,
      now: () => this.timeBox.now(),
      log: this.deps.log,
    });
    // First the trouble of the integration, so that no other execution claims these rows before it is known.
    if (trouble.kind !== 'well') await this.recordState(trouble, integration);
    await this.conclude(concluded);
    return trouble;
  }

  private async conclude(finished: readonly FinishedPush[]): Promise<void> {
    await this.recordResults(finished);
    await takeUnread(finished, this.input, (work) => this.inTenant(work));
    this.pushed += finished.filter(({ outcome }) => outcome.kind === 'succeeded').length;
  }

  private claim(
    integration: Integration,
    { limit, onlyWindows }: { limit: number; onlyWindows: boolean },
  ): Promise<Claim> {
    const options = {
      integration,
      firedAt: new Date(this.input.firedAt),
      now: this.timeBox.now(),
      leaseUntil: this.leases.leaseUntil(),
      giveUpAfterMs: this.deps.pushing.outage.giveUpAfterMs,
      limit,
      onlyWindows,
      allowances: this.allowances,
    };
    return this.inTenant((work) => claimDuePushes(work, options));
  }

  private async recordResults(concluded: readonly FinishedPush[]): Promise<void> {
    const claimId = concluded[0]?.push.claimId;
    if (claimId === undefined) return;
    await this.inTenant((work) =>
      recordPushResults(work, {
        integrationId: this.input.integrationId,
        claimId,
        finished: concluded,
        now: this.timeBox.now(),
      }),
    );
  }

  /** Under the ids that the API shows. The third party's words stay in the tenant's rows. */
  private logFields(): { tenant_id: string; integration_id: string } {
    return {
      tenant_id: typeIdOf('ten', this.input.tenantId),
      integration_id: typeIdOf('int', this.input.integrationId),
    };
  }

  private async recordState(state: ThirdPartyState, integration: Integration): Promise<void> {
    const now = this.timeBox.now();
    if (state.kind !== 'well')
      this.deps.log.warn({ ...this.logFields(), trouble: state.kind }, 'third party in trouble');
    else this.deps.log.info(this.logFields(), 'third party answers again');
    await this.inTenant((work) =>
      recordThirdPartyState(work, integration, state, { now, outage: this.deps.pushing.outage }),
    );
  }

  private async report(): Promise<PushReport> {
    const status = await this.inTenant((work) => readPushQueueStatus(work, this.input));
    return reportOf(status, { ...this.input, pushed: this.pushed, timeBox: this.timeBox });
  }

  private async open(integration: Integration, callsAtOnce: number): Promise<OpenConnector> {
    const { tenantId, integrationId } = this.input;
    const opened = await this.deps.openConnector(tenantId, integration, this.timeBox.signal, 'push');
    return forPushing(opened, {
      integrationId,
      callsAtOnce,
      inTenant: (work) => this.inTenant(work),
    });
  }

  private inTenant<T>(work: Parameters<typeof this.deps.database.withTenant<T>>[1]): Promise<T> {
    return this.deps.database.withTenant(this.input.tenantId, this.timeBox.tracking(work));
  }
}
