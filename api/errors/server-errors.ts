/** Errors of the service itself. */
import type { ErrorEntries } from './error-entry';

export const SERVER_ERRORS = {
  internal_error: {
    status: 500,
    title: 'Internal error',
    detail: 'Try again. If the error repeats, contact support and include the request_id.',
  },
  database_unavailable: {
    status: 503,
    title: 'The database does not respond',
    detail:
      'Nothing that was acknowledged is lost. Send the request again after the time in ' +
      'Retry-After, with the same Idempotency-Key if it had one.',
  },
  database_read_only: {
    status: 503,
    title: 'The database is read-only at the moment',
    detail: 'Reading works. Send the request again after the time in Retry-After.',
  },
  connector_faulty: {
    status: 503,
    title: 'A connector package is faulty',
    detail: 'The people who run Syncline have to correct or replace the package that the error names.',
  },
  not_ready: {
    status: 503,
    title: 'The process is not ready',
    detail: 'Use another replica, or try again after the time in Retry-After.',
  },
} as const satisfies ErrorEntries;
