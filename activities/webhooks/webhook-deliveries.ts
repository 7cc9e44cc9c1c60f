/**
 * One execution of an endpoint's queue: claims due deliveries, sends them, and records the results until
 * nothing is due or the time box is full.
 *
 * Each delivery gets one attempt per claim. Repeated failures pause the endpoint for a minute, and the pause
 * consumes no attempts. An endpoint that answers 410, or only failed for days, is disabled (rules.md 44, 45).
 */
import { Context } from '@temporalio/activity';
import type { DeliverDueWebhooksInput, DeliveryReport } from '../../contract/webhook-endpoint';
import type { Commit, Work } from '../../db/database';
import { newUuid } from '../../db/sql/ids';
import { type ClaimedDelivery, claimDueDeliveries } from '../../db/webhooks/claim-deliveries';
import { recordDeliveryAttempts } from '../../db/webhooks/record-attempts';
import {
  blockEndpoint,
  disableEndpoint,
  disableWaiting,
  warnOfEndpoint,
} from '../../db/webhooks/endpoint-health';
import {
  type DeliveringEndpoint,
  findDeliveringEndpoint,
  readEndpointQueueStatus,
  releaseDeliveries,
  renewDeliveries,
  stateOfEndpoint,
} from '../../db/webhooks/endpoint-queue';
import type { SendWebhook, WebhookAnswer } from '../../egress/webhook-sender';
import {
  BREAKER_PAUSE_MS,
  type EndpointHealth,
  failuresUntilDown,
  decideHealth,
  recentFailures,
} from '../../domain/webhooks/endpoint-health';
import { typeIdOf } from '../../domain/typeid';
import { ClaimLeases } from '../lease-renewal';
import { type DeliveryAttempt, EVENT_DELETED, finishDelivery, GONE } from './delivery-outcome';
import { claimSize } from './claim-size';
import { runBounded } from '../bounded-worker-pool';
import type { ActivityDependencies } from '../dependencies';
import { TimeBox } from '../time-box';
import { WriteBatcher } from '../write-batcher';

export interface WebhookActivities {
  deliverDueWebhooks(input: DeliverDueWebhooksInput): Promise<DeliveryReport>;
}

type Dependencies = Pick<
  ActivityDependencies,
  'database' | 'log' | 'delivering' | 'isStopping' | 'webhookSender' | 'openWebhookSecrets'
>;

/** The tenant whose turn it was last, by endpoint of the platform: the next execution continues there. */
type Turns = Map<string, string | undefined>;

export const createWebhookActivities = (dependencies: Dependencies): WebhookActivities => {
  const turns: Turns = new Map();
  return { deliverDueWebhooks: (input) => new DeliverDueWebhooksTask(dependencies, input, turns).run() };
};

/** When to check again for deliveries that are due but claimed by another execution. */
const CHECK_AGAIN_MS = 1_000;
/** How soon a slow delivery lets deliveries that became due pass it. */
const CLAIM_AGAIN_MS = 200;

class DeliverDueWebhooksTask {
  private readonly timeBox: TimeBox;
  private readonly claimId = newUuid();
  private readonly held = new Set<string>();
  private readonly leases: ClaimLeases;
  private delivered = 0;
  private failedAttempts = 0;
  /** Instants in workflow time of the latest failures, without a success between them. */
  private failures: readonly number[];
  private isPausing = false;
  private isOutdated = false;

  constructor(
    private readonly deps: Dependencies,
    private readonly input: DeliverDueWebhooksInput,
    private readonly turns: Turns,
  ) {
    this.failures = input.recentFailures;
    this.timeBox = new TimeBox({ ...deps, ...deps.delivering, ...input, isDatabaseClock: true });
    this.leases = new ClaimLeases({
      timeBox: this.timeBox,
      leaseMs: deps.delivering.leaseMs,
      log: deps.log,
      logFields: this.logFields(),
    });
  }

  async run(): Promise<DeliveryReport> {
    return this.leases.renewDuring(Context.current(), async () => {
      const endpoint = await this.asWebhooksRole((work) => findDeliveringEndpoint(work, this.input));
      if (endpoint !== undefined && stateOfEndpoint(endpoint) === 'working' && !this.isBlocked(endpoint)) {
        const { endpointId } = this.input;
        const endLease = this.leases.hold((leaseUntil) => {
          const claimed = { endpointId, claimId: this.claimId, deliveryIds: [...this.held], leaseUntil };
          return this.asWebhooksRole((work) => renewDeliveries(work, claimed));
        });
        await this.deliver(endpoint).finally(endLease);
      }
      return this.report();
    });
  }

