/**
 * Reading and writing by JSON Pointer (RFC 6901), and reading JSON without harm: numbers too long for a double keep their digits
 * as text, because third parties use such numbers as ids.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../../domain/json';
import { setAt, toPath } from '../../domain/mapping';

const UNSAFE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** True for the empty pointer (the whole document) and `/a/b~1c/0`, false for keys that reach into JavaScript itself. */
export function isPointer(text: string): boolean {
  if (text === '') return true;
  return /^(?:\/(?:[^/~]|~[01])*)+$/.test(text) && isSafePath(toPath(text));
}

/** False when a key of the path is one that JavaScript gives a meaning of its own. */
export function isSafePath(path: readonly string[]): boolean {
  return !path.some((key) => UNSAFE_KEYS.has(key));
}

/** The value at the pointer, undefined where there is none. Never throws, whatever the document is. */
export function readAt(document: JsonValue | undefined, pointer: string): JsonValue | undefined {
  if (pointer === '') return document;
  let node = document;
  for (const key of toPath(pointer)) {
    if (Array.isArray(node)) node = /^(?:0|[1-9]\d*)$/.test(key) ? node[Number(key)] : undefined;
    else if (isJsonObject(node)) node = Object.hasOwn(node, key) ? node[key] : undefined;
    else return undefined;
  }
  return node;
}

/**
 * A copy of the document with the value at the pointer, objects (and lists, for digits) made on the way. Two objects that meet are
 * merged, the value's members winning; so that a record can be put into a body that already holds constants.
 */
export function placeAt(document: JsonObject, pointer: string, value: JsonValue): JsonObject {
  const together = merged(readAt(document, pointer), value);
  if (pointer === '') return together as JsonObject;
  const copy = structuredClone(document);
  setAt(copy, toPath(pointer), together);
  return copy;
}

/** Undefined for what is not JSON, an empty body included. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(/\d{16}/.test(text) ? keepLongNumbers(text) : text) as JsonValue;
  } catch {
    return undefined;
  }
}

function merged(below: JsonValue | undefined, above: JsonValue): JsonValue {
  if (!isJsonObject(below) || !isJsonObject(above)) return above;
  const result: JsonObject = { ...below };
  for (const [key, value] of Object.entries(above)) result[key] = merged(result[key], value);
  return result;
}

/** Strings are matched first, so that digits inside them stay untouched. */
function keepLongNumbers(text: string): string {
  return text.replaceAll(/"(?:[^"\\]+|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
  );
}
