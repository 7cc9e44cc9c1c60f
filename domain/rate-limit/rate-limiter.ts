/**
 * The shared rate limiter of an integration's requests (rules.md 34). Guarantees:
 * - until a limit is met, requests are not held back. The first "slow down" sets the rate to half of the
 *   recent rate, and each further one halves it, down to a floor;
 * - the rate grows slowly near the value that was slowed, and fast well above it;
 * - each priority leaves a reserve of tokens and of the remaining quota to the higher ones; a push may take
 *   the last one;
 * - no request is permitted before the end of a Retry-After, or of the pause after a refusal without one;
 * - a rate far above the current use, or an old one, is cleared.
 */
import type { Quota } from './quota-headers';

export const REQUEST_PRIORITIES = ['push', 'manual', 'sign_in', 'hourly', 'full'] as const;
export type RequestPriority = (typeof REQUEST_PRIORITIES)[number];

export interface RateLimiter {
  /** null = no limit known. */
  ratePerSecond: number | null;
  /** The rate at the last slow-down. */
  ceilingPerSecond: number | null;
  tokens: number;
  /** The instant of this state. */
  refilledAt: Date;
  slowedAt: Date | null;
  /** Accepted requests in a rolling window: the current use. */
  requestsCounted: number;
  countingSince: Date;
  quotaLimit: number | null;
  /** null = no quota is known. */
  quotaRemaining: number | null;
  quotaReportedAt: Date | null;
  quotaResetsAt: Date | null;
  /** The end of a pause that the third party asked for; no request of any priority before (rules.md R9). */
  pausedUntil: Date | null;
}

/** Counts of responses. */
export interface ResponseCounts {
  requests: number;
  /** The number of 429 responses, 503 with Retry-After, and others that mean the same, among them. */
  slowedDown: number;
  quota: Quota | null;
  /** The longest pause that one of them asks for, counted from now. */
  pauseMs?: number | null;
}

export interface Taking {
  budget: RateLimiter;
  /** May exceed the wanted number where that does no harm; unused permits expire. */
  granted: number;
  /** When to ask again; null if permits were granted. */
  retryAt: Date | null;
}

/** Granted at once while no limit is known, so that the database is rarely asked. */
export const PERMITS_MAX = 100;
/** How long a grant is valid. Short, because after a slow-down the grants of other processes remain valid. */
export const PERMITS_TTL_MS = 2_000;
/** The rate never falls below this. `Retry-After` handles slower limits than one request in 10 s. */
export const RATE_FLOOR = 0.1;

/**
 * The share of the quota that a priority leaves to higher ones. Of the tokens it leaves twice that share,
 * because they are few.
 */
const RESERVE: Readonly<Record<RequestPriority, number>> = {
  push: 0,
  manual: 0.05,
  sign_in: 0.1,
  hourly: 0.15,
  full: 0.2,
};
const BURST_SECONDS = 0.5;
/** With fewer tokens the reserves of the priorities would be equal. */
const BURST_MIN = 2;
/** A limit met after hardly any requests is not reliable. */
const FIRST_CEILING_MIN = 1;
/**
 * The rate grows from half of the ceiling to 0.9 of it in 24 s, then by a tenth of the ceiling per minute.
 */
const QUICK_GROWTH = 1 / 60;
const SLOW_GROWTH = 1 / 600;
const NEAR_CEILING = 0.9;
/**
 * After this time without a slow-down, the ceiling is outdated: the rate doubles about every 10 s to find the
 * new one.
 */
const PROBE_AFTER_MS = 120_000;
const PROBING_GROWTH = 1 / 15;
/**
 * Within this time after a slow-down, further refusals do not count: their requests were sent or granted
 * before it.
 */
const SLOWED_TOGETHER_MS = PERMITS_TTL_MS + 1_000;
/**
 * The length of the window in which use is counted. After an equally long silence a new window starts, and
 * the rate does not grow for it.
 */
const WINDOW_MS = 10_000;
const FORGET_UNUSED_AFTER_MS = 3_600_000;
const UNUSED_BEYOND = 4;
const FORGET_AFTER_MS = 24 * 3_600_000;
/** The lifetime of a header that reports none, and the maximum for pushes. */
const QUOTA_TRUSTED_MS = 60_000;

export function newRateLimiter(now: Date): RateLimiter {
  const rate = { ratePerSecond: null, ceilingPerSecond: null, tokens: 0, refilledAt: now, slowedAt: null };
  return {
    ...rate,
    requestsCounted: 0,
    countingSince: now,
    quotaLimit: null,
    quotaRemaining: null,
    quotaReportedAt: null,
    quotaResetsAt: null,
    pausedUntil: null,
  };
}

