/** Parses input with a schema and reports every problem with its location, code and message (400). */
import type { z } from 'zod';
import type { ErrorCode } from '../errors/error-codes';
import { HttpError, type ProblemDetail } from './http-error';
import { pointerTo } from './json-guard';

/**
 * Throws `code` with one entry per problem. Pointers are JSON Pointers for a body, names for a query, path or
 * header.
 */
export function parseWith<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  code: ErrorCode,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const isBody = code !== 'invalid_query' && code !== 'invalid_path' && code !== 'invalid_header';
  throw new HttpError(code, {
    errors: toProblemDetails(parsed.error, value, isBody ? pointerTo : (path) => path.join('.')),
  });
}

/** Limits the size of the response, so that a small request cannot cause a large response. */
const FIELD_ERRORS_MAX = 100;

/** Returns at most 100 problems. `value`: the parsed value, to distinguish missing from invalid members. */
export function toProblemDetails(
  error: z.ZodError,
  value: unknown,
  toPointer: (path: (string | number)[]) => string = pointerTo,
): ProblemDetail[] {
  const fieldErrors = error.issues.slice(0, FIELD_ERRORS_MAX).flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys')
      return issue.keys.slice(0, FIELD_ERRORS_MAX).map((key) => ({
        pointer: toPointer([...path, key]),
        code: 'unknown',
        message: `"${shorten(key)}" is not a known name.`,
      }));
    if (isMissing(issue, path, value))
      return [{ pointer: toPointer(path), code: 'required', message: 'is required' }];
    // The schema of the key has the more specific message.
    const message =
      issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    return [{ pointer: toPointer(path), code: codeOf(issue), message }];
  });
  return fieldErrors.slice(0, FIELD_ERRORS_MAX);
}

const SHAPES: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

function isMissing(issue: z.core.$ZodIssue, path: readonly (string | number)[], value: unknown): boolean {
  const found = path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, part)
        ? at[part as keyof typeof at]
        : undefined,
    value,
  );
  return found === undefined && (SHAPES.has(issue.code) || codeOf(issue) === NOT_AN_OBJECT);
}

/** The code of `jsonObject` (common-schemas.ts), which is a custom schema. */
export const NOT_AN_OBJECT = 'not_an_object';

function codeOf(issue: z.core.$ZodIssue): string {
  const params = issue.code === 'custom' ? (issue.params as { code?: string } | undefined) : undefined;
  return params?.code ?? issue.code;
}

function shorten(text: string): string {
  const clean = text.replaceAll(/\p{Surrogate}/gu, '\uFFFD').replaceAll('\0', '\u2400');
  return clean.length > 60 ? `${clean.slice(0, 60)}…` : clean;
}

/** `If-Match: "3"` becomes 3. Undefined when absent; NaN, which equals no version, for any other text. */
export function readIfMatch(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, version] = /^\s*"(\d{1,15})"\s*$/.exec(header) ?? [];
  return version === undefined ? Number.NaN : Number(version);
}

/** A header without the spaces around it, as the API reads it: printable ASCII. */
export const PRINTABLE_HEADER = /^[!-~]([ -~]*[!-~])?$/;

/** `Idempotency-Key`: 1 to 255 printable ASCII characters. */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || (header.length <= 255 && PRINTABLE_HEADER.test(header))) return header;
  const message = 'Idempotency-Key must have 1 to 255 printable ASCII characters. Use a UUID.';
  throw new HttpError('invalid_header', {
    errors: [{ pointer: 'Idempotency-Key', code: 'invalid_format', message }],
  });
}