  private async deliver(endpoint: DeliveringEndpoint): Promise<void> {
    const { atOnce, perClaim } = this.deps.delivering;
    const { ratePerSecond } = endpoint;
    const secrets = await this.deps.openWebhookSecrets(endpoint, this.timeBox.now());
    const send = this.deps.webhookSender.to({ url: endpoint.url, ...secrets }, this.timeBox.signal);
    const results = new WriteBatcher<DeliveryAttempt>((attempts) => this.recordResults(endpoint, attempts));
    const intervalMs = ratePerSecond === null ? 0 : 1_000 / ratePerSecond;
    const sizeOfClaim = (): number => {
      const { delivered, timeBox } = this;
      return claimSize({ perClaim, ratePerSecond, delivered, elapsedMs: timeBox.elapsedMs() });
    };
    const options = {
      claim: (limit: number) => this.claim(endpoint, limit),
      perClaim: sizeOfClaim,
      claimAhead: () => sizeOfClaim() / 2,
      parallelClaims: 1,
      claimAgainMs: CLAIM_AGAIN_MS,
      run: (delivery: ClaimedDelivery) => this.attempt(send, delivery, results),
      concurrency: () =>
        this.isHealthy()
          ? atOnce
          : Math.min(atOnce, failuresUntilDown(this.failures, this.timeBox.now().getTime())),
      shouldContinue: () =>
        this.timeBox.isWithinTimeBox() && !this.isPausing && !this.isOutdated && !results.hasFailed,
      intervalMs,
      release: (unstarted: ClaimedDelivery[]) => this.release(unstarted),
    };
    try {
      await runBounded(options);
    } finally {
      await results.end();
    }
    if (this.isPausing) await this.pause(endpoint);
  }

  private async claim(endpoint: DeliveringEndpoint, limit: number): Promise<ClaimedDelivery[]> {
    const options = {
      endpoint,
      claimId: this.claimId,
      now: this.timeBox.now(),
      leaseUntil: this.leases.leaseUntil(),
      limit,
      afterTenant: this.turns.get(endpoint.endpointId),
    };
    // A claim that is lost in a crash of PostgreSQL only repeats deliveries.
    const { deliveries, isOutdated, lastTenant } = await this.asWebhooksRole(
      (work) => claimDueDeliveries(work, options),
      { waitsForDisk: false },
    );
    this.isOutdated ||= isOutdated;
    this.turns.set(endpoint.endpointId, lastTenant);
    for (const { deliveryId } of deliveries) this.held.add(deliveryId);
    return deliveries;
  }

  /** An aborted call does not count as an attempt. */
  private async attempt(
    send: SendWebhook,
    delivery: ClaimedDelivery,
    results: WriteBatcher<DeliveryAttempt>,
  ): Promise<void> {
    const at = this.timeBox.now();
    const { body, eventId } = delivery;
    const answer = body === null ? EVENT_DELETED : await send({ id: typeIdOf('evt', eventId), at, body });
    if (answer.isAborted) return this.release([delivery]);
    if (body !== null) this.countResult(answer);
    const isFull = results.add({ delivery, at, answer });
    if (isFull !== undefined) await isFull;
  }

  /**
   * Until the endpoint has succeeded once, the failures left before the circuit breaker opens limit the
   * concurrency. So an endpoint that is down costs only that many attempts.
   */
  private isHealthy(): boolean {
    return this.delivered > 0 && this.failures.length === 0;
  }

  private countResult({ error, status }: WebhookAnswer): void {
    if (error === null) {
      this.delivered += 1;
      this.failures = [];
      this.isPausing = false;
      return;
    }
    const now = this.timeBox.now().getTime();
    this.failedAttempts += 1;
    this.failures = recentFailures([...this.failures, now], now);
    this.isPausing = failuresUntilDown(this.failures, now) === 0;
    this.isOutdated ||= status === GONE;
  }

