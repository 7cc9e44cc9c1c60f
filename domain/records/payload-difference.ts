/**
 * What a third party holds against what it should hold: only what the payload says counts; whatever else is
 * there is its own.
 */
import { isJsonObject, type JsonObject, type JsonValue, jsonEquals, memberOf, pickMembers } from '../json';

export interface PayloadDifference {
  before: JsonObject;
  after: JsonObject;
}

/**
 * The top-level members that differ, as they are there and as they should be; null = none. Absent there and
 * null here are the same.
 */
export function payloadDifference(payload: JsonObject, remote: JsonObject): PayloadDifference | null {
  const names = Object.keys(payload).filter(
    (name) => !holds(memberOf(remote, name), memberOf(payload, name)),
  );
  return names.length === 0
    ? null
    : { before: pickMembers(remote, names), after: pickMembers(payload, names) };
}

function holds(there: JsonValue, wanted: JsonValue): boolean {
  if (!isJsonObject(wanted) || !isJsonObject(there)) return jsonEquals(there, wanted);
  return Object.keys(wanted).every((name) => holds(memberOf(there, name), memberOf(wanted, name)));
}
