/**
 * What a push queue does while its integration is blocked: due windows turn into pushes that wait, and one
 * execution of all probes a third party that is down (rules.md 8, 11, 58).
 */
import { claimProbe, markRecovered } from '../../db/integrations/availability';
import type { Integration } from '../../db/integrations/integrations';
import type { Claim, ClaimedPush, ClaimOptions } from '../../db/push/claim';
import type { FinishedPush } from '../../db/push/push-outcome';
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

/** A rate limit simply ends; an outage is over when a push succeeds, or when no push is due. */
export async function unblock(
  queue: BlockedQueue,
  integration: Integration,
  blockedUntil: Date,
): Promise<void> {
  if (integration.blockedReason !== 'outage') return queue.recordState(WELL, integration);
  const { integrationId, isWriteOutage } = integration;
  const { now } = queue.instant();
  if (!(await queue.inTenant((work) => claimProbe(work, { integrationId, now, blockedUntil })))) return;
  const state = isWriteOutage ? WELL : await askThirdParty(() => queue.open(integration));
  if (state.kind !== 'well') return queue.recordState(state, integration);
  if ((await probeByPush(queue, integration)).kind === 'well')
    await queue.inTenant((work) => markRecovered(work, { integrationId, now: queue.instant().now }));
}

/** One push, for all queues and workers: the caller has claimed the probe. */
async function probeByPush(queue: BlockedQueue, integration: Integration): Promise<ThirdPartyState> {
  for (;;) {
    const claim = await queue.claim(integration, { limit: 1, onlyWindows: false, isProbe: true });
    if (claim.pushes.length > 0) return queue.probe(integration, claim.pushes);
    if (claim.isOutdated) return { kind: 'permits', retryAt: queue.instant().now };
    if (claim.taken === 0) return WELL;
  }
}
