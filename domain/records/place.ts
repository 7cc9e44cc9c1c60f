/**
 * Places in a third party's record, as `to` of a mapping names them: a JSON Pointer (`/name/givenName`), a
 * plain key (`email`), or a path that selects a member of a list by its sub-attributes (RFC 7644 3.5.2):
 * `emails[type eq "work"].value`, `/items[kind eq "x" and primary eq true]/value`.
 */
import { type JsonObject, type JsonValue, canonicalJson, isJsonObject, memberOf } from '../json';

interface Condition {
  name: string;
  equals: string | number | boolean;
}

/** Selects the member of a list that meets all conditions. */
export interface Selector {
  where: readonly Condition[];
}

/** A key, where digits are a position in a list, or a selector. */
export type Step = string | Selector;
export type Place = readonly Step[];

const CONDITION = String.raw`([A-Za-z$_][\w$-]*)\s+eq\s+("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false)`;
const FIRST_CONDITION = new RegExp(String.raw`\[\s*${CONDITION}\s*`, 'iy');
const NEXT_CONDITION = new RegExp(String.raw`and\s+${CONDITION}\s*`, 'iy');

/** The place that `to` names. A text with brackets that are no selector is a key like any other. */
export function parsePlace(to: string): Place {
  if (!/\[\s*[\w$-]+\s+eq\s/i.test(to)) return toPath(to);
  if (to.startsWith('/')) return split(to.slice(1), '/', unescapePointer);
  // The name of a schema contains dots: `urn:…:2.0:User:things[type eq "a"].value` (RFC 7644 3.10).
  const schema = /^(urn:[^[]*):/i.exec(to)?.[1];
  if (schema === undefined) return split(to, '.');
  return [schema, ...split(to.slice(schema.length + 1), '.')];
}

/** `/name/givenName` and `email` as a list of keys; digits are positions in an array. */
export function toPath(to: string): string[] {
  return to.startsWith('/') ? to.slice(1).split('/').map(unescapePointer) : [to];
}

export function isSelector(step: Step | undefined): step is Selector {
  return typeof step === 'object';
}

/** True for a position in a list. The first step is always a key, because a record is an object. */
export function isPosition(step: Step | undefined, depth: number): step is string {
  return depth > 0 && typeof step === 'string' && /^\d+$/.test(step);
}

function split(text: string, separator: string, unescape = (name: string) => name): Step[] {
  const steps: Step[] = [];
  let name = '';
  for (let at = 0; at <= text.length; at += 1) {
    const selected = name === '' ? undefined : selectorAt(text, at, separator);
    if (selected) {
      steps.push(unescape(name), selected.selector);
      at = selected.end;
    } else if (at === text.length || text[at] === separator) steps.push(unescape(name));
    else {
      name += text[at];
      continue;
    }
    name = '';
  }
  return steps;
}

/** The selector that begins here and ends at a separator or at the end of the text. */
function selectorAt(
  text: string,
  start: number,
  separator: string,
): { selector: Selector; end: number } | undefined {
  const where: Condition[] = [];
  let end = start;
  for (;;) {
    const pattern = where.length === 0 ? FIRST_CONDITION : NEXT_CONDITION;
    pattern.lastIndex = end;
    const [found, name, literal] = pattern.exec(text) ?? [];
    if (found === undefined || name === undefined || literal === undefined) return undefined;
    const equals = readLiteral(literal);
    if (equals === undefined) return undefined;
    where.push({ name, equals });
    end += found.length;
    if (text[end] === ']') break;
  }
  const isComplete = end + 1 === text.length || text[end + 1] === separator;
  return isComplete ? { selector: { where }, end: end + 1 } : undefined;
}

function readLiteral(literal: string): Condition['equals'] | undefined {
  try {
    return JSON.parse(literal.startsWith('"') ? literal : literal.toLowerCase()) as Condition['equals'];
  } catch {
    return undefined;
  }
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The value at the place; undefined if there is none. */
export function valueAt(remote: JsonValue, place: Place): JsonValue | undefined {
  let node: JsonValue | undefined = remote;
  for (const step of place) {
    if (isSelector(step)) node = Array.isArray(node) ? node[selectIndex(node, step)] : undefined;
    else if (Array.isArray(node)) node = node[Number(step)];
    else if (isJsonObject(node) && Object.hasOwn(node, step)) node = node[step];
    else return undefined;
  }
  return node;
}

/**
 * The index of the selected member; -1 if there is none. The order of the list does not matter: among several
 * matches, a primary one comes first, then the first by content. If only the primary member is asked for and
 * the list marks none, a member without a type comes first, then the first by content.
 */
export function selectIndex(list: readonly JsonValue[], selector: Selector): number {
  const matching = matchingIndexes(list, selector);
  if (matching.length > 0) return first(list, matching, (member) => !isTrue(member['primary']));
  const [only, ...more] = selector.where;
  if (more.length > 0 || only?.name !== 'primary' || only.equals !== true) return -1;
  const objects = [...list.keys()].filter((index) => isJsonObject(list[index]));
  return first(list, objects, (member) => memberOf(member, 'type') !== null);
}

/** The members that meet all conditions. Case does not matter (RFC 7643 2.2: `caseExact` is false). */
export function matchingIndexes(list: readonly JsonValue[], { where }: Selector): number[] {
  return [...list.keys()].filter((index) => {
    const member = list[index];
    return isJsonObject(member) && where.every(({ name, equals }) => isEqual(memberOf(member, name), equals));
  });
}

/** Some services write `primary` as a text. */
function isEqual(value: JsonValue, equals: Condition['equals']): boolean {
  return value !== null && typeof value !== 'object'
    ? String(value).toLowerCase() === String(equals).toLowerCase()
    : false;
}

function isTrue(value: JsonValue | undefined): boolean {
  return isEqual(value ?? null, true);
}

function first(
  list: readonly JsonValue[],
  indexes: readonly number[],
  comesLater: (member: JsonObject) => boolean,
): number {
  if (indexes.length < 2) return indexes[0] ?? -1;
  const keyOf = (index: number) => {
    const member = list[index] as JsonObject;
    return `${comesLater(member) ? 1 : 0}${canonicalJson(member)}`;
  };
  return indexes.reduce((best, index) => (keyOf(index) < keyOf(best) ? index : best));
}

/**
 * Sub-attributes that only describe a value (RFC 7643 2.4). A member without any other value says nothing.
 */
const DESCRIPTIVE = new Set(['type', 'primary', 'display', '$ref']);

export function saysNothing(member: JsonValue): boolean {
  return (
    isJsonObject(member) &&
    Object.keys(member).every((name) => DESCRIPTIVE.has(name) || memberOf(member, name) === null)
  );
}

/** The selectors of each list, by the keys that lead to it. */
export function selectorsByList<T extends { to: string }>(
  fields: readonly T[],
): Map<string, { selector: Selector; field: T }[]> {
  const byList = new Map<string, { selector: Selector; field: T }[]>();
  for (const field of fields)
    parsePlace(field.to).forEach((selector, depth, place) => {
      if (!isSelector(selector)) return;
      const list = listKey(place.slice(0, depth).filter((step) => typeof step === 'string'));
      byList.set(list, [...(byList.get(list) ?? []), { selector, field }]);
    });
  return byList;
}

export function listKey(names: readonly string[]): string {
  return JSON.stringify(names);
}

const UNREACHABLE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const POSITION_MAX = 9_999;

/**
 * False for paths into built-in JavaScript properties, and for list positions that would exhaust the memory.
 */
export function isReachable(place: Place): boolean {
  return place.every((step, depth) =>
    isSelector(step)
      ? step.where.every(({ name }) => !UNREACHABLE_KEYS.has(name))
      : !UNREACHABLE_KEYS.has(step) && !(isPosition(step, depth) && Number(step) > POSITION_MAX),
  );
}

/**
 * Sets the value at the place, with objects and lists made on the way. A selected member that does not exist
 * is added with the sub-attributes that select it. Changes the target.
 * @throws where the path leads out of the target: `__proto__`, `constructor`, `prototype`, positions past
 * 9,999.
 */
export function setAt(target: JsonObject, place: Place, value: JsonValue): void {
  if (!isReachable(place)) throw new RangeError(`Nothing can be put at ${JSON.stringify(place)}.`);
  let node: JsonObject | JsonValue[] = target;
  place.forEach((step, depth) => {
    const isLast = depth === place.length - 1;
    const key = Array.isArray(node) ? indexIn(node, step) : (step as string);
    const members = node as Record<string | number, JsonValue>;
    if (isLast || !isContainer(members[key])) members[key] = isLast ? value : emptyFor(place[depth + 1]);
    node = members[key] as JsonObject | JsonValue[];
  });
}

/** Removes the value at the place, if there is one. A position of a list becomes null. Changes the target. */
export function removeAt(target: JsonObject, place: Place): void {
  const node = valueAt(target, place.slice(0, -1));
  const step = place.at(-1);
  if (Array.isArray(node)) {
    const index = isSelector(step) ? selectIndex(node, step) : Number(step);
    if (isSelector(step) && index >= 0) node.splice(index, 1);
    else if (index in node) node[index] = null;
  } else if (isJsonObject(node) && typeof step === 'string') delete node[step];
}

/** Like `removeAt`, with the objects, lists and members that hold nothing else. Changes the target. */
export function removeWithEmptied(target: JsonObject, place: Place): void {
  const around = place.slice(0, -1);
  removeAt(target, place);
  const list = valueAt(target, around);
  if (Array.isArray(list)) while (list.at(-1) === null) list.pop();
  if (around.length > 0 && isEmptied(valueAt(target, around), around.at(-1)))
    removeWithEmptied(target, around);
}

/** A selected member still holds the sub-attributes that select it. */
function isEmptied(node: JsonValue | undefined, step: Step | undefined): boolean {
  if (Array.isArray(node)) return node.length === 0;
  const selecting = isSelector(step) ? step.where.map(({ name }) => name.toLowerCase()) : [];
  return isJsonObject(node) && Object.keys(node).every((name) => selecting.includes(name.toLowerCase()));
}

function indexIn(list: JsonValue[], step: Step): number {
  if (!isSelector(step)) {
    while (list.length < Number(step)) list.push(null); // a hole is not JSON
    return Number(step);
  }
  const [index = list.length] = matchingIndexes(list, step);
  list[index] ??= Object.fromEntries(step.where.map(({ name, equals }) => [name, equals]));
  return index;
}

function emptyFor(next: Step | undefined): JsonValue {
  return isSelector(next) || isPosition(next, 1) ? [] : {};
}

function isContainer(value: JsonValue | undefined): boolean {
  return Array.isArray(value) || isJsonObject(value);
}
