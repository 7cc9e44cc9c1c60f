/** Errors for callers, sent as problem details (RFC 9457). Every other error becomes a 500. */
import type { JsonObject } from '../../domain/json';
import type { ProblemDetail } from '../../domain/problem-detail';
import { ERROR_CODES, type ErrorCode } from '../errors/error-codes';

/**
 * One problem in the request. `pointer`: a JSON Pointer into the body, or the name of a parameter or header.
 */
export type { ProblemDetail };

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: ProblemDetail[];
  /** Data for programs, such as the id of a replacement. */
  context?: JsonObject;
  request_id: string;
}

export class HttpError extends Error {
  readonly status: number;
  readonly errors: readonly ProblemDetail[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly context: JsonObject | undefined;

  constructor(
    readonly code: ErrorCode,
    /**
     * `detail` replaces the text of the catalogue. It must contain no secret and must say what to do next.
     */
    options: {
      detail?: string;
      errors?: readonly ProblemDetail[];
      headers?: Record<string, string>;
      context?: JsonObject;
      cause?: unknown;
    } = {},
  ) {
    super(options.detail ?? ERROR_CODES[code].detail, { cause: options.cause });
    this.status = ERROR_CODES[code].status;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
    this.context = options.context;
  }
}

export function toProblem(
  error: HttpError,
  { publicUrl, requestId }: { publicUrl: string; requestId: string },
): Problem {
  return {
    type: `${publicUrl}/docs/errors/${error.code}`,
    title: ERROR_CODES[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.errors === undefined ? {} : { errors: [...error.errors] }),
    ...(error.context === undefined ? {} : { context: error.context }),
    request_id: requestId,
  };
}
