/**
 * Compares a remote record with the payload. Only the members of the payload count; the third party's other
 * members are ignored.
 */
import { isJsonObject, type JsonObject, type JsonValue, jsonEquals, memberOf, pickMembers } from '../json';

export interface PayloadDifference {
  before: JsonObject;
  after: JsonObject;
}

/**
 * The top-level members that differ, with the remote and the wanted value; null = none. An absent remote
 * member equals a null in the payload.
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
