/**
 * Merges the wanted members into a multi-valued attribute (RFC 7643 2.4), without I/O. A member is chosen by
 * its sub-attributes, never by its position.
 */
import { type JsonObject, type JsonValue, equalsUnordered, isJsonObject, memberOf } from '../../domain/json';
import type { FieldMapping } from '../../domain/records/mapping';
import { type Selector, matchingIndexes, saysNothing } from '../../domain/records/place';
import { RecordRejected } from '../errors';

export type FieldSelector = { selector: Selector; field: FieldMapping };

const PRIMARY: Selector = { where: [{ name: 'primary', equals: true }] };

/** The list with the wanted members; members of the third party are kept. */
export function mergeList(
  current: readonly JsonValue[],
  wanted: readonly JsonValue[],
  selectors: readonly FieldSelector[],
): JsonValue[] {
  const members = wanted.filter((member) => member !== null);
  if (members.length === 0) return [];
  if (!members.every(isJsonObject)) return replaceList(current, members);
  const merged: JsonValue[] = [...current];
  const touched = new Set<number>();
  for (const member of members) {
    const chosen = selectors.find(({ selector }) => matchingIndexes([member], selector).length > 0);
    const selector = chosen?.selector ?? selectorOf(member);
    const index = indexFor(member, merged, selector, chosen?.field);
    // A service that marks no member as primary is not taught to by every push.
    const wantedMember = isOnlyPrimary(selector) && isUnmarked(merged, index) ? withoutMark(member) : member;
    if (wantedMember['primary'] === true) withdrawPrimary(merged, index);
    merged[index] = overwritten(asObject(merged[index]), wantedMember, selector);
    touched.add(index);
  }
  return merged.filter((member, index) => !touched.has(index) || !saysNothing(member));
}

/**
 * The wanted list. Sub-attributes that the service added to a member of the same value are kept. If nothing
 * but the order differs, the order of the service is kept.
 */
export function replaceList(current: readonly JsonValue[], wanted: readonly JsonValue[]): JsonValue[] {
  const left = [...current];
  const replaced = wanted
    .filter((member) => member !== null)
    .map((member) => {
      const index = left.findIndex((other) => isSameValue(other, member));
      const [other] = index < 0 ? [] : left.splice(index, 1);
      return isJsonObject(member) ? overwritten(asObject(other), member, undefined) : member;
    });
  return equalsUnordered(replaced, [...current]) ? [...current] : replaced;
}

function isSameValue(there: JsonValue, wanted: JsonValue): boolean {
  if (!isJsonObject(there) || !isJsonObject(wanted)) return equalsUnordered(there, wanted);
  return (
    ['value', 'type'].every(
      (name) => memberOf(wanted, name) === null || isSame(memberOf(there, name), memberOf(wanted, name)),
    ) && memberOf(wanted, 'value') !== null
  );
}

/** For a payload of an older mapping, whose members say of what type they are. */
function selectorOf({ type, primary }: JsonObject): Selector | undefined {
  if (typeof type === 'string') return { where: [{ name: 'type', equals: type }] };
  return primary === true ? PRIMARY : undefined;
}

/** The index of the member to write; that of a new member if there is none. */
function indexFor(
  wanted: JsonObject,
  list: readonly JsonValue[],
  selector: Selector | undefined,
  field: FieldMapping | undefined,
): number {
  const matching = selector === undefined ? [] : matchingIndexes(list, selector);
  if (matching.length > 1) return distinguished(wanted, list, matching, field);
  const attempts = [
    () => matching[0] ?? -1,
    () => list.findIndex((member) => couldBe(member, wanted, selector)),
    // A service that marks no primary member shows its only member without a type and without a mark.
    () =>
      (selector === undefined || isOnlyPrimary(selector)) && list.length === 1 && isUntyped(list[0]) ? 0 : -1,
  ];
  return attempts.map((attempt) => attempt()).find((index) => index >= 0) ?? list.length;
}

/** The one of several matches that is primary, or that holds the wanted value already. */
function distinguished(
  wanted: JsonObject,
  list: readonly JsonValue[],
  matching: readonly number[],
  field: FieldMapping | undefined,
): number {
  const primary = matching.filter((index) => matchingIndexes([list[index] ?? null], PRIMARY).length > 0);
  const same = matching.filter((index) =>
    equalsUnordered(overwritten(asObject(list[index]), wanted, undefined), list[index]),
  );
  const [index] = primary.length === 1 ? primary : same;
  if (index !== undefined) return index;
  const to = field?.to ?? null;
  const message = `${matching.length} members of the list in the third party match ${to ?? 'the mapping'}.`;
  const explanation = 'Remove the duplicates in the third party, or mark one of them as primary.';
  throw new RecordRejected(message, [
    { field: field?.name ?? null, remoteField: to, code: 'ambiguous_member', message, explanation },
  ]);
}

/** A member of the same value that has none of the sub-attributes of the selector. */
function couldBe(member: JsonValue, wanted: JsonObject, selector: Selector | undefined): boolean {
  if (!isJsonObject(member) || memberOf(wanted, 'value') === null) return false;
  const contradicts = selector?.where.some(
    ({ name }) => name !== 'primary' && memberOf(member, name) !== null,
  );
  return contradicts !== true && isSame(memberOf(member, 'value'), memberOf(wanted, 'value'));
}

function isOnlyPrimary(selector: Selector | undefined): boolean {
  const [only, ...more] = selector?.where ?? [];
  return only?.name === 'primary' && only.equals === true && more.length === 0;
}

function isUntyped(member: JsonValue | undefined): boolean {
  return isJsonObject(member) && memberOf(member, 'type') === null && memberOf(member, 'primary') === null;
}

/** True for the only member of a list, if it has neither a type nor a mark. */
function isUnmarked(list: readonly JsonValue[], index: number): boolean {
  return list.length === 1 && index === 0 && isUntyped(list[0]);
}

/** The member with the wanted sub-attributes. What selects it is kept if it differs in case only. */
function overwritten(member: JsonObject, wanted: JsonObject, selector: Selector | undefined): JsonObject {
  const selecting = ['type', 'primary', ...(selector?.where.map(({ name }) => name) ?? [])];
  const result: JsonObject = { ...member };
  for (const [name, value] of Object.entries(wanted)) {
    if (value === null) delete result[name];
    else if (!selecting.includes(name) || !isSame(memberOf(member, name), value)) result[name] = value;
  }
  return result;
}

function withoutMark({ primary: _primary, ...member }: JsonObject): JsonObject {
  return member;
}

/** At most one member may be primary (RFC 7643 2.4). */
function withdrawPrimary(list: JsonValue[], except: number): void {
  for (const index of matchingIndexes(list, PRIMARY))
    if (index !== except) list[index] = { ...asObject(list[index]), primary: false };
}

/** Equal without regard to case, which has no meaning in sub-attributes (RFC 7643 2.2). */
function isSame(a: JsonValue, b: JsonValue): boolean {
  if (typeof a === 'object' || typeof b === 'object') return equalsUnordered(a, b);
  return String(a).toLowerCase() === String(b).toLowerCase();
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
