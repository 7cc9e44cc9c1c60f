/** Transient PostgreSQL errors, for which callers get 503 and Retry-After (rules.md R5, R6). */
import { HttpError } from './http-error';

const RETRY_AFTER_SECONDS = 2;
const RETRY_AFTER_SECONDS_LONG = 30;

/** Read-only, disk full, out of memory. */
const READ_ONLY = new Set(['25006', '53100', '53200']);
/**
 * Statement timeouts, too many connections, lock timeouts, serialization failures, deadlocks, and
 * transactions that took too long.
 */
const TRANSIENT = new Set([
  '57014',
  '53000',
  '53300',
  '53400',
  '55P03',
  '40001',
  '40P01',
  '25P03',
  '25P04',
  '3D000',
]);
/** Lost connections, shutdown, failover and idle sessions, and trouble of the server with its disk. */
const AWAY = /^(08|57P|58)/;
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
const MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|terminating connection)/i;

/** Undefined for all other errors. */
export function transientDatabaseError(error: unknown): HttpError | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = (error as { code?: unknown }).code;
  const text = typeof code === 'string' ? code : '';
  if (READ_ONLY.has(text))
    return new HttpError('database_read_only', {
      headers: { 'Retry-After': String(RETRY_AFTER_SECONDS_LONG) },
      cause: error,
    });
  const isTransient =
    TRANSIENT.has(text) || NETWORK.has(text) || AWAY.test(text) || MESSAGES.test(error.message);
  return isTransient
    ? new HttpError('database_unavailable', {
        headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
        cause: error,
      })
    : undefined;
}
