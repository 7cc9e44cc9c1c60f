/** When tokens are refreshed. Instants are by the database's clock, lifetimes count from the request. */

/** Tokens without a stated lifetime, so that an idle refresh token does not expire. */
const WITHOUT_LIFETIME_MS = 24 * 3_600_000;
const RETRY_MS = 5_000;
const RETRY_MAX_MS = 3_600_000;

export interface TokenTimes {
  accessExpiresAt: Date | null;
  /** null = there is no refresh token. */
  refreshDueAt: Date | null;
}

/** `sentMsAgo`: the lifetime began at the earliest when the request was sent. */
export function tokenTimes(
  { expiresInSeconds, hasRefreshToken }: { expiresInSeconds: number | null; hasRefreshToken: boolean },
  { now, sentMsAgo, refreshAheadSeconds }: { now: Date; sentMsAgo: number; refreshAheadSeconds: number },
): TokenTimes {
  const at = (ms: number) => new Date(now.getTime() + Math.round(ms));
  if (expiresInSeconds === null)
    return { accessExpiresAt: null, refreshDueAt: hasRefreshToken ? at(WITHOUT_LIFETIME_MS) : null };
  const lifetimeMs = Math.min(expiresInSeconds, 10 * 365 * 86_400) * 1_000;
  const aheadMs = Math.min(refreshAheadSeconds * 1_000, lifetimeMs / 3);
  return {
    accessExpiresAt: at(lifetimeMs - sentMsAgo),
    refreshDueAt: hasRefreshToken ? at(lifetimeMs - sentMsAgo - aheadMs) : null,
  };
}

/** 5 s, 10 s, 20 s, … at most an hour; `retryAfterMs` if the provider asks for more. */
export function retryRefreshAt(now: Date, failedBefore: number, retryAfterMs: number | null): Date {
  const backOffMs = Math.min(RETRY_MS * 2 ** Math.min(failedBefore, 20), RETRY_MAX_MS);
  return new Date(now.getTime() + Math.max(backOffMs, Math.min(retryAfterMs ?? 0, 24 * 3_600_000)));
}
