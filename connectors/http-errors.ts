/**
 * How an HTTP answer becomes one of the four errors, the same for every connector that speaks HTTP. What a
 * refusal says about fields is the connector's knowledge: it comes in as `describe`.
 */
import type { HttpResponse } from './connector';
import {
  type ConnectorError,
  type FieldError,
  RateLimited,
  RecordRejected,
  Unauthorized,
  Unavailable,
} from './errors';

/**
 * What a third party said about a refused record. No `errors`: one complaint about the whole record is made
 * from `message`.
 */
export interface Refusal {
  message: string;
  errors?: readonly FieldError[];
}

/** No wait longer than this is taken from a third party (rules.md R9). */
const RETRY_AFTER_MS_MAX = 24 * 60 * 60 * 1000;
const EXCERPT_LENGTH = 300;

/** True for 2xx. */
export function isSuccess(response: HttpResponse): boolean {
  return response.status >= 200 && response.status <= 299;
}

/**
 * The error that a non-2xx answer means. 401: Unauthorized · 429, and 503 with a Retry-After: RateLimited ·
 * 408, 425, other 5xx, and redirects (which are never followed): Unavailable · every other 4xx:
 * RecordRejected, `isForbidden` for 403.
 */
export function errorFromResponse(
  response: HttpResponse,
  describe: (response: HttpResponse) => Refusal,
  nowMs = Date.now(),
): ConnectorError {
  const { status, headers } = response;
  const retryAfter = headers['retry-after'];
  if (status === 401)
    return new Unauthorized(
      `The third party does not accept the credentials (401). ${excerpt(response.text)}`.trim(),
    );
  if (status === 429 || (status === 503 && retryAfter !== undefined)) {
    return new RateLimited(
      `The third party limits the rate of requests (${status}).`,
      parseRetryAfter(retryAfter, nowMs),
    );
  }
  if (status >= 300 && status < 400) {
    return new Unavailable(
      `The third party answered with a redirect (${status}). Redirects are not followed: ` +
        'enter the final address in the configuration.',
      status,
    );
  }
  if (status === 408 || status === 425 || status < 400 || status >= 500) {
    return new Unavailable(`The third party answered ${status}. ${excerpt(response.text)}`.trim(), status);
  }
  const refusal = describe(response);
  const isForbidden = status === 403;
  const errors = refusal.errors?.length ? refusal.errors : [wholeRecordError(status, refusal.message)];
  return new RecordRejected(refusal.message, errors, isForbidden);
}

/**
 * The error that a non-2xx answer to `check` means: no record is at stake, so 403 is about the credentials,
 * and every other 4xx (a wrong base URL, most often) is trouble with the third party, not a refusal.
 */
export function errorFromCheck(response: HttpResponse, nowMs = Date.now()): ConnectorError {
  const error = errorFromResponse(response, () => ({ message: excerpt(response.text) }), nowMs);
  if (!(error instanceof RecordRejected)) return error;
  if (error.isForbidden)
    return new Unauthorized(`The credentials do not allow this (403). ${error.message}`.trim());
  return new Unavailable(
    `The third party answered ${response.status}. Check the address in the configuration. ${error.message}`.trim(),
    response.status,
  );
}

/**
 * `Retry-After` in milliseconds from now: seconds or an HTTP-date (RFC 9110 10.2.3), at most 24 h, at least
 * 0. Null when absent or unreadable: the caller backs off by its own schedule.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MS_MAX);
  // Date.parse reads "-5", "1.5" and "12 hours" as dates; an HTTP-date begins with the name of a day and ends
  // in GMT.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d/.test(text)) return null;
  const atMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  if (Number.isNaN(atMs)) return null;
  return Math.min(Math.max(atMs - nowMs, 0), RETRY_AFTER_MS_MAX);
}

/**
 * The beginning of a body, on one line, fit for a message; empty for HTML pages, which tell people nothing.
 */
export function excerpt(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  if (line.startsWith('<')) return '';
  // A cut may leave half a character, which PostgreSQL refuses.
  return line.length > EXCERPT_LENGTH
    ? `${line.slice(0, EXCERPT_LENGTH).replaceAll(/\p{Surrogate}/gu, '\uFFFD')}…`
    : line;
}

function wholeRecordError(status: number, message: string): FieldError {
  return {
    field: null,
    remoteField: null,
    code: `http_${status}`,
    message,
    explanation:
      status === 403
        ? 'The third party does not allow this change. Check the permissions of the account there.'
        : 'The third party refused this record. Correct the record or the mapping.',
  };
}
