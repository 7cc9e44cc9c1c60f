import type { HttpResponse } from '../../connectors/connector';
import {
  RateLimited,
  RecordRejected,
  Unauthorized,
  Unavailable,
  WrongAddress,
} from '../../connectors/errors';
import { errorFromCheck, errorFromResponse } from '../../connectors/http-errors';
import { retryAfterIn } from '../../domain/rate-limit/retry-after';

const NOW = Date.parse('2026-11-21T08:00:00Z');
const HOUR_MS = 3_600_000;

const answer = (status: number, headers: Record<string, string> = {}, text = ''): HttpResponse => ({
  status,
  headers,
  text,
});
const describeAs = (message: string) => () => ({ message });

describe('errorFromResponse', () => {
  it.each([408, 425, 500, 501, 502, 503, 504, 599, 304, 101])(
    'treats %d as a temporary failure',
    (status) => {
      expect(errorFromResponse(answer(status), describeAs('no'))).toMatchObject({
        kind: 'unavailable',
        status,
      });
      expect(errorFromResponse(answer(status), describeAs('no'))).toBeInstanceOf(Unavailable);
    },
  );

  it.each([301, 302, 303, 307, 308])('treats the redirect %d as a wrong address at once', (status) => {
    const location = 'https://new.example.com/people?name=Ada';
    const error = errorFromResponse({ ...answer(status), headers: { location } }, describeAs('no'));

    expect(error).toBeInstanceOf(WrongAddress);
    expect(error).toMatchObject({ kind: 'record_rejected', errors: [{ code: 'redirect' }] });
    expect(error.message).toContain('a redirect to https://new.example.com (');
    expect(error.message).not.toContain('Ada');
  });

  it('quotes nothing of a response that cannot be read', () => {
    const half = { status: 500, headers: { 'content-type': 'application/json' }, text: '{"name":"Ada' };

    expect(errorFromResponse(half, describeAs('no')).message).toBe('The third party answered 500.');
  });

  it.each([400, 402, 403, 404, 405, 409, 410, 413, 415, 422, 451])(
    'treats %d as a refused record',
    (status) => {
      const error = errorFromResponse(answer(status), describeAs('The e-mail is taken.'));

      expect(error).toBeInstanceOf(RecordRejected);
      expect(error).toMatchObject({
        isForbidden: status === 403,
        message: 'The e-mail is taken.',
        errors: [{ field: null, code: `http_${status}`, message: 'The e-mail is taken.' }],
      });
    },
  );

  it('treats 401 as refused credentials', () => {
    expect(errorFromResponse(answer(401), describeAs('no'))).toBeInstanceOf(Unauthorized);
  });

  it('treats 429 as a rate limit, and 503 only with Retry-After', () => {
    expect(errorFromResponse(answer(429), describeAs('no'))).toMatchObject({
      kind: 'rate_limited',
      retryAfterMs: null,
    });
    expect(errorFromResponse(answer(503, { 'retry-after': '7' }), describeAs('no'))).toMatchObject({
      kind: 'rate_limited',
      retryAfterMs: 7_000,
    });
    expect(errorFromResponse(answer(503), describeAs('no'))).not.toBeInstanceOf(RateLimited);
  });

  it('treats 403 as a rate limit if it says when to try again', () => {
    const error = errorFromResponse(answer(403, { 'retry-after': '60' }), describeAs('secondary rate limit'));

    expect(error).toMatchObject({ kind: 'rate_limited', retryAfterMs: 60_000, mayBeApplied: false });
  });

  it('treats 403 and 503 as a rate limit if nothing remains of a quota, until it is reset', () => {
    const usedUp = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1200' };
    for (const status of [403, 429, 503])
      expect(errorFromResponse(answer(status, usedUp), describeAs('API rate limit exceeded'))).toMatchObject({
        kind: 'rate_limited',
        retryAfterMs: 1_200_000,
        mayBeApplied: status === 503,
      });
    const withoutReset = { 'x-ratelimit-remaining': '0' };
    expect(errorFromResponse(answer(403, withoutReset), describeAs('no'))).toMatchObject({
      kind: 'rate_limited',
      retryAfterMs: null,
    });
    const first = { ...usedUp, 'retry-after': '7' };
    expect(errorFromResponse(answer(403, first), describeAs('no'))).toMatchObject({ retryAfterMs: 7_000 });
    const left = { ...usedUp, 'x-ratelimit-remaining': '1' };
    expect(errorFromResponse(answer(403, left), describeAs('no'))).toMatchObject({ isForbidden: true });
    expect(errorFromResponse(answer(429, left), describeAs('no'))).toMatchObject({ retryAfterMs: null });
    expect(errorFromResponse(answer(404, usedUp), describeAs('no'))).toBeInstanceOf(RecordRejected);
  });

  it('keeps the complaints about fields that the connector read', () => {
    const errors = [
      {
        field: 'email',
        remoteField: 'mail',
        code: 'taken',
        message: 'taken',
        explanation: 'Another record has it.',
      },
    ];

    expect(errorFromResponse(answer(400), () => ({ message: 'taken', errors }))).toMatchObject({ errors });
  });

  it('puts no HTML page and no control characters into the message', () => {
    expect(
      errorFromResponse(answer(502, {}, '<html><body>Bad gateway</body></html>'), describeAs('no')).message,
    ).toBe('The third party answered 502.');
    expect(errorFromResponse(answer(500, {}, 'a\n\u001b[31mb\u0000'), describeAs('no')).message).toBe(
      'The third party answered 500. a [31mb',
    );
  });
});

