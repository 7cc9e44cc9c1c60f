/**
 * Computes the update of a SCIM resource, without I/O. The current resource is merged with the payload and
 * only differences are written, so unmapped attributes are kept with PATCH (RFC 7644 3.5.2) and PUT (3.5.1).
 */
import { type JsonObject, type JsonValue, isJsonObject, jsonEquals } from '../../domain/json';
import type { FieldMapping } from '../../domain/records/mapping';
import { listKey, selectorsByList } from '../../domain/records/place';
import { mergeList, replaceList } from './merge-list';
import { attributePath } from './names';

/** One operation of a PATCH request (RFC 7644 3.5.2). */
export interface PatchOperation {
  op: 'add' | 'replace' | 'remove';
  path: string;
  value?: JsonValue;
}

/** Attributes the server owns (RFC 7643 3.1) or that follow from the others. */
const NOT_OURS = new Set(['id', 'meta', 'schemas']);
/** How lists are written. */
export interface ListRules {
  /** The lists that are mapped as a whole, such as `roles`: all members are replaced. */
  whole: ReadonlySet<string>;
  /** The selectors of the other lists. */
  selectors: ReturnType<typeof selectorsByList<FieldMapping>>;
}

export function listRules(fields: readonly FieldMapping[]): ListRules {
  return {
    whole: new Set(fields.map(({ to }) => listKey(attributePath(to)))),
    selectors: selectorsByList(fields),
  };
}

/**
 * The wanted resource: `current`, overwritten by the payload. In the payload null means "no value"; absent
 * attributes are kept. Members of multi-valued attributes (`emails`) are chosen by the selectors of the
 * mapping, and values added in the third party are kept. Lists that are mapped as a whole are replaced. The
 * order of a list does not matter.
 * @throws RecordRejected if a selector of a changed member fits several members.
 */
export function mergeResource(current: JsonObject, payload: JsonObject, rules: ListRules): JsonObject {
  return mergeObject(current, payload, rules, []);
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
  rules: ListRules,
  path: readonly string[],
): JsonObject {
  const merged: JsonObject = { ...current };
  for (const [key, wanted] of Object.entries(payload)) {
    const value = mergeValue(current[key], wanted, rules, [...path, key]);
    if (value === undefined) delete merged[key];
    else merged[key] = value;
  }
  return merged;
}

function mergeValue(
  current: JsonValue | undefined,
  wanted: JsonValue,
  rules: ListRules,
  path: readonly string[],
): JsonValue | undefined {
  if (wanted === null) return undefined;
  if (Array.isArray(wanted)) {
    const list = Array.isArray(current) ? current : [];
    const key = listKey(path);
    const merged = rules.whole.has(key)
      ? replaceList(list, wanted)
      : mergeList(list, wanted, rules.selectors.get(key) ?? []);
    return merged.length === 0 ? undefined : merged;
  }
  if (!isJsonObject(wanted)) return wanted;
  const merged = mergeObject(asObject(current), wanted, rules, path);
  return Object.keys(merged).length === 0 ? undefined : merged;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
