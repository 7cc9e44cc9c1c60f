/** The values of a drifted record that are taken over from the third party (rules.md 54). */
import type { JsonObject, JsonValue } from '../json';
import { ownValue, type RecordTypeMapping } from '../records/mapping';
import { isNotationOf, isSameValue } from '../records/notation';
import { valueAt } from '../records/place';
import { pulledPlaces } from './reverse-mapping';

/**
 * By local field. `members`: the members of the remote record that differ. A value that does not fit, or that
 * the third party does not show, replaces nothing.
 */
export function acceptedFields(
  mapping: RecordTypeMapping,
  ours: JsonObject,
  remote: JsonObject,
  members: ReadonlySet<string>,
): JsonObject {
  const accepted: JsonObject = {};
  for (const { name, path, read } of pulledPlaces(mapping)) {
    const there = valueAt(remote, path);
    if (typeof path[0] !== 'string' || !members.has(path[0]) || there === undefined) continue;
    const value = read(there);
    if (!value.ok || value.value === undefined || Object.hasOwn(accepted, name)) continue;
    if (!isHeld(ownValue(ours, name), value.value)) accepted[name] = value.value;
  }
  return accepted;
}

const isHeld = (ours: JsonValue | undefined, theirs: JsonValue): boolean =>
  isSameValue(ours, theirs) || isNotationOf(ours, theirs);
