/**
 * Maps HTTP responses to the four errors, for every connector with HTTP. The connector's `describe` reads the
 * errors about fields from the body.
 */
import { asksToSlowDown, requestedWaitMs } from '../domain/rate-limit/slow-down';
import { clockMs } from './clock';
import type { JsonValue } from '../domain/json';
import type { HttpResponse } from './connector';
import {
  type ConnectorError,
  type FieldError,
  RateLimited,
  RecordRejected,
  Unauthorized,
  Unavailable,
  WrongAddress,
} from './errors';

/**
 * The third party's reasons for refusing a record. Without `errors`, `message` becomes one error about the
 * whole record.
 */
export interface Refusal {
  message: string;
  errors?: readonly FieldError[];
}

const EXCERPT_LENGTH = 300;

/** True for 2xx. */
export function isSuccess(response: HttpResponse): boolean {
  return response.status >= 200 && response.status <= 299;
}

/**
 * The error for a non-2xx response. 401: Unauthorized. 429, and 503 or 403 with Retry-After or a quota that
 * is used up: RateLimited. Redirects, which are never followed: WrongAddress. 408, 425 and other 5xx:
 * Unavailable. Other 4xx: RecordRejected, with `isForbidden` for 403.
 */
export function errorFromResponse(
  response: HttpResponse,
  describe: (response: HttpResponse) => Refusal,
  nowMs = clockMs(),
): ConnectorError {
  const { status } = response;
  if (status === 401)
    return new Unauthorized(
      `The third party does not accept the credentials (401). ${excerptOf(response)}`.trim(),
    );
  if (asksToSlowDown(response)) return rateLimitedBy(response, nowMs);
  if (isRedirect(status)) return new WrongAddress(redirectMessage(response), 'redirect');
  if (status === 408 || status === 425 || status < 400 || status >= 500) {
    return new Unavailable(`The third party answered ${status}. ${excerptOf(response)}`.trim(), status);
  }
  const refusal = describe(response);
  const isForbidden = status === 403;
  const errors = refusal.errors?.length ? refusal.errors : [wholeRecordError(status, refusal.message)];
  return new RecordRejected(refusal.message, errors, isForbidden);
}

export function rateLimitedBy({ status, headers }: HttpResponse, nowMs = clockMs()): RateLimited {
  return new RateLimited(
    `The third party limits the rate of requests (${status}).`,
    requestedWaitMs(headers, nowMs),
    status >= 500,
  );
}

/**
 * The error for a non-2xx response to `check`. No record is involved, so 403 is about the credentials, and
 * every other 4xx (usually a wrong base URL) is a failure of the third party.
 */
export function errorFromCheck(response: HttpResponse, nowMs = clockMs()): ConnectorError {
  const error = errorFromResponse(response, () => ({ message: excerptOf(response) }), nowMs);
  if (!(error instanceof RecordRejected) || error instanceof WrongAddress) return error;
  if (error.isForbidden)
    return new Unauthorized(`The credentials do not allow this (403). ${error.message}`.trim());
  return new Unavailable(
    `The third party answered ${response.status}. Check the address in the configuration. ${error.message}`.trim(),
    response.status,
  );
}

/** What a response contains, without its data. */
export function formOf({ status, headers, text }: HttpResponse): string {
  const type = excerpt((headers['content-type'] ?? '').split(';')[0] ?? '').slice(0, 100);
  return `${status}, ${type || 'no content type'}, ${text.length} characters`;
}

/**
 * Plain text ("OK") is a valid response to a change. An HTML page or broken JSON was sent by a proxy.
 * @param body as `parseJson` has read it
 */
export function isUnreadable({ headers, text }: HttpResponse, body: JsonValue | undefined): boolean {
  if (body !== undefined || text.trim() === '') return false;
  return /html|json/i.test(headers['content-type'] ?? '') || text.trimStart().startsWith('<');
}

/** The beginning of a readable body. Data of a response that nothing can read must not get into messages. */
export function excerptOf({ headers, text }: HttpResponse): string {
  const isJson = /json/i.test(headers['content-type'] ?? '') || /^\s*[[{]/.test(text);
  return isJson && !isParsable(text) ? '' : excerpt(text);
}

/**
 * The beginning of a body on one line, for messages; empty for HTML pages.
 */
export function excerpt(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  if (line.startsWith('<')) return '';
  // A cut can leave half a character, which PostgreSQL refuses.
  return line.length > EXCERPT_LENGTH
    ? `${line.slice(0, EXCERPT_LENGTH).replaceAll(/\p{Surrogate}/gu, '\uFFFD')}…`
    : line;
}

function isParsable(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** 304 is an answer to a conditional request, and not a redirect. */
function isRedirect(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

/** Names no more of the target than its origin: paths and queries can contain data. */
function redirectMessage({ status, headers }: HttpResponse): string {
  const target = headers['location'] ?? '';
  const origin = /^https?:/i.test(target) && URL.canParse(target) ? ` to ${new URL(target).origin}` : '';
  return (
    `The third party answered with a redirect${origin} (${status}). Redirects are not followed: enter the ` +
    'final address in the configuration.'
  );
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
