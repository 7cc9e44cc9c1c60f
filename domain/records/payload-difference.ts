/**
 * Compares a remote record with the payload. Only the members of the payload count; the third party's other
 * members are ignored. The order of lists does not matter.
 */
import {
  equalsUnordered,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  memberOf,
  pickMembers,
} from '../json';
import { listKey, matchingIndexes, saysNothing, selectIndex, selectorsByList, type Selector } from './place';

export interface PayloadDifference {
  before: JsonObject;
  after: JsonObject;
}

type Selectors = ReadonlyMap<string, readonly { selector: Selector }[]>;

/**
 * The top-level members that differ, with the remote and the wanted value; null = none. An absent remote
 * member equals a null in the payload.
 * @param fields of the mapping: their selectors choose the members of lists.
 * @param isHeld true for a top-level member that is known to be the third party's notation of the payload.
 */
export function payloadDifference(
  payload: JsonObject,
  remote: JsonObject,
  fields: readonly { to: string }[] = [],
  isHeld: (member: string) => boolean = () => false,
): PayloadDifference | null {
  const selectors = selectorsByList(fields);
  const names = Object.keys(payload).filter(
    (name) => !isHeld(name) && !holds(memberOf(remote, name), memberOf(payload, name), selectors, [name]),
  );
  return names.length === 0
    ? null
    : { before: pickMembers(remote, names), after: pickMembers(payload, names) };
}

function holds(
  there: JsonValue,
  wanted: JsonValue,
  selectors: Selectors,
  path: readonly string[],
  ignored: readonly string[] = [],
): boolean {
  const listSelectors = selectors.get(listKey(path)) ?? [];
  if (Array.isArray(wanted) && listSelectors.length > 0) {
    const list = Array.isArray(there) ? there : [];
    return wanted.every((member) => holdsMember(list, member, listSelectors, selectors, path));
  }
  if (!isJsonObject(wanted) || !isJsonObject(there)) return equalsUnordered(there, wanted);
  return Object.keys(wanted).every(
    (name) =>
      ignored.includes(name) ||
      holds(memberOf(there, name), memberOf(wanted, name), selectors, [...path, name]),
  );
}

/** Whether a selected member holds the wanted one, apart from the sub-attributes that select it. */
function holdsMember(
  list: readonly JsonValue[],
  wanted: JsonValue,
  listSelectors: readonly { selector: Selector }[],
  selectors: Selectors,
  path: readonly string[],
): boolean {
  const selector = listSelectors.find(
    (each) => matchingIndexes([wanted], each.selector).length > 0,
  )?.selector;
  if (selector === undefined) return list.some((member) => holds(member, wanted, selectors, path));
  const ignored = selector.where.map(({ name }) => name);
  const matching = matchingIndexes(list, selector);
  const candidates =
    matching.length > 0 ? matching : [selectIndex(list, selector)].filter((index) => index >= 0);
  if (saysNothing(wanted)) return candidates.every((index) => saysNothing(list[index] ?? null));
  return candidates.some((index) => holds(list[index] ?? null, wanted, selectors, path, ignored));
}
