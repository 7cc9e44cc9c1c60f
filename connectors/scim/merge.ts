/**
 * Computes the update of a SCIM resource, without I/O. The current resource is merged with the payload and
 * only differences are written, so unmapped attributes are kept with PATCH (RFC 7644 3.5.2) and PUT (3.5.1).
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
 * The wanted resource: `current`, overwritten by the payload. In the payload null means "no value"; absent
 * attributes are kept. Elements of multi-valued attributes (`emails`) are matched with existing ones, so that
 * values added in the third party are kept. Attributes in `wholeAttributes` are replaced as a whole.
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
    (key) => !NOT_OURS.has(key.toLowerCase()),
  );
  return keys.flatMap((key) => {
    const [before, after] = [current[key], merged[key]];
    if (isExtension(key)) return operationsWithin(`${key}:`, asObject(before), asObject(after));
    if (isJsonObject(before) && isJsonObject(after)) return operationsWithin(`${key}.`, before, after);
    return operation(key, before, after);
  });
}

/** True for the name of a schema extension, which contains its attributes (RFC 7643 3.3). */
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
 * The index of the existing element that matches. With a type: the element of that type, else an untyped one
 * with the same value, else a new one. Without a type: the primary element for a primary one, else the one
 * with the same value, else the one at the same index.
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
