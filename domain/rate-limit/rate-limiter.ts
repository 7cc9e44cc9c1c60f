/**
 * The shared rate limiter of an integration's requests (rules.md 34). Guarantees:
 * - until a limit is met, requests are not held back. The first "slow down" sets the rate to half of the
 *   recent rate, and each further one halves it, down to a floor;
 * - the rate grows slowly near the value that was slowed, and fast well above it;
 * - each priority leaves a reserve of tokens and of the remaining quota to the higher ones; a push may take
 *   the last one;
 * - a rate far above the current use, or an old one, is cleared.
 */
import type { Quota } from './quota-headers';

export const REQUEST_PRIORITIES = ['push', 'manual', 'sign_in', 'hourly', 'full'] as const;
export type RequestPriority = (typeof REQUEST_PRIORITIES)[number];

export interface RateLimiter {
  /** null = no limit known. */
  ratePerSecond: number | null;
  /** The rate at which it was slowed last. */
  ceilingPerSecond: number | null;
  tokens: number;
  /** The instant that this describes. */
  refilledAt: Date;
  slowedAt: Date | null;
  /** Requests that were not refused, in a window that rolls with them: what is used. */
  requestsCounted: number;
  countingSince: Date;
  quotaLimit: number | null;
  /** null = nothing known that still holds. */
  quotaRemaining: number | null;
  quotaReportedAt: Date | null;
  quotaResetsAt: Date | null;
}

/** Counts of responses. */
export interface ResponseCounts {
  requests: number;
  /** How many of them were 429, or 503 with Retry-After. */
  slowedDown: number;
  quota: Quota | null;
}

export interface Taking {
  budget: RateLimiter;
  /** More than wanted where that does no harm; unused ones simply lapse. */
  granted: number;
  /** When to ask again; null when something was granted. */
  retryAt: Date | null;
}

/** Granted at once where nothing is limited, so that the database is asked rarely. */
export const PERMITS_MAX = 100;
/** What a grant is good for: short, because after a "slow down" those of other processes are still out. */
export const PERMITS_TTL_MS = 2_000;
/** The rate never falls below this: what is slower than a request in 10 s is `Retry-After`'s business. */
export const RATE_FLOOR = 0.1;

/**
 * Share of the quota that a priority leaves to those above it; of the tokens twice that, because they are
 * few.
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
/** From half of the ceiling to 0.9 of it in 24 s, from there a tenth of it per minute. */
const QUICK_GROWTH = 1 / 60;
const SLOW_GROWTH = 1 / 600;
const NEAR_CEILING = 0.9;
/**
 * Not slowed for so long, the ceiling was evidently another one: the rate doubles every 10 s or so, to find
 * it.
 */
const PROBE_AFTER_MS = 120_000;
const PROBING_GROWTH = 1 / 15;
/** Refusals of requests that were on their way, or granted, when the first one was refused are no news. */
const SLOWED_TOGETHER_MS = PERMITS_TTL_MS + 1_000;
/**
 * What is used is counted in a window of this length; silence as long begins a new one, and earns no more
 * growth.
 */
const WINDOW_MS = 10_000;
const FORGET_UNUSED_AFTER_MS = 3_600_000;
const UNUSED_BEYOND = 4;
const FORGET_AFTER_MS = 24 * 3_600_000;
/** How long a header holds that does not say so itself; and pushes trust none for longer. */
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
  };
}

/**
 * The budget at `at`. A transaction that waited for the lock may come with an instant already passed: time
 * never goes back.
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
  // No full bucket after a pause: where it was asked for by the third party, a burst would be refused again,
  // and pause follow pause.
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
  const ways = [byRate(budget, priority), byQuota(budget, priority)];
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
  // What lapses is missing until the next answer, so little is granted in advance.
  const way = { available, advance: Math.min(available / 20, PERMITS_MAX) };
  if (available >= 1) return { ...way, retryAt: now };
  if (priority !== 'push') return { ...way, retryAt: endsAt };
  const triesAt = new Date(Math.min(endsAt.getTime(), quotaReportedAt.getTime() + QUOTA_TRUSTED_MS));
  return triesAt > now ? { ...way, retryAt: triesAt } : { available: 1, advance: 1, retryAt: now };
}

function spend(budget: RateLimiter, granted: number): RateLimiter {
  const quotaRemaining = budget.quotaRemaining === null ? null : Math.max(budget.quotaRemaining - granted, 0);
  return { ...budget, tokens: budget.ratePerSecond === null ? 0 : budget.tokens - granted, quotaRemaining };
}

export function recordResponses(
  before: RateLimiter,
  { requests, slowedDown, quota }: ResponseCounts,
  at: Date,
): RateLimiter {
  const counted = count(advance(before, at), requests - slowedDown);
  const paced = slowedDown > 0 ? slowDown(counted) : forget(counted);
  if (quota === null) return paced;
  const now = paced.refilledAt;
  return {
    ...paced,
    // Who tells only what is left has at least that much.
    quotaLimit: quota.limit ?? Math.max(paced.quotaLimit ?? 0, quota.remaining),
    quotaRemaining: quota.remaining,
    quotaReportedAt: now,
    quotaResetsAt: quota.resetsInMs === null ? null : new Date(now.getTime() + quota.resetsInMs),
  };
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
  const { ratePerSecond: rate, slowedAt, refilledAt: now } = budget;
  if (slowedAt !== null && now.getTime() - slowedAt.getTime() < SLOWED_TOGETHER_MS) return budget;
  // What was not even half used was not the rate that was too much.
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
  // A window that has only begun says little about use.
  const isUnused = windowMs(budget) >= WINDOW_MS / 2 && rate >= UNUSED_BEYOND * used(budget);
  if (agoMs < FORGET_AFTER_MS && !(agoMs >= FORGET_UNUSED_AFTER_MS && isUnused)) return budget;
  return { ...budget, ratePerSecond: null, ceilingPerSecond: null, tokens: 0, slowedAt: null };
}