/**
 * The rate limiter's state at `at`. A transaction that waited for the lock may pass an earlier instant, which
 * is ignored.
 */
function advance(budget: RateLimiter, at: Date): RateLimiter {
  const now = at > budget.refilledAt ? at : budget.refilledAt;
  const elapsedMs = now.getTime() - budget.refilledAt.getTime();
  const grown = {
    ...budget,
    ratePerSecond: grownRate(budget, Math.min(elapsedMs, WINDOW_MS) / 1_000),
    refilledAt: now,
  };
  const rate = grown.ratePerSecond;
  grown.tokens = rate === null ? 0 : Math.min(grown.tokens + (elapsedMs / 1_000) * rate, burstOf(rate));
  // The bucket is not full after a pause: a burst would be refused again if the third party requested the
  // pause.
  if (elapsedMs > WINDOW_MS)
    Object.assign(grown, {
      requestsCounted: 0,
      countingSince: now,
      tokens: Math.min(grown.tokens, BURST_MIN),
    });
  const quotaEndsAt = quotaEnd(grown);
  return quotaEndsAt === null || quotaEndsAt > now ? grown : { ...grown, ...NO_QUOTA };
}

const burstOf = (rate: number): number => Math.max(rate * BURST_SECONDS, BURST_MIN);

/** The rate grows only while it is used, because an unused rate proves nothing. */
function grownRate(budget: RateLimiter, seconds: number): number | null {
  const { ratePerSecond: rate, ceilingPerSecond: ceiling, slowedAt, refilledAt } = budget;
  if (rate === null || ceiling === null || rate >= UNUSED_BEYOND * used(budget)) return rate;
  const near = ceiling * NEAR_CEILING;
  if (rate < near) return Math.min(rate + ceiling * QUICK_GROWTH * seconds, near);
  const isProbing = slowedAt !== null && refilledAt.getTime() - slowedAt.getTime() >= PROBE_AFTER_MS;
  return rate + seconds * (isProbing ? rate * PROBING_GROWTH : ceiling * SLOW_GROWTH);
}

const NO_QUOTA = { quotaRemaining: null, quotaReportedAt: null, quotaResetsAt: null };

function quotaEnd({ quotaRemaining, quotaReportedAt, quotaResetsAt }: RateLimiter): Date | null {
  if (quotaRemaining === null || quotaReportedAt === null) return null;
  return quotaResetsAt ?? new Date(quotaReportedAt.getTime() + QUOTA_TRUSTED_MS);
}

export function takeRequests(
  before: RateLimiter,
  { priority, wanted }: { priority: RequestPriority; wanted: number },
  at: Date,
): Taking {
  const budget = advance(before, at);
  const ways = [byRate(budget, priority), byQuota(budget, priority), byPause(budget)];
  const retryAt = new Date(Math.max(...ways.map((way) => way.retryAt.getTime())));
  const available = Math.min(...ways.map((way) => way.available));
  if (available < 1) return { budget, granted: 0, retryAt };
  const granted = Math.floor(
    Math.min(available, Math.max(wanted, Math.min(...ways.map((way) => way.advance)))),
  );
  return { budget: spend(budget, granted), granted, retryAt: null };
}

/** `advance`: how much may be granted beyond what is wanted. */
interface Way {
  available: number;
  advance: number;
  retryAt: Date;
}

function byRate(
  { ratePerSecond: rate, tokens, refilledAt: now }: RateLimiter,
  priority: RequestPriority,
): Way {
  if (rate === null) return { available: Number.POSITIVE_INFINITY, advance: PERMITS_MAX, retryAt: now };
  const available = tokens - 2 * RESERVE[priority] * burstOf(rate);
  // Rounded up with a margin for floating point, so that a request at that instant gets a token.
  const retryAt = new Date(now.getTime() + Math.ceil((Math.max(1 - available, 0) / rate) * 1_000 + 0.001));
  return { available, advance: Math.min(rate / 4, PERMITS_MAX), retryAt };
}

function byQuota(budget: RateLimiter, priority: RequestPriority): Way {
  const { quotaLimit, quotaRemaining, quotaReportedAt, refilledAt: now } = budget;
  const endsAt = quotaEnd(budget);
  if (quotaRemaining === null || quotaReportedAt === null || endsAt === null)
    return { available: Number.POSITIVE_INFINITY, advance: PERMITS_MAX, retryAt: now };
  const available = quotaRemaining - RESERVE[priority] * (quotaLimit ?? 0);
  // Unused permits cannot be granted again until the next response, so few are granted in advance.
  const way = { available, advance: Math.min(available / 20, PERMITS_MAX) };
  if (available >= 1) return { ...way, retryAt: now };
  if (priority !== 'push') return { ...way, retryAt: endsAt };
  const triesAt = new Date(Math.min(endsAt.getTime(), quotaReportedAt.getTime() + QUOTA_TRUSTED_MS));
  return triesAt > now ? { ...way, retryAt: triesAt } : { available: 1, advance: 1, retryAt: now };
}

