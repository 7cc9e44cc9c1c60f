/**
 * What an update changes in a SCIM resource: pure. The resource as it stands there is merged with our
 * payload, and only what differs is written, so nothing that we do not map is wiped, whether the server takes
 * PATCH (RFC 7644 3.5.2) or only PUT (3.5.1).
 */
import { type JsonObject, type JsonValue, isJsonObject, jsonEquals } from '../../domain/json';

/** One operation of a PATCH request (RFC 7644 3.5.2). */
export interface PatchOperation {
  op: 'add' | 'replace' | 'remove';
  path: string;
  value?: JsonValue;
}

/** Attributes the server owns (RFC 7643 3.1) or that follow from the others. */
const NOT_OURS = new Set(['id', 'meta', 'schemas']);
/**
 * Sub-attributes that only describe a value (RFC 7643 2.4): an element that holds nothing else says nothing.
 */
const DESCRIPTIVE = new Set(['type', 'primary', 'display', '$ref']);

/**
 * The resource as it should be: `current` with our payload laid over it. In the payload null means "no
 * value"; what it leaves out stays. Elements of multi-valued attributes (`emails`) are paired with theirs, so
 * that values added there survive, unless `wholeAttributes` names the attribute: then the list is ours alone.
 */
export function mergeResource(
  current: JsonObject,
  payload: JsonObject,
  wholeAttributes: ReadonlySet<string>,
): JsonObject {
  return mergeObject(current, payload, wholeAttributes, '');
}

/**
 * The operations that turn `current` into `merged`, one per attribute or sub-attribute; empty when nothing
 * differs.
 */
export function patchOperations(current: JsonObject, merged: JsonObject): PatchOperation[] {
  const keys = [...new Set([...Object.keys(current), ...Object.keys(merged)])].filter(
    (key) => !NOT_OURS.has(key),
  );
  return keys.flatMap((key) => {
    const [before, after] = [current[key], merged[key]];
    if (isExtension(key)) return operationsWithin(`${key}:`, asObject(before), asObject(after));
    if (isJsonObject(before) && isJsonObject(after)) return operationsWithin(`${key}.`, before, after);
    return operation(key, before, after);
  });
}

/** True for the name of a schema extension, under which its attributes stand (RFC 7643 3.3). */
export function isExtension(key: string): boolean {
  return /^urn:/i.test(key);
}

function operationsWithin(prefix: string, before: JsonObject, after: JsonObject): PatchOperation[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => operation(prefix + key, before[key], after[key]));
}

function operation(
  path: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): PatchOperation[] {
  if (jsonEquals(before, after)) return [];
  if (after === undefined) return [{ op: 'remove', path }];
  return [{ op: before === undefined ? 'add' : 'replace', path, value: after }];
}

function mergeObject(
  current: JsonObject,
  payload: JsonObject,
  whole: ReadonlySet<string>,
  path: string,
): JsonObject {
  const merged: JsonObject = { ...current };
  for (const [key, wanted] of Object.entries(payload)) {
    const value = mergeValue(current[key], wanted, whole, `${path}/${key}`);
    if (value === undefined) delete merged[key];
    else merged[key] = value;
  }
  return merged;
}

function mergeValue(
  current: JsonValue | undefined,
  wanted: JsonValue,
  whole: ReadonlySet<string>,
  path: string,
): JsonValue | undefined {
  if (wanted === null) return undefined;
  if (Array.isArray(wanted))
    return mergeList(whole.has(path) || !Array.isArray(current) ? [] : current, wanted);
  if (!isJsonObject(wanted)) return wanted;
  const merged = mergeObject(asObject(current), wanted, whole, path);
  return Object.keys(merged).length === 0 ? undefined : merged;
}

function mergeList(current: readonly JsonValue[], wanted: readonly JsonValue[]): JsonValue[] | undefined {
  // Also the holes left by `/emails/1/value`.
  const elements = [...wanted].filter((element) => element !== null && element !== undefined);
  if (wanted.length === 0) return undefined;
  if (!elements.every(isJsonObject)) return elements;
  const merged: JsonValue[] = [...current];
  elements.forEach((element, index) => {
    const position = positionOf(element, merged, index);
    if (element['primary'] === true) withdrawPrimary(merged, position);
    merged[position] = mergeObject(asObject(merged[position]), element, new Set(), '');
  });
  const telling = merged.filter(
    (element) => !isJsonObject(element) || Object.keys(element).some((key) => !DESCRIPTIVE.has(key)),
  );
  return telling.length === 0 ? undefined : telling;
}

/**
 * Where their element stands that ours means. With a type: the one of that type, else an untyped one of the
 * same value, else a new one. Without: the primary one if ours is, else the one of the same value, else the
 * one in the same place.
 */
function positionOf(element: JsonObject, list: readonly JsonValue[], index: number): number {
  const find = (matches: (candidate: JsonObject) => boolean) =>
    list.findIndex((candidate) => isJsonObject(candidate) && matches(candidate));
  const { type, primary, value } = element;
  const attempts =
    type === undefined
      ? [
          () => (primary === true ? find((candidate) => candidate['primary'] === true) : -1),
          () => (value === undefined ? -1 : find((candidate) => jsonEquals(candidate['value'], value))),
          () => Math.min(index, list.length),
        ]
      : [
          () => find((candidate) => jsonEquals(candidate['type'], type)),
          () => find((candidate) => candidate['type'] === undefined && jsonEquals(candidate['value'], value)),
          () => list.length,
        ];
  for (const attempt of attempts) {
    const position = attempt();
    if (position >= 0) return position;
  }
  return list.length;
}

/** At most one element may be primary (RFC 7643 2.4). */
function withdrawPrimary(list: JsonValue[], except: number): void {
  list.forEach((element, index) => {
    if (index !== except && isJsonObject(element) && element['primary'] === true)
      list[index] = { ...element, primary: false };
  });
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
