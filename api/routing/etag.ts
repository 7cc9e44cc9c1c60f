/**
 * Optimistic locking: the version of a resource is its ETag, and a change names the version it is based on in
 * If-Match.
 */
import type { ErrorCode } from '../errors/error-codes';
import { HttpError } from '../http/http-error';

/** The ETag header in the OpenAPI document. */
export const ETAG = { ETag: 'The version. Send it as If-Match when you change the resource.' };

export function etagOf({ version }: { version: number }): { ETag: string } {
  return { ETag: `"${version}"` };
}

/**
 * Returns the resource if it exists and has the expected version. Throws `notFound` or `precondition_failed`.
 */
export function requireVersion<T extends { version: number }>(
  found: T | undefined,
  ifMatch: number | undefined,
  notFound: ErrorCode,
): T {
  if (found === undefined) throw new HttpError(notFound);
  if (ifMatch !== undefined && ifMatch !== found.version) throw new HttpError('precondition_failed');
  return found;
}