  private async recordResults(endpoint: DeliveringEndpoint, attempts: DeliveryAttempt[]): Promise<void> {
    const now = this.timeBox.now();
    const finished = attempts.map((attempt) => finishDelivery(attempt, now));
    const isGone = attempts.some(({ answer }) => answer.status === GONE);
    // First: if only this failed, nothing would be due that disables the endpoint.
    if (isGone) await this.disable(endpoint, 'gone');
    const health = await this.asWebhooksRole((work) =>
      recordDeliveryAttempts(work, { endpoint, claimId: this.claimId, finished, now }),
    );
    for (const { delivery } of attempts) this.held.delete(delivery.deliveryId);
    if (!isGone && health !== null) await this.actOn(endpoint, health, now);
  }

  private async actOn(endpoint: DeliveringEndpoint, health: EndpointHealth, now: Date): Promise<void> {
    const decision = decideHealth(health, now);
    if (decision === 'disable') await this.disable(endpoint, 'failing');
    if (decision !== 'warn') return;
    const warning = { endpointId: endpoint.endpointId, health, at: now };
    const isNews = await this.deps.database.withTenant(endpoint.tenantId, (work) =>
      warnOfEndpoint(work, warning),
    );
    if (isNews)
      this.deps.log.warn(
        { ...this.logFields(), failing_since: health.failingSince },
        'webhook endpoint failing continuously',
      );
  }

  /** Runs in the role of the tenant, because it notifies the tenant's admins. */
  private async disable(
    { endpointId, tenantId }: DeliveringEndpoint,
    reason: 'gone' | 'failing',
  ): Promise<void> {
    this.isOutdated = true;
    const isNews = await this.deps.database.withTenant(tenantId, (work) =>
      disableEndpoint(work, { endpointId, reason }),
    );
    if (isNews) this.deps.log.warn({ ...this.logFields(), reason }, 'disabled a webhook endpoint');
  }

  private async pause(endpoint: DeliveringEndpoint): Promise<void> {
    this.failures = [];
    const until = this.timeBox.after(BREAKER_PAUSE_MS);
    await this.asWebhooksRole((work) => blockEndpoint(work, { endpoint, until }));
    this.deps.log.warn(this.logFields(), 'webhook endpoint paused for a minute after repeated failures');
  }

  private async release(unstarted: readonly ClaimedDelivery[]): Promise<void> {
    const deliveryIds = unstarted.map(({ deliveryId }) => deliveryId);
    if (deliveryIds.length === 0) return;
    await this.asWebhooksRole((work) =>
      releaseDeliveries(work, { endpointId: this.input.endpointId, claimId: this.claimId, deliveryIds }),
    );
    for (const deliveryId of deliveryIds) this.held.delete(deliveryId);
  }

  private async report(): Promise<DeliveryReport> {
    const disableSome = (work: Work) => disableWaiting(work, { ...this.input, now: this.timeBox.now() });
    while ((await this.asWebhooksRole(disableSome)) === 'more');
    const status = await this.asWebhooksRole((work) => readEndpointQueueStatus(work, this.input));
    const state = stateOfEndpoint(status.endpoint);
    const now = this.timeBox.now().getTime();
    // Still due although there was time for it: another execution has claimed it.
    const earliest =
      this.timeBox.isWithinTimeBox() &&
      !this.isOutdated &&
      state === 'working' &&
      this.delivered + this.failedAttempts === 0
        ? now + CHECK_AGAIN_MS
        : now;
    const blockedUntil = status.endpoint?.blockedUntil?.getTime() ?? null;
    return {
      state,
      tenantId: status.endpoint?.tenantId ?? null,
      delivered: this.delivered,
      failedAttempts: this.failedAttempts,
      nextDueAt:
        status.nextDueAt === null
          ? null
          : this.timeBox.toWorkflowTime(Math.max(status.nextDueAt.getTime(), earliest)),
      pendingDeliveries: status.pendingDeliveries,
      blockedUntil: blockedUntil === null || blockedUntil <= now ? null : blockedUntil,
      recentFailures: recentFailures(this.failures, now),
    };
  }

  private isBlocked({ blockedUntil }: DeliveringEndpoint): boolean {
    return blockedUntil !== null && blockedUntil > this.timeBox.now();
  }

  private logFields(): { endpoint_id: string } {
    return { endpoint_id: typeIdOf('whe', this.input.endpointId) };
  }

  private asWebhooksRole<T>(callback: (work: Work) => Promise<T>, commit?: Commit): Promise<T> {
    return this.deps.database.withWebhooksRole(this.timeBox.tracking(callback), commit);
  }
}
