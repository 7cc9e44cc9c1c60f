/**
 * One wake of an endpoint's lane: claims what is due, sends it, and writes down how it ended, until nothing is due or the time box is full.
 *
 * One attempt per claim. A receiver that fails again and again is left alone for a minute, and what waits loses no attempt by it; one that
 * says it is gone, or has done nothing but fail for days, is switched off (rules.md 44, 45).
 */
import { Context } from '@temporalio/activity';
import { parseRetryAfter } from '../../connectors/http-errors';
import type { DeliverDueWebhooksInput, DeliveryReport } from '../../contract/webhook-endpoint';
import type { Work } from '../../db/database';
import { newUuid } from '../../db/sql/ids';
import { type ClaimedDelivery, claimDueDeliveries } from '../../db/webhooks/claim-deliveries';
import type { FinishedDelivery } from '../../db/webhooks/finished-delivery';
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
import type { WebhookAnswer } from '../../egress/webhook-sender';
import {
  BREAKER_PAUSE_MS,
  type EndpointHealth,
  failuresUntilDown,
  decideHealth,
  recentFailures,
} from '../../domain/webhooks/endpoint-health';
import { nextDelayMs } from '../../domain/webhooks/retry-schedule';
import { typeIdOf } from '../../domain/typeid';
import { ClaimLeases } from '../lease-renewal';
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

export const createWebhookActivities = (dependencies: Dependencies): WebhookActivities => ({
  deliverDueWebhooks: (input) => new DeliverDueWebhooksTask(dependencies, input).run(),
});

/** What is due but held by another claim is looked at again after this, not at once. */
const CHECK_AGAIN_MS = 1_000;
const GONE = 410;

interface Tried {
  delivery: ClaimedDelivery;
  at: Date;
  answer: WebhookAnswer;
}

/** The state of one wake. */
class DeliverDueWebhooksTask {
  private readonly timeBox: TimeBox;
  private readonly claimId = newUuid();
  private readonly held = new Set<string>();
  private readonly leases: ClaimLeases;
  private delivered = 0;
  private failedAttempts = 0;
  /** In a row, instants in workflow time. */
  private failures: readonly number[];
  private isPausing = false;
  private isOutdated = false;

  constructor(
    private readonly deps: Dependencies,
    private readonly input: DeliverDueWebhooksInput,
  ) {
    const { endpointId } = input;
    this.failures = input.recentFailures;
    this.timeBox = new TimeBox({ ...deps, ...deps.delivering, firedAt: input.firedAt });
    this.leases = new ClaimLeases({
      timeBox: this.timeBox,
      leaseMs: deps.delivering.leaseMs,
      log: deps.log,
      renew: ({ claimId, ids, leaseUntil }) =>
        this.asWebhooksRole((work) =>
          renewDeliveries(work, { endpointId, claimId, deliveryIds: ids, leaseUntil }),
        ),
      logFields: this.names(),
    });
  }

  async run(): Promise<DeliveryReport> {
    return this.leases.renewDuring(Context.current(), async () => {
      const endpoint = await this.asWebhooksRole((work) => findDeliveringEndpoint(work, this.input));
      if (endpoint !== undefined && stateOfEndpoint(endpoint) === 'working' && !this.isBlocked(endpoint)) {
        const lease = { claimId: this.claimId, ids: () => [...this.held] };
        await this.leases.withLease(lease, () => this.deliver(endpoint));
      }
      return this.report();
    });
  }

