/**
 * Makes text of third parties storable: PostgreSQL refuses NUL and lone surrogates, and a push whose error
 * cannot be stored would be repeated without end.
 */
export function sanitizeForPostgres<T>(value: T): T {
  if (typeof value === 'string') return (UNSTORABLE.test(value) ? storable(value) : value) as T;
  if (Array.isArray(value)) return value.map(sanitizeForPostgres) as T;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [sanitizeForPostgres(key), sanitizeForPostgres(member)]),
  ) as T;
}

// Nearly all text is stored as it is, so it is only searched.
const UNSTORABLE = /\0|\p{Surrogate}/u;

const storable = (text: string): string =>
  text.replaceAll('\0', '\u2400').replaceAll(/\p{Surrogate}/gu, '\uFFFD');
