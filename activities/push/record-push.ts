/**
 * One execution of a push queue: opens windows of a backfill, probes a third party that is down, then claims
 * and pushes what is due, batch after batch, until nothing is due or the time box is full.
 *
 * Each record gets at most one attempt per execution. Trouble of the integration as a whole is written on the
 * integration and ends the execution; everything else waits without a call (rules.md 10, 11).
 */
import { Context } from '@temporalio/activity';
import type { PushReport, PushDueRecordsInput } from '../../contract/record-push';
import { openBackfillWindows } from '../../db/push/backfill';
import { endOutageIfNothingWaits } from '../../db/integrations/write-outages';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import { liftRetries } from '../../db/integrations/lift-waits';
import type { Claim, ClaimedPush, ClaimOptions } from '../../db/push/claim';
import { claimDuePushes } from '../../db/push/claim-pushes';
import type { FinishedPush } from '../../db/push/push-outcome';
import { raiseUnreadConflicts } from '../../db/push/push-conflicts';
import { finishPushReviews } from '../../db/push/decide-push-review';
import { recordPushResults } from '../../db/push/record-push-results';
import { readPushQueueStatus, renewLease, stateOf } from '../../db/push/push-queue';
import { settleWaiting } from '../../db/push/references/settle-references';
import { findOurIds } from '../../db/records/references/find-ids';
import { batchesAtOnce } from '../../domain/push/push-shards';
import { typeIdOf } from '../../domain/typeid';
import { ClaimLeases } from '../lease-renewal';
import type { TimeBox } from '../time-box';
import type { ActivityDependencies, OpenConnector } from '../dependencies';
import { runBounded } from '../bounded-worker-pool';
import { afterPushes } from './after-pushes';
import { type Batch, notBegun, pushBatch } from './push-batch';
import { EarlyTrouble } from './early-trouble';
import { GroupedResults } from './grouped-results';
import { reportOf } from './push-report';
import { type BlockedQueue, showBlocked, unblock } from './blocked-queue';
import { continueGivenUp, noticeWriteOutage, type OutageInstant } from './write-outage';
import { pushTimeBox } from './push-time-box';
import { inTurn } from './push-turn';
import { forPushing } from './pushing-connector';
import { SharedChecks } from '../integrations/shared-checks';
import { ShardShare } from './shard-share';
import { recordThirdPartyState, type ThirdPartyState } from '../integrations/third-party-health';

export interface RecordPushActivities {
  pushDueRecords(input: PushDueRecordsInput): Promise<PushReport>;
}

type Dependencies = Pick<
  ActivityDependencies,
  'database' | 'batchSizeOf' | 'callsAtOnceOf' | 'openConnector' | 'log' | 'pushing' | 'isStopping'
>;

export const createRecordPushActivities = (dependencies: Dependencies): RecordPushActivities => {
  const checks = new SharedChecks();
  return { pushDueRecords: (input) => new PushDueRecordsTask(dependencies, input, checks).run() };
};

const CHUNK = 1_000;
/** How soon to claim again, beside a slow batch, what was due and locked by an incoming change. */
const CLAIM_AGAIN_MS = 1_000;

interface ClaimedBatch {
  pushes: readonly ClaimedPush[];
  endLease(): void;
}

class PushDueRecordsTask implements BlockedQueue {
  private readonly timeBox: TimeBox;
  private readonly leases: ClaimLeases;
  private pushed = 0;
  private readonly share: ShardShare;
  /** The integration has changed, or is in trouble now. */
  private mustReadAgain = false;
  /** Set once Syncline's own rate limiter holds calls back. */
  private permitsAt: Date | undefined;

  constructor(
    private readonly deps: Dependencies,
    private readonly input: PushDueRecordsInput,
    private readonly checks: SharedChecks,
  ) {
    this.timeBox = pushTimeBox(deps, input);
    this.share = new ShardShare({ ...deps, input, limits: deps.pushing, timeBox: this.timeBox });
    this.leases = new ClaimLeases({
      timeBox: this.timeBox,
      leaseMs: deps.pushing.leaseMs,
      log: deps.log,
      logFields: { integration_id: typeIdOf('int', input.integrationId) },
    });
  }

  async run(): Promise<PushReport> {
    return this.leases.renewDuring(Context.current(), async () => {
      if (!this.share.isFirst) return this.pushAll();
      const { input, leases } = this;
      return inTurn({ input, leases, inTenant: (work) => this.inTenant(work) }, () => this.pushAll());
    });
  }

  private async pushAll(): Promise<PushReport> {
    while (this.mayCall() && (await this.pushNext()));
    return this.report();
  }

