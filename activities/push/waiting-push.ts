/** The outcome of a push that waits with its whole integration. */
import { type RateLimited, Unauthorized } from '../../connectors/errors';
import type { PushOutcome } from '../../db/push/push-outcome';
import { behindOthersMs, rateLimitDelayMs } from '../../domain/retry';
import { toSyncErrors } from '../integrations/connector-failures';

/** It was not called. */
export const WAITING = { kind: 'waiting', wasCalled: false, errors: null, isFailing: false } as const;

/** After an answer that concerns every call. Other records come first: it may be about this record only. */
export function waitingForAll(error: RateLimited | Unauthorized, now: Date): PushOutcome {
  if (error instanceof Unauthorized) return { ...WAITING, errors: toSyncErrors(error) };
  const delayMs = rateLimitDelayMs(error.retryAfterMs);
  const dueAt = new Date(now.getTime() + behindOthersMs(delayMs));
  return { ...WAITING, wasCalled: error.mayBeApplied, dueAt };
}
