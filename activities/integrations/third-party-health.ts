/**
 * The availability of a third party as a whole. The connector's `check` decides it, or several different
 * records that get no answer, never a single record (ARCHITECTURE.md, rules.md 58).
 */
import { ConnectorError, RateLimited, Unauthorized, WrongAddress } from '../../connectors/errors';
import { type OutageLimits, rateLimitDelayMs } from '../../domain/retry';
import type { TenantWork } from '../../db/database';
import {
  markAnswering,
  markOutage,
  markRateLimited,
  markUnauthorized,
} from '../../db/integrations/availability';
import type { Integration } from '../../db/integrations/integrations';
import { recordRateLimitUsage } from '../../db/integrations/rate-limits';
import { ownFailure } from '../../db/sql/database-away';
import type { OpenConnector } from '../dependencies';
import { RateLimitExhausted } from './rate-limited-http';

export type ThirdPartyState =
  | { kind: 'well' }
  /** `isWrite`: pushes get no answer, whatever `check` says. */
  | { kind: 'outage'; detail: string; isWrite?: boolean }
  /** Syncline's own rate limiter held the call back, so nothing is known. */
  | { kind: 'permits'; retryAt: Date }
  | { kind: 'rate_limit'; delayMs: number; detail: string }
  | { kind: 'unauthorized'; detail: string };

export async function askThirdParty(open: () => Promise<OpenConnector>): Promise<ThirdPartyState> {
  try {
    const { connector, context } = await open();
    await connector.check(context);
    return { kind: 'well' };
  } catch (error) {
    const own = ownFailure(error);
    if (own === undefined && error instanceof ConnectorError) return stateAfter(error);
    throw own ?? error;
  }
}

/** The state of the third party that the error of a check means. */
export function stateAfter(error: ConnectorError): ThirdPartyState {
  if (error instanceof RateLimitExhausted) return { kind: 'permits', retryAt: error.retryAt };
  if (error instanceof RateLimited)
    return { kind: 'rate_limit', delayMs: rateLimitDelayMs(error.retryAfterMs), detail: error.message };
  // The third party answers. Every call then fails with the error that names the address (rules.md 8).
  if (error instanceof WrongAddress) return { kind: 'well' };
  // A refused check (403) means that the account lacks permissions: new credentials are needed.
  if (error instanceof Unauthorized || error.kind === 'record_rejected')
    return { kind: 'unauthorized', detail: error.message };
  return { kind: 'outage', detail: error.message };
}

/** Stores the state on the integration, once for all of its pushes, runs and overviews (rules.md 10, 11). */
export async function recordThirdPartyState(
  work: TenantWork,
  {
    integrationId,
    credentialsUpdatedAt,
    outageSince,
  }: Pick<Integration, 'integrationId' | 'credentialsUpdatedAt' | 'outageSince'>,
  state: ThirdPartyState,
  { now, outage }: { now: Date; outage: OutageLimits },
): Promise<void> {
  if (state.kind === 'permits') return;
  if (state.kind === 'well') await markAnswering(work, { integrationId, now });
  else if (state.kind === 'outage')
    await markOutage(work, {
      integrationId,
      now,
      detail: state.detail,
      limits: outage,
      knownSince: outageSince,
      isWrite: state.isWrite ?? false,
    });
  else if (state.kind === 'unauthorized')
    await markUnauthorized(work, { integrationId, now, detail: state.detail, credentialsUpdatedAt });
  else {
    await markRateLimited(work, {
      integrationId,
      until: new Date(now.getTime() + state.delayMs),
      detail: state.detail,
    });
    // Batches that other workers have claimed ask for their permits. Not every such answer is a 429.
    const answers = { requests: 1, slowedDown: 1, quota: null, pauseMs: state.delayMs };
    await recordRateLimitUsage(work, { integrationId, ...answers });
  }
}
