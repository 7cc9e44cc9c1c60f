/** JSON as values. Records' fields are free JSON (rules.md 13). */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** The levels that values of callers may have. */
export const JSON_DEPTH_MAX = 32;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member; null where there is none. Names such as "constructor" are names like any other. */
export function memberOf(object: JsonObject, name: string): JsonValue {
  return Object.hasOwn(object, name) ? (object[name] ?? null) : null;
}

/** These members alone, each of them there. */
export function pickMembers(object: JsonObject, names: Iterable<string>): JsonObject {
  return Object.fromEntries([...names].map((name) => [name, memberOf(object, name)]));
}

/** Equal as JSON: the order of keys does not matter, the order of array elements does. */
export function jsonEquals(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEquals(item, b[index]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && jsonEquals(a[key], b[key]))
  );
}

/** The same text for equal values: keys sorted at every level. */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as JsonValue)}`);
  return `{${members.join(',')}}`;
}

/** Equal as JSON, where the order of array elements does not matter either. */
export function equalsUnordered(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (jsonEquals(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return canonicalJson(withSortedLists(a)) === canonicalJson(withSortedLists(b));
}

/** A copy in which the elements of every array are in one order, whatever order they had. */
export function withSortedLists(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    const keyed = value.map(withSortedLists).map((element) => ({ element, key: canonicalJson(element) }));
    return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ element }) => element);
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withSortedLists(member)]));
}
