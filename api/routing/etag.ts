/** Optimistic locking: a resource's version is its ETag, and a change says by If-Match which one it was made on. */
import type { ErrorCode } from '../http/error-codes';
import { HttpError } from '../http/http-error';

export function etagOf({ version }: { version: number }): { ETag: string } {
  return { ETag: `"${version}"` };
}

/** The locked resource, if it exists and is the one the caller has seen. Throws `notFound` or `precondition_failed`. */
export function requireVersion<T extends { version: number }>(
  found: T | undefined,
  ifMatch: number | undefined,
  notFound: ErrorCode,
): T {
  if (found === undefined) throw new HttpError(notFound);
  if (ifMatch !== undefined && ifMatch !== found.version) throw new HttpError('precondition_failed');
  return found;
}