  private mayCall(): boolean {
    return this.permitsAt === undefined && this.timeBox.isWithinTimeBox();
  }

  /** @returns true if there is more to do in this execution. */
  private async pushNext(): Promise<boolean> {
    const integration = await this.inTenant((work) => findIntegration(work, this.input));
    if (integration === undefined || stateOf(integration) !== 'working') return false;
    if (!this.share.isFirst) return integration.blockedUntil === null && this.pushEverythingDue(integration);
    const isBackfilling = integration.backfillReason !== null;
    const chunk = { ...this.input, now: this.timeBox.now(), limit: CHUNK };
    const isLifting =
      integration.liftRetriesAfter !== null && (await this.inTenant((work) => liftRetries(work, chunk)));
    const hasMore = isLifting || isBackfilling;
    // After a backfill: what waited under an earlier mapping is counted again.
    if (isBackfilling) await this.inTenant((work) => openBackfillWindows(work, chunk));
    else if (await this.inTenant((work) => finishPushReviews(work, chunk))) return true;
    if (integration.blockedUntil === null)
      return (
        (await this.pushEverythingDue(integration)) || (await this.continueGivenUp(integration)) || hasMore
      );
    if (integration.blockedUntil > this.timeBox.now())
      return (await showBlocked(this, integration)) || hasMore;
    await unblock(this, integration, integration.blockedUntil);
    return true;
  }

  private continueGivenUp(integration: Integration): Promise<boolean> {
    const open = () => this.open(integration);
    const state = { ...this.instant(), hasPushed: this.pushed > 0, open };
    return continueGivenUp((work) => this.inTenant(work), integration, state);
  }

  instant(): OutageInstant {
    return { now: this.timeBox.now(), outage: this.deps.pushing.outage };
  }

  /** @returns true if the integration must be read again: it has changed, or is in trouble now. */
  private async pushEverythingDue(integration: Integration): Promise<boolean> {
    const width = this.share.callsAtOnce(integration);
    if (width === 0) return false; // the app now allows fewer calls than there are executions
    let opened: Promise<OpenConnector> | undefined;
    const open = () => (opened ??= this.open(integration, width));
    this.mustReadAgain = false;
    const shouldContinue = () => {
      if (this.pushed > 0 && this.share.mayEndToSpread) this.timeBox.endEarly();
      return !this.mustReadAgain && this.mayCall();
    };
    const progress = { recordsAtOnce: width, mayBegin: shouldContinue };
    const grouped = this.groupedResults(integration);
    const wanted = { limit: this.deps.batchSizeOf(integration.connector), onlyWindows: false };
    const batches = batchesAtOnce(width, wanted.limit, this.deps.pushing);
    await runBounded<ClaimedBatch>({
      claim: async () => {
        while (shouldContinue()) {
          const claimedAt = performance.now();
          const { pushes, taken, isOutdated } = await this.claim(integration, wanted);
          this.mustReadAgain ||= isOutdated;
          if (pushes.length > 0) return [this.holdLease(pushes, claimedAt)];
          if (taken === 0) break;
        }
        return [];
      },
      perClaim: () => 1,
      claimAhead: () => 0,
      parallelClaims: batches,
      claimAgainMs: CLAIM_AGAIN_MS,
      run: async (batch) => {
        await this.pushOneBatch(integration, batch, { open, progress, grouped }).finally(batch.endLease);
      },
      concurrency: () => batches,
      shouldContinue,
      intervalMs: 0,
      release: async (claimed) => {
        for (const { pushes, endLease } of claimed)
          await this.recordResults(pushes.map(notBegun)).finally(endLease);
      },
    });
    return this.mustReadAgain;
  }

  private holdLease(pushes: readonly ClaimedPush[], claimedAt?: number): ClaimedBatch {
    const claimId = (pushes[0] as ClaimedPush).claimId;
    const claimed = { ...this.input, claimId, recordIds: pushes.map(({ recordId }) => recordId) };
    const renew = (leaseUntil: Date) => this.inTenant((work) => renewLease(work, { ...claimed, leaseUntil }));
    return { pushes, endLease: this.leases.hold(renew, claimedAt) };
  }

  async probe(integration: Integration, pushes: readonly ClaimedPush[]): Promise<ThirdPartyState> {
    const batch = this.holdLease(pushes);
    const open = () => this.open(integration);
    const progress = { recordsAtOnce: 1, mayBegin: () => true };
    const isProbe = integration.outageSince !== null;
    const asked = { open, progress, grouped: this.groupedResults(integration), isProbe };
    const trouble = await this.pushOneBatch(integration, batch, asked).finally(batch.endLease);
    // The call of a worker that stops has no result.
    const isKnown = !this.timeBox.signal.aborted && !this.deps.isStopping();
    return isKnown ? trouble : { kind: 'permits', retryAt: this.timeBox.now() };
  }