function byPause({ pausedUntil, refilledAt: now }: RateLimiter): Way {
  const isPaused = pausedUntil !== null && pausedUntil > now;
  return isPaused
    ? { available: 0, advance: 0, retryAt: pausedUntil }
    : { available: Number.POSITIVE_INFINITY, advance: PERMITS_MAX, retryAt: now };
}

function spend(budget: RateLimiter, granted: number): RateLimiter {
  const quotaRemaining = budget.quotaRemaining === null ? null : Math.max(budget.quotaRemaining - granted, 0);
  return { ...budget, tokens: budget.ratePerSecond === null ? 0 : budget.tokens - granted, quotaRemaining };
}

export function recordResponses(
  before: RateLimiter,
  { requests, slowedDown, quota, pauseMs = null }: ResponseCounts,
  at: Date,
): RateLimiter {
  const counted = count(advance(before, at), requests - slowedDown);
  const paced = paused(slowedDown > 0 ? slowDown(counted) : forget(counted), pauseMs);
  if (quota === null) return paced;
  const now = paced.refilledAt;
  return {
    ...paced,
    // Some third parties report only the remaining requests; their limit is at least that number.
    quotaLimit: quota.limit ?? Math.max(paced.quotaLimit ?? 0, quota.remaining),
    quotaRemaining: quota.remaining,
    quotaReportedAt: now,
    quotaResetsAt: quota.resetsInMs === null ? null : new Date(now.getTime() + quota.resetsInMs),
  };
}

/** Of several pauses, the one that ends last counts. */
function paused(budget: RateLimiter, pauseMs: number | null): RateLimiter {
  if (pauseMs === null) return budget;
  const until = budget.refilledAt.getTime() + pauseMs;
  return { ...budget, pausedUntil: new Date(Math.max(until, budget.pausedUntil?.getTime() ?? 0)) };
}

function count(budget: RateLimiter, accepted: number): RateLimiter {
  const now = budget.refilledAt.getTime();
  const elapsedMs = now - budget.countingSince.getTime();
  const requestsCounted = budget.requestsCounted + accepted;
  if (elapsedMs <= WINDOW_MS) return { ...budget, requestsCounted };
  return {
    ...budget,
    requestsCounted: (requestsCounted * WINDOW_MS) / elapsedMs,
    countingSince: new Date(now - WINDOW_MS),
  };
}

const windowMs = ({ refilledAt, countingSince }: RateLimiter): number =>
  refilledAt.getTime() - countingSince.getTime();
const used = (budget: RateLimiter): number => budget.requestsCounted / Math.max(windowMs(budget) / 1_000, 1);

function slowDown(budget: RateLimiter): RateLimiter {
  const { ratePerSecond: rate, slowedAt, pausedUntil, refilledAt: now } = budget;
  if (slowedAt !== null && now.getTime() - slowedAt.getTime() < SLOWED_TOGETHER_MS) return budget;
  // Nothing is granted in a pause, so the refused request was granted before it, too.
  if (pausedUntil !== null && pausedUntil > now) return budget;
  // If less than half of the rate was used, the rate was not the cause of the refusal.
  const ceiling =
    rate === null ? Math.max(used(budget), FIRST_CEILING_MIN) : used(budget) < rate / 2 ? rate / 2 : rate;
  const ratePerSecond = Math.max(ceiling / 2, RATE_FLOOR);
  return {
    ...budget,
    ratePerSecond,
    ceilingPerSecond: Math.max(ceiling, ratePerSecond),
    tokens: 0,
    slowedAt: now,
  };
}

function forget(budget: RateLimiter): RateLimiter {
  const { ratePerSecond: rate, slowedAt, refilledAt: now } = budget;
  if (rate === null || slowedAt === null) return budget;
  const agoMs = now.getTime() - slowedAt.getTime();
  // A window that has just begun says little about the use.
  const isUnused = windowMs(budget) >= WINDOW_MS / 2 && rate >= UNUSED_BEYOND * used(budget);
  if (agoMs < FORGET_AFTER_MS && !(agoMs >= FORGET_UNUSED_AFTER_MS && isUnused)) return budget;
  return { ...budget, ratePerSecond: null, ceilingPerSecond: null, tokens: 0, slowedAt: null };
}
