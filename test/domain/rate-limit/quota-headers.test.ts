/** What headers say about quotas: rules.md 34. */
import * as fc from 'fast-check';
import { quotaOf } from '../../../domain/rate-limit/quota-headers';

const NOW = Date.UTC(2026, 10, 21, 12);
const quota = (headers: Record<string, string>) => quotaOf(headers, NOW);
const of = (limit: number | null, remaining: number, resetsInMs: number | null) => ({
  limit,
  remaining,
  resetsInMs,
});

describe('quota headers', () => {
  it.each([
    [
      'the draft',
      { ratelimit: '"default";r=50;t=30', 'ratelimit-policy': '"burst";q=10;w=1, "default";q=100;w=60' },
      of(100, 50, 30_000),
    ],
    ['the draft without its policy', { ratelimit: '"default";r=50;t=30' }, of(null, 50, 30_000)],
    ['an older draft', { ratelimit: 'limit=100, remaining=50, reset=5' }, of(100, 50, 5_000)],
    [
      'three headers',
      { 'ratelimit-limit': '100, 100;w=60', 'ratelimit-remaining': '99', 'ratelimit-reset': '7' },
      of(100, 99, 7_000),
    ],
    [
      'X- with seconds',
      { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '59', 'x-ratelimit-reset': '12.5' },
      of(60, 59, 12_500),
    ],
    [
      'X- with seconds since 1970',
      {
        'x-ratelimit-limit': '60',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(NOW / 1000 + 90),
      },
      of(60, 0, 90_000),
    ],
    [
      'X- with milliseconds since 1970',
      { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': String(NOW + 1_500) },
      of(null, 3, 1_500),
    ],
    [
      'X- with the Date header as the clock',
      {
        date: new Date(NOW - 600_000).toUTCString(),
        'x-ratelimit-remaining': '3',
        'x-ratelimit-reset': String(NOW / 1000 - 590),
      },
      of(null, 3, 10_000),
    ],
    [
      'X- with a date',
      { 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': '2026-11-21T12:00:30+00:00' },
      of(null, 4, 30_000),
    ],
    [
      'X- with a date of HTTP',
      { 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': 'Sat, 21 Nov 2026 12:00:30 GMT' },
      of(null, 4, 30_000),
    ],
    [
      'X- of a day and of a minute (Exact Online)',
      {
        'x-ratelimit-limit': '5000',
        'x-ratelimit-remaining': '4800',
        'x-ratelimit-minutely-limit': '60',
        'x-ratelimit-minutely-remaining': '6',
        'x-ratelimit-minutely-reset': String(NOW + 20_000),
      },
      of(60, 6, 20_000),
    ],
    ['Salesforce', { 'sforce-limit-info': 'api-usage=18/5000' }, of(5_000, 4_982, null)],
    [
      'Salesforce, overdrawn',
      { 'sforce-limit-info': 'per-app-api-usage=17/250(appName=x); api-usage=5100/5000' },
      of(5_000, 0, null),
    ],
    [
      'HubSpot',
      { 'x-hubspot-ratelimit-daily': '250000', 'x-hubspot-ratelimit-daily-remaining': '249000' },
      of(250_000, 249_000, null),
    ],
    [
      'a reset too far away to believe',
      { 'ratelimit-limit': '100', 'ratelimit-remaining': '1', 'ratelimit-reset': '864000' },
      of(100, 1, 86_400_000),
    ],
    [
      'a reset that has passed',
      { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': String(NOW / 1000 - 5) },
      of(null, 1, 0),
    ],
  ])('are parsed: %s', (_, headers, expected) => {
    expect(quota(headers as Record<string, string>)).toEqual(expected);
  });

  it('of several quotas give the one with the longest wait, or else the one that is nearest to its limit', () => {
    const policy = { 'ratelimit-policy': '"second";q=10;w=1, "day";q=1000;w=86400' };

    expect(quota({ ...policy, ratelimit: '"second";r=1;t=1, "day";r=150;t=40000' })).toEqual(
      of(1_000, 150, 40_000_000),
    );
    expect(quota({ ...policy, ratelimit: '"second";r=5;t=1, "day";r=900;t=40000' })).toEqual(
      of(10, 5, 1_000),
    );
  });

  it.each([
    {},
    { ratelimit: '' },
    { ratelimit: '"default";r=-5;t=30' },
    { ratelimit: '"default";r=many' },
    { 'ratelimit-remaining': 'NaN', 'ratelimit-limit': '100' },
    { 'x-ratelimit-remaining': '-1' },
    { 'x-ratelimit-remaining': '1e3' },
    { 'x-ratelimit-remaining': '200', 'x-ratelimit-limit': '100' },
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-limit': '0' },
    { 'sforce-limit-info': 'api-usage=18' },
    { 'sforce-limit-info': 'per-app-api-usage=17/250(appName=x)' },
  ])('with invalid values are ignored: %j', (headers) => {
    expect(quota(headers as unknown as Record<string, string>)).toBeNull();
  });

  it('never throw, and always give a valid number', () => {
    const names = [
      'date',
      'ratelimit',
      'ratelimit-policy',
      'ratelimit-limit',
      'ratelimit-remaining',
      'ratelimit-reset',
      'x-ratelimit-limit',
    ];
    const more = [
      'x-ratelimit-remaining',
      'x-ratelimit-reset',
      'sforce-limit-info',
      'x-hubspot-ratelimit-daily-remaining',
    ];
    const value = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.stringMatching(/^[r=;, t"0-9-]{0,20}$/),
      fc.stringMatching(/^(api-usage|remaining|limit|reset)=[0-9/]{0,12}$/),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names, ...more), value), (headers) => {
        const parsed = quota(headers);
        const numbers =
          parsed === null ? [] : [parsed.remaining, parsed.limit ?? parsed.remaining, parsed.resetsInMs ?? 0];
        expect(numbers.every((number) => Number.isFinite(number) && number >= 0)).toBe(true);
        expect(parsed === null || (parsed.resetsInMs ?? 0) <= 86_400_000).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
