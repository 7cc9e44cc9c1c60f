/**
 * Reads the remaining quota from response headers (rules.md 34). Supports `RateLimit` in the forms of its
 * drafts, `RateLimit-*`, `X-RateLimit-*`, Salesforce's `Sforce-Limit-Info`, and HubSpot's daily and interval
 * quotas. Unreadable headers are ignored.
 */
import { clockOf, type Headers } from './retry-after';

export interface Quota {
  /** null = not reported. */
  limit: number | null;
  remaining: number;
  /** Counted from the response; null = not reported. */
  resetsInMs: number | null;
}

/** A quota is low if less than this share of its limit remains. Earlier grants are then discarded. */
const QUOTA_LOW = 0.2;
/** Longer waits are cut to this (rules.md R9). */
const RESET_MS_MAX = 24 * 3_600_000;
/** `2026-11-21T12:00:30Z`, or `Sat, 21 Nov 2026 12:00:30 GMT`. */
const DATE =
  /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)? ?(Z|[+-]\d\d:?\d\d)|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT)$/;
const EPOCH_SECONDS_MIN = 1e9;
const EPOCH_MS_MIN = 1e12;

/**
 * The quota that causes the longest wait, or else the one with the smallest remaining share. `headers` in
 * lower case; `nowMs` is used if the response has no Date.
 */
export function quotaOf(headers: Headers, nowMs: number): Quota | null {
  const quotas = quotasIn(headers, nowMs);
  const low = quotas.filter(isLow);
  if (low.length > 0) return low.reduce((one, other) => (wait(other) > wait(one) ? other : one));
  return quotas.length === 0
    ? null
    : quotas.reduce((one, other) => (share(other) < share(one) ? other : one));
}

/** Those of which nothing remains. */
export const usedUpQuotas = (headers: Headers, nowMs: number): Quota[] =>
  quotasIn(headers, nowMs).filter(({ remaining }) => remaining === 0);

function quotasIn(headers: Headers, nowMs: number): Quota[] {
  const clockMs = clockOf(headers, nowMs);
  return [
    ...structured(headers),
    ...plain(headers, clockMs),
    ...salesforce(headers),
    ...hubSpot(headers),
  ].flatMap(sensible);
}

export function isLow(quota: Quota): boolean {
  return share(quota) < QUOTA_LOW;
}

/** Without a limit the share is unknown; then only an empty quota counts as low. */
const share = ({ limit, remaining }: Quota): number =>
  limit === null ? Math.min(remaining, 1) : remaining / limit;
const wait = ({ resetsInMs }: Quota): number => resetsInMs ?? 60_000;

type Draft = { limit: number | null; remaining: number | null; resetsInMs: number | null };

function sensible({ limit, remaining, resetsInMs }: Draft): Quota[] {
  if (remaining === null || limit === 0 || (limit !== null && remaining > limit)) return [];
  return [
    {
      limit,
      remaining,
      resetsInMs: resetsInMs === null ? null : Math.min(Math.max(resetsInMs, 0), RESET_MS_MAX),
    },
  ];
}

/**
 * `RateLimit: "default";r=50;t=30` with `RateLimit-Policy: "default";q=100;w=60`, and the older `RateLimit:
 * limit=100, remaining=50, reset=30`.
 */
function structured(headers: Headers): Draft[] {
  const text = headers.ratelimit ?? '';
  const older = parameter(text, 'remaining');
  if (older !== null)
    return [
      { limit: parameter(text, 'limit'), remaining: older, resetsInMs: inMs(parameter(text, 'reset')) },
    ];
  const policies = items(headers['ratelimit-policy']);
  return items(text).map((item) => {
    const policy = policies.find((one) => nameOf(one) === nameOf(item)) ?? '';
    return {
      limit: parameter(policy, 'q'),
      remaining: parameter(item, 'r'),
      resetsInMs: inMs(parameter(item, 't')),
    };
  });
}

const items = (text: string | undefined): string[] =>
  text === undefined || text.trim() === '' ? [] : text.split(',');
const nameOf = (item: string): string => item.split(';')[0]?.trim() ?? '';

function parameter(text: string, name: string): number | null {
  return wholeNumber(
    new RegExp(`(?:^|[;,\\s])${name}\\s*=\\s*(\\d+)(?=\\s*(?:[;,]|$))`, 'i').exec(text)?.[1],
  );
}

function plain(headers: Headers, clockMs: number): Draft[] {
  return ['ratelimit', 'x-ratelimit', 'x-rate-limit', 'x-ratelimit-minutely'].map((prefix) => ({
    // "100, 100;w=60": the current limit comes first.
    limit: wholeNumber(headers[`${prefix}-limit`]?.split(/[,;]/)[0]),
    remaining: wholeNumber(headers[`${prefix}-remaining`]),
    resetsInMs: resetIn(headers[`${prefix}-reset`], clockMs),
  }));
}

/**
 * Seconds from now, or an instant in seconds or milliseconds since 1970. Third parties do not say which; the
 * magnitude tells. Some write a date with its offset.
 */
function resetIn(value: string | undefined, clockMs: number): number | null {
  const text = value?.trim() ?? '';
  if (DATE.test(text)) return inMsFrom(Date.parse(text), clockMs);
  if (!/^\d{1,15}(\.\d{1,9})?$/.test(text)) return null;
  const number = Number(text);
  if (number >= EPOCH_MS_MIN) return number - clockMs;
  return number >= EPOCH_SECONDS_MIN ? number * 1_000 - clockMs : number * 1_000;
}

const inMsFrom = (instantMs: number, clockMs: number): number | null =>
  Number.isNaN(instantMs) ? null : instantMs - clockMs;

/** `api-usage=18/5000` within a rolling day: it does not reset at an instant. */
function salesforce(headers: Headers): Draft[] {
  const usage = /(?:^|[;,\s])api-usage=(\d{1,15})\/(\d{1,15})(?!\d)/i.exec(
    headers['sforce-limit-info'] ?? '',
  );
  if (usage === null) return [];
  const [used, limit] = [Number(usage[1]), Number(usage[2])];
  return [{ limit, remaining: Math.max(limit - used, 0), resetsInMs: null }];
}

function hubSpot(headers: Headers): Draft[] {
  const name = 'x-hubspot-ratelimit';
  return [
    {
      limit: wholeNumber(headers[`${name}-daily`]),
      remaining: wholeNumber(headers[`${name}-daily-remaining`]),
      resetsInMs: null,
    },
    {
      limit: wholeNumber(headers[`${name}-max`]),
      remaining: wholeNumber(headers[`${name}-remaining`]),
      resetsInMs: wholeNumber(headers[`${name}-interval-milliseconds`]),
    },
  ];
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : null;
}

const inMs = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1_000);
