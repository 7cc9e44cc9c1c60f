/** Errors of the request itself: its format, its size, its preconditions, and rate limits. */
import type { ErrorEntries } from './error-entry';

export const REQUEST_ERRORS = {
  malformed_json: {
    status: 400,
    title: 'The body is not valid JSON',
    detail: 'Send one JSON object, encoded in UTF-8.',
  },
  unacceptable_json: {
    status: 400,
    title: 'The body contains a value that cannot be stored unchanged',
    detail: 'Correct the values listed in `errors` and send the request again.',
  },
  invalid_body: {
    status: 400,
    title: 'The body does not match the schema',
    detail: 'Correct the fields listed in `errors` and send the request again.',
  },
  invalid_query: {
    status: 400,
    title: 'A query parameter is invalid',
    detail:
      'Correct the parameters listed in `errors`. Give each parameter at most once; unknown ' +
      'parameters are not allowed.',
  },
  invalid_path: {
    status: 400,
    title: 'The path is invalid',
    detail: 'Check the percent-encoding and the parameters in the path.',
  },
  invalid_header: {
    status: 400,
    title: 'A header is invalid',
    detail: 'Correct the header listed in `errors`.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor does not belong to this list',
    detail:
      'Use `next_cursor` with the same parameters as the request that returned it, or start ' +
      'without a cursor.',
  },
  bad_request: {
    status: 400,
    title: 'The request is malformed',
    detail: 'Send a well-formed HTTP/1.1 request.',
  },
  route_not_found: {
    status: 404,
    title: 'Route not found',
    detail: 'Check the path against /openapi.json.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The route does not support this method',
    detail: 'Use one of the methods in the Allow header.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    detail: 'Send the complete request within 30 seconds.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    detail: 'Send at most 256 KB; in a batch at most 1 MB and 500 changes.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    detail: 'Send "Content-Type: application/json" in UTF-8, without content encoding.',
  },
  header_too_large: {
    status: 431,
    title: 'The headers are too large',
    detail: 'Send fewer or shorter headers, at most 16 KB in total.',
  },
  too_many_requests: {
    status: 429,
    title: 'Too many requests',
    detail:
      'Wait for the time in Retry-After, then send requests more slowly. Batches take up to 500 changes.',
  },
  too_many_lists: {
    status: 429,
    title: 'Too many lists are read at the same time',
    detail:
      'Read or search fewer lists at the same time: a tenant can read four. ' +
      'Send the request again after the time in Retry-After.',
  },
  too_many_streams: {
    status: 429,
    title: 'Too many open streams',
    detail: 'Close streams that you no longer need, then try again.',
  },
  idempotency_key_in_use: {
    status: 409,
    title: 'A request with this Idempotency-Key is still being processed',
    detail: 'Wait a second and send the same request again with the same key to get its response.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used for a different request',
    detail: 'Use a new key for each new request. A repeated request must be identical, byte for byte.',
  },
  precondition_required: {
    status: 428,
    title: 'The header If-Match is missing',
    detail:
      'Read the resource and send its ETag as If-Match, so that you do not overwrite changes by other users.',
  },
  precondition_failed: {
    status: 412,
    title: 'The resource was changed by another request',
    detail: 'Read the resource again, repeat your change, and send the new ETag as If-Match.',
  },
} as const satisfies ErrorEntries;
