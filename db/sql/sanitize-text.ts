/**
 * Words of third parties as PostgreSQL can keep them: it refuses NUL and halves of surrogate pairs, and an error that cannot be
 * written down would make its push begin again for ever.
 */
export function sanitizeForPostgres<T>(value: T): T {
  if (typeof value === 'string')
    return value.replaceAll('\0', '\u2400').replaceAll(/\p{Surrogate}/gu, '\uFFFD') as T;
  if (Array.isArray(value)) return value.map(sanitizeForPostgres) as T;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [sanitizeForPostgres(key), sanitizeForPostgres(member)]),
  ) as T;
}