  private async deliver(endpoint: DeliveringEndpoint): Promise<void> {
    const { atOnce, perClaim } = this.deps.delivering;
    const secrets = await this.deps.openWebhookSecrets(endpoint, this.timeBox.now());
    const tried = new WriteBatcher<Tried>((lot) => this.conclude(endpoint, lot));
    const intervalMs = endpoint.ratePerSecond === null ? 0 : 1_000 / endpoint.ratePerSecond;
    const limit = endpoint.ratePerSecond === null ? perClaim : Math.min(perClaim, 2 * endpoint.ratePerSecond);
    const options = {
      claim: () => this.claim(endpoint, limit),
      perClaim: limit,
      work: async (delivery: ClaimedDelivery) => {
        const one = await this.attempt(endpoint, secrets, delivery);
        if (one !== null) await tried.add(one);
      },
      width: () =>
        this.isHealthy()
          ? atOnce
          : Math.min(atOnce, failuresUntilDown(this.failures, this.timeBox.now().getTime())),
      shouldContinue: () =>
        this.timeBox.isWithinTimeBox() && !this.isPausing && !this.isOutdated && !tried.hasFailed,
      intervalMs,
    };
    try {
      await runBounded(options, (unbegun) => this.release(unbegun));
    } finally {
      await tried.end();
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
    };
    const { deliveries, isOutdated } = await this.asWebhooksRole((work) => claimDueDeliveries(work, options));
    this.isOutdated ||= isOutdated;
    for (const { deliveryId } of deliveries) this.held.add(deliveryId);
    return deliveries;
  }

  /** @returns null where it was broken off, and so was no attempt. */
  private async attempt(
    endpoint: DeliveringEndpoint,
    secrets: readonly string[],
    delivery: ClaimedDelivery,
  ): Promise<Tried | null> {
    const at = this.timeBox.now();
    const { body, eventId } = delivery;
    if (body === null) return { delivery, at, answer: NO_LONGER_KEPT };
    const answer = await this.deps.webhookSender.send(
      { url: endpoint.url, id: typeIdOf('evt', eventId), at, body, secrets },
      this.timeBox.signal,
    );
    if (answer.isAborted) {
      await this.release([delivery]);
      return null;
    }
    this.note(answer);
    return { delivery, at, answer };
  }

  /** Until it has shown that it is, no more are under way than may fail before it is left alone: that is what a receiver that is down costs. */
  private isHealthy(): boolean {
    return this.delivered > 0 && this.failures.length === 0;
  }

