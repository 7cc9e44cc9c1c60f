/**
 * Makes text of third parties storable: PostgreSQL refuses NUL and lone surrogates, and a push whose error
 * cannot be stored would be repeated without end. What is storable is returned as it is.
 */
export function sanitizeForPostgres<T>(value: T): T {
  if (typeof value === 'string') return (UNSTORABLE.test(value) ? storable(value) : value) as T;
  if (Array.isArray(value)) {
    const items = value.map(sanitizeForPostgres);
    return (items.every((item, at) => item === value[at]) ? value : items) as T;
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  let isClean = true;
  const members = Object.entries(value).map(([key, member]) => {
    const clean: [string, unknown] = [sanitizeForPostgres(key), sanitizeForPostgres(member)];
    isClean &&= clean[0] === key && clean[1] === member;
    return clean;
  });
  return isClean ? value : (Object.fromEntries(members) as T);
}

// Nearly all text is stored as it is, so it is only searched.
const UNSTORABLE = /\0|\p{Surrogate}/u;

const storable = (text: string): string =>
  text.replaceAll('\0', '\u2400').replaceAll(/\p{Surrogate}/gu, '\uFFFD');