describe('errorFromCheck', () => {
  it('treats 401 and 403 as refused credentials', () => {
    expect(errorFromCheck(answer(401))).toBeInstanceOf(Unauthorized);
    expect(errorFromCheck(answer(403))).toBeInstanceOf(Unauthorized);
  });

  it('treats no answer as a refused record, because a check sends none', () => {
    expect(errorFromCheck(answer(404))).toMatchObject({ kind: 'unavailable', status: 404 });
    expect(errorFromCheck(answer(503))).toMatchObject({ kind: 'unavailable' });
    expect(errorFromCheck(answer(429, { 'retry-after': '1' }))).toMatchObject({
      kind: 'rate_limited',
      retryAfterMs: 1_000,
    });
  });
});

describe('R9 retryAfterIn', () => {
  it.each([
    ['0', 0],
    ['7', 7_000],
    [' 120 ', 120_000],
    ['2.0', 2_000],
    ['0.2504', 251],
    ['Sat, 21 Nov 2026 08:00:30 GMT', 30_000],
    ['Saturday, 21-Nov-26 08:00:30 GMT', 30_000],
    ['Sat Nov 21 08:00:30 2026', 30_000],
    ['Sat, 21 Nov 2026 07:00:00 GMT', 0],
    ['864000', 24 * HOUR_MS],
    ['99999999999999999999', 24 * HOUR_MS],
    ['Tue, 01 Dec 2026 08:00:00 GMT', 24 * HOUR_MS],
  ])('reads %s', (value, expected) => {
    expect(retryAfterIn({ 'retry-after': value }, NOW)).toBe(expected);
  });

  it.each([
    undefined,
    '',
    'soon',
    '-5',
    '1.5s',
    '.5',
    '1e3',
    '0x10',
    '7, 8',
    '2026-11-21T08:00:30Z',
    '12 hours',
    'Sat',
    'Sat, 99 Nov 2026 08:00:30 GMT',
    'NaN',
    'Infinity',
  ])('does not guess at %s', (value) => {
    expect(retryAfterIn(value === undefined ? {} : { 'retry-after': value }, NOW)).toBeNull();
  });

  it.each([-HOUR_MS, HOUR_MS])('counts a date by a third party whose clock is %d ms off', (offMs) => {
    const at = (ms: number) => new Date(NOW + offMs + ms).toUTCString();
    expect(retryAfterIn({ date: at(0), 'retry-after': at(30_000) }, NOW)).toBe(30_000);
  });
});
