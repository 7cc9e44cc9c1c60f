/**
 * How the settings of an integration differ from its definition. Objects are compared member by member; lists
 * and other values as a whole.
 */
import { isJsonObject, type JsonObject, jsonEquals, type JsonValue } from '../json';
import { pointerTo } from '../problem-detail';
import { ownValue } from '../records/mapping';

export interface Difference {
  /** The members that lead to the value. */
  path: readonly string[];
  /** undefined = the integration does not have what the definition has. */
  value: JsonValue | undefined;
}

/** What turns `base` into `own`. */
export function differencesOf(base: JsonObject, own: JsonObject, path: readonly string[] = []): Difference[] {
  const names = [...new Set([...Object.keys(base), ...Object.keys(own)])].sort();
  return names.flatMap((name): Difference[] => {
    const [before, value] = [ownValue(base, name), ownValue(own, name)];
    if (jsonEquals(before, value)) return [];
    const at = [...path, name];
    if (isJsonObject(before) && isJsonObject(value)) return differencesOf(before, value, at);
    return [{ path: at, value }];
  });
}

/** `base` with the differences of an integration. What is removed may be missing already. */
export function withDifferences(base: JsonObject, differences: readonly Difference[]): JsonObject {
  return differences.reduce((changed, { path, value }) => withValue(changed, path, value), base);
}

function withValue(base: JsonObject, path: readonly string[], value: JsonValue | undefined): JsonObject {
  const [name, ...rest] = path;
  if (name === undefined) return base;
  const members = new Map(Object.entries(base));
  const before = members.get(name);
  if (rest.length > 0) {
    // What is removed from a part that is gone is gone.
    if (value === undefined && !isJsonObject(before)) return base;
    members.set(name, withValue(isJsonObject(before) ? before : {}, rest, value));
  } else if (value === undefined) members.delete(name);
  else members.set(name, value);
  return Object.fromEntries(members);
}

const WIRE_NAMES: Readonly<Record<string, string>> = {
  recordTypes: 'record_types',
  onDelete: 'on_delete',
  matchBy: 'match_by',
  matchIgnoreCase: 'match_ignore_case',
  onConflict: 'on_conflict',
};

/** Into the integration as the API shows it: members of settings and of mappings have other names there. */
export function pointerOf([root, ...rest]: readonly string[]): string {
  const name = (member: string | undefined) => WIRE_NAMES[member ?? ''] ?? member ?? '';
  return pointerTo(
    root === 'recordTypes'
      ? [name(root), ...rest.map((member, depth) => (depth === 1 ? name(member) : member))]
      : [root ?? '', ...rest],
  );
}
