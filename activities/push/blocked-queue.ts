/**
 * What a push queue does while its integration is blocked: due windows turn into pushes that wait, and one
 * execution of all probes a third party that is down (rules.md 8, 11, 58).
 */
import { claimProbe, markRecovered, releaseProbe } from '../../db/integrations/availability';
import type { Integration } from '../../db/integrations/integrations';
import type { Claim, ClaimedPush, ClaimOptions } from '../../db/push/claim';
import type { FinishedPush } from '../../db/push/push-outcome';
import { hasDuePushes } from '../../db/push/push-queue';
import type { TenantWork } from '../../db/database';
import type { OpenConnector } from '../dependencies';
import { askThirdParty, type ThirdPartyState } from '../integrations/third-party-health';
import { errorOfOutage, type OutageInstant, showOutage } from './write-outage';

/** The execution of the push queue. */
export interface BlockedQueue {
  inTenant<T>(work: (work: TenantWork) => Promise<T>): Promise<T>;
  instant(): OutageInstant;
  open(integration: Integration): Promise<OpenConnector>;
  claim(
    integration: Integration,
    wanted: Pick<ClaimOptions, 'limit' | 'onlyWindows' | 'isProbe'>,
  ): Promise<Claim>;
  /** Sends one push. @returns well if the third party has answered it. */
  probe(integration: Integration, pushes: readonly ClaimedPush[]): Promise<ThirdPartyState>;
  recordResults(concluded: readonly FinishedPush[]): Promise<void>;
  recordState(state: ThirdPartyState, integration: Integration): Promise<void>;
}

const BLOCKED_CHUNK = 500;
const LOCKED_RETRY_MS = 1_000;
const WELL: ThirdPartyState = { kind: 'well' };

/**
 * Due windows become pushes that wait, and an outage of 15 minutes is shown at all of them: the status tells
 * the truth, and no call is made. @returns true if there is more to do.
 */
export async function showBlocked(queue: BlockedQueue, integration: Integration): Promise<boolean> {
  const claim = await queue.claim(integration, { limit: BLOCKED_CHUNK, onlyWindows: true });
  const error = errorOfOutage(integration, queue.instant());
  const errors = error === null ? null : [error];
  await queue.recordResults(
    claim.pushes.map((push) => ({
      push,
      outcome: { kind: 'waiting', wasCalled: false, errors, isFailing: errors !== null },
    })),
  );
  if (claim.taken > 0 || claim.isOutdated) return true;
  return queue.inTenant((work) => showOutage(work, integration, queue.instant()));
}

/** A rate limit is over when a push is not refused by it; an outage when a push succeeds. */
export async function unblock(
  queue: BlockedQueue,
  integration: Integration,
  blockedUntil: Date,
): Promise<void> {
  const { integrationId } = integration;
  const { now } = queue.instant();
  const isOutage = integration.blockedReason === 'outage';
  // The claim of a probe would hold back reads longer than the third party has asked for.
  const claimedUntil = isOutage
    ? await queue.inTenant((work) => claimProbe(work, { integrationId, now, blockedUntil }))
    : blockedUntil;
  if (claimedUntil === undefined) return;
  const state = await probe(queue, integration);
  if (state.kind === 'well')
    await queue.inTenant((work) => markRecovered(work, { integrationId, now: queue.instant().now }));
  else if (state.kind === 'permits') {
    // A person may end the pause of Syncline's own rate limiter meanwhile.
    const soon = new Date(Math.min(state.retryAt.getTime(), now.getTime() + LOCKED_RETRY_MS));
    const retryAt = isOutage ? state.retryAt : soon;
    await queue.inTenant((work) => releaseProbe(work, { integrationId, claimedUntil, retryAt }));
  }
}

/** @returns `permits` if nothing is known about the third party. */
async function probe(queue: BlockedQueue, integration: Integration): Promise<ThirdPartyState> {
  const mustAnswer = integration.blockedReason === 'outage' && !integration.isWriteOutage;
  const state = mustAnswer ? await askThirdParty(() => queue.open(integration)) : WELL;
  if (state.kind === 'well') return probeByPush(queue, integration);
  await queue.recordState(state, integration);
  return state;
}

/** One push alone, because the third party may still be down, or ask to wait again. */
async function probeByPush(queue: BlockedQueue, integration: Integration): Promise<ThirdPartyState> {
  const { integrationId } = integration;
  const claim = await claimOne(queue, integration);
  if (claim.pushes.length > 0) return queue.probe(integration, claim.pushes);
  const { now } = queue.instant();
  if (claim.isOutdated) return { kind: 'permits', retryAt: now };
  const isLocked = await queue.inTenant((work) => hasDuePushes(work, { integrationId, now }));
  // An incoming change holds what is due.
  return isLocked ? { kind: 'permits', retryAt: new Date(now.getTime() + LOCKED_RETRY_MS) } : WELL;
}

/** A claim of one push, or of none if no other one is due. */
async function claimOne(queue: BlockedQueue, integration: Integration): Promise<Claim> {
  for (;;) {
    const claim = await queue.claim(integration, { limit: 1, onlyWindows: false, isProbe: true });
    if (claim.pushes.length > 0 || claim.taken === 0) return claim;
  }
}