  private note({ error, status }: WebhookAnswer): void {
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

  private async conclude(endpoint: DeliveringEndpoint, lot: readonly Tried[]): Promise<void> {
    const now = this.timeBox.now();
    const concluded = lot.map((one) => conclusionOf(one, now));
    const health = await this.asWebhooksRole((work) =>
      recordDeliveryAttempts(work, { endpoint, claimId: this.claimId, finished: concluded, now }),
    );
    for (const { delivery } of lot) this.held.delete(delivery.deliveryId);
    if (lot.some(({ answer }) => answer.status === GONE)) await this.disable(endpoint, 'gone');
    else if (health !== null) await this.actOn(endpoint, health, now);
  }

  private async actOn(endpoint: DeliveringEndpoint, health: EndpointHealth, now: Date): Promise<void> {
    const verdict = decideHealth(health, now);
    if (verdict === 'disable') await this.disable(endpoint, 'failing');
    if (verdict !== 'warn') return;
    const warning = { endpointId: endpoint.endpointId, health, at: now };
    const isNews = await this.deps.database.withTenant(endpoint.tenantId, (work) =>
      warnOfEndpoint(work, warning),
    );
    if (isNews)
      this.deps.log.warn(
        { ...this.names(), failing_since: health.failingSince },
        'nothing but failures at a webhook endpoint',
      );
  }

  /** In the name of its tenant, who is told of it. */
  private async disable(
    { endpointId, tenantId }: DeliveringEndpoint,
    reason: 'gone' | 'failing',
  ): Promise<void> {
    this.isOutdated = true;
    const isNews = await this.deps.database.withTenant(tenantId, (work) =>
      disableEndpoint(work, { endpointId, reason }),
    );
    if (isNews) this.deps.log.warn({ ...this.names(), reason }, 'switched a webhook endpoint off');
  }

  private async pause(endpoint: DeliveringEndpoint): Promise<void> {
    this.failures = [];
    const until = this.timeBox.after(BREAKER_PAUSE_MS);
    await this.asWebhooksRole((work) => blockEndpoint(work, { endpoint, until }));
    this.deps.log.warn(this.names(), 'a webhook endpoint fails again and again; paused for a minute');
  }

  private async release(unbegun: readonly ClaimedDelivery[]): Promise<void> {
    const deliveryIds = unbegun.map(({ deliveryId }) => deliveryId);
    if (deliveryIds.length === 0) return;
    await this.asWebhooksRole((work) =>
      releaseDeliveries(work, { endpointId: this.input.endpointId, claimId: this.claimId, deliveryIds }),
    );
    for (const deliveryId of deliveryIds) this.held.delete(deliveryId);
  }

  private async report(): Promise<DeliveryReport> {
    const outlook = await this.asWebhooksRole(async (work) => {
      const state = stateOfEndpoint(await findDeliveringEndpoint(work, this.input));
      if (state !== 'working')
        await disableWaiting(work, { endpointId: this.input.endpointId, now: this.timeBox.now() });
      return { ...(await readEndpointQueueStatus(work, this.input)), state };
    });
    const now = this.timeBox.now().getTime();
    // Due still, though there was time for it: somebody else holds it.
    const earliest =
      this.timeBox.isWithinTimeBox() &&
      !this.isOutdated &&
      outlook.state === 'working' &&
      this.delivered + this.failedAttempts === 0
        ? now + CHECK_AGAIN_MS
        : now;
    const blockedUntil = outlook.endpoint?.blockedUntil?.getTime() ?? null;
    return {
      state: outlook.state,
      tenantId: outlook.endpoint?.tenantId ?? null,
      delivered: this.delivered,
      failedAttempts: this.failedAttempts,
      nextDueAt: outlook.nextDueAt === null ? null : Math.max(outlook.nextDueAt.getTime(), earliest),
      pendingDeliveries: outlook.pendingDeliveries,
      blockedUntil: blockedUntil === null || blockedUntil <= now ? null : blockedUntil,
      recentFailures: recentFailures(this.failures, now),
    };
  }

  private isBlocked({ blockedUntil }: DeliveringEndpoint): boolean {
    return blockedUntil !== null && blockedUntil > this.timeBox.now();
  }

  private names(): { endpoint_id: string } {
    return { endpoint_id: typeIdOf('whe', this.input.endpointId) };
  }

  private asWebhooksRole<T>(work: (context: Work) => Promise<T>): Promise<T> {
    return this.deps.database.withWebhooksRole(this.timeBox.tracking(work));
  }
}

const NO_LONGER_KEPT: WebhookAnswer = {
  status: null,
  error: 'The event is no longer kept.',
  isTimeout: false,
  isAborted: false,
  durationMs: 0,
  requestHeaders: {},
  responseHeaders: null,
  responseBody: null,
};

function conclusionOf({ delivery, at, answer }: Tried, now: Date): FinishedDelivery {
  return { delivery, attempt: { at, ...answer }, outcome: outcomeOf(delivery, answer, now) };
}

function outcomeOf(delivery: ClaimedDelivery, answer: WebhookAnswer, now: Date): FinishedDelivery['outcome'] {
  if (answer.error === null) return { kind: 'delivered' };
  if (answer.status === GONE) return { kind: 'disabled' };
  if (delivery.body === null) return { kind: 'failed' };
  const retryAfterMs = parseRetryAfter(answer.responseHeaders?.['retry-after'], now.getTime());
  const delayMs = nextDelayMs({
    attempts: delivery.attempts + 1,
    elapsedMs: now.getTime() - delivery.createdAt.getTime(),
    failure: { status: answer.status, isTimeout: answer.isTimeout, retryAfterMs },
    random: Math.random(),
  });
  return delayMs === null
    ? { kind: 'failed' }
    : { kind: 'retrying', nextAttemptAt: new Date(now.getTime() + delayMs) };
}
