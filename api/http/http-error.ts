/** A caller's mistake, or trouble the caller has to know of, as RFC 9457 problem details. Everything else that is thrown becomes a 500. */
import type { JsonObject } from '../../domain/json';
import { ERROR_CODES, type ErrorCode } from './error-codes';

/** One complaint: where (a JSON Pointer into the body, or the name of a parameter or header), what for programs, what for people. */
export interface ProblemDetail {
  pointer: string;
  code: string;
  message: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: ProblemDetail[];
  /** What a program needs to go on with: where to look instead, why. */
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
    /** Said instead of the catalogue's words where the place knows more. Must hold no secret and say what to do next. */
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