  private async pushOneBatch(
    integration: Integration,
    { pushes }: ClaimedBatch,
    { isProbe = false, ...asked }: Pick<Batch, 'open' | 'progress' | 'grouped'> & { isProbe?: boolean },
  ): Promise<ThirdPartyState> {
    const early = new EarlyTrouble((state) => this.recordState(state, integration));
    const batch = await pushBatch({
      pushes,
      recordTypes: integration.recordTypes,
      ...asked,
      ask: () => this.checks.ask(integration, asked.open),
      isProbe,
      raise: async (push, conflicts) => {
        if (conflicts.length > 0)
          await this.inTenant((work) => raiseUnreadConflicts(work, this.input, push, conflicts));
      },
      findOurIds: (wanted) => this.inTenant((work) => findOurIds(work, this.input.integrationId, wanted)),
      onTrouble: (state) => early.add(state),
      now: () => this.timeBox.now(),
      log: this.deps.log,
    });
    const { concluded, trouble } = await noticeWriteOutage((work) => this.inTenant(work), batch, integration);
    // First the trouble of the integration, so that no other execution claims these rows before it is known.
    await early.end(trouble);
    await asked.grouped.conclude(concluded);
    return trouble;
  }

  private groupedResults(integration: Integration): GroupedResults {
    return new GroupedResults(async (finished) => {
      await this.recordResults(finished);
      await afterPushes((work) => this.inTenant(work), integration, finished, this.timeBox.now());
      this.pushed += finished.filter(({ outcome }) => outcome.kind === 'succeeded').length;
    });
  }

  async claim(
    integration: Integration,
    wanted: Pick<ClaimOptions, 'limit' | 'onlyWindows' | 'isProbe'>,
  ): Promise<Claim> {
    const options = {
      integration,
      // The database's clock has set the windows: one of Temporal that is ahead ends none of them early.
      firedAt: new Date(Math.min(this.input.firedAt, this.timeBox.now().getTime())),
      now: this.timeBox.now(),
      leaseUntil: this.leases.leaseUntil(),
      giveUpAfterMs: this.deps.pushing.outage.giveUpAfterMs,
      ...wanted,
      allowances: this.share.allowances(integration),
    };
    const claim = await this.inTenant((work) => claimDuePushes(work, options));
    await settleWaiting((work) => this.inTenant(work), this.input.integrationId, claim.waiting);
    return claim;
  }

  async recordResults(concluded: readonly FinishedPush[]): Promise<void> {
    const results = { ...this.input, finished: concluded, now: this.timeBox.now() };
    if (concluded.length > 0) await this.inTenant((work) => recordPushResults(work, results));
  }

  async recordState(state: ThirdPartyState, integration: Integration): Promise<void> {
    this.mustReadAgain ||= state.kind !== 'well';
    // Under the ids that the API shows. The third party's words stay in the tenant's rows.
    const { tenantId, integrationId } = this.input;
    const fields = { tenant_id: typeIdOf('ten', tenantId), integration_id: typeIdOf('int', integrationId) };
    if (state.kind === 'permits') this.permitsAt = state.retryAt;
    else if (state.kind !== 'well')
      this.deps.log.warn({ ...fields, trouble: state.kind }, 'third party in trouble');
    else this.deps.log.info(fields, 'third party answers again');
    await this.inTenant((work) => recordThirdPartyState(work, integration, state, this.instant()));
  }

  private async report(): Promise<PushReport> {
    const status = await this.inTenant(async (work) => {
      await endOutageIfNothingWaits(work, this.input);
      return readPushQueueStatus(work, this.input);
    });
    const { pushed, timeBox, permitsAt } = this;
    const shards = await this.share.needed(status, pushed, (work) => this.inTenant(work));
    return { ...reportOf(status, { ...this.input, pushed, timeBox, permitsAt }), ...shards };
  }

  async open(integration: Integration, callsAtOnce = 1): Promise<OpenConnector> {
    const { tenantId, integrationId } = this.input;
    const opened = await this.deps.openConnector(tenantId, integration, this.timeBox.signal, 'push');
    return forPushing(opened, {
      integrationId,
      callsAtOnce,
      onCall: () => this.share.countRequest(),
      inTenant: (work) => this.inTenant(work),
    });
  }

  inTenant<T>(work: Parameters<typeof this.deps.database.withTenant<T>>[1]): Promise<T> {
    return this.deps.database.withTenant(this.input.tenantId, this.timeBox.tracking(work));
  }
}
