/** Reads and writes by JSON Pointer (RFC 6901). */
import { type JsonObject, type JsonValue, isJsonObject } from '../../domain/json';
import { setAt, toPath } from '../../domain/records/place';

export { parseJson } from '../parse-json';

const UNSAFE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * True for the empty pointer (the whole document) and `/a/b~1c/0`; false for keys of built-in JavaScript
 * properties.
 */
export function isPointer(text: string): boolean {
  if (text === '') return true;
  return /^(?:\/(?:[^/~]|~[01])*)+$/.test(text) && isSafePath(toPath(text));
}

/** False if a key of the path is a built-in JavaScript property. */
export function isSafePath(path: readonly string[]): boolean {
  return !path.some((key) => UNSAFE_KEYS.has(key));
}

/** The value at the pointer, or undefined. Never throws. */
export function readAt(document: JsonValue | undefined, pointer: string): JsonValue | undefined {
  return pointer === '' ? document : readPath(document, toPath(pointer));
}

const PLACES_MAX = 200;
const PLACE_DEPTH_MAX = 4;
/** Other names may be data, such as addresses. */
const NAME = /^[@$A-Za-z_][\w.-]{0,40}$/;

/** The values below a value with their pointers, the outer ones first; a bounded number, for messages. */
export function placesIn(document: JsonValue | undefined): [at: string, value: JsonValue][] {
  const places: [at: string, value: JsonValue][] = [];
  let level: [at: string, value: JsonValue | undefined][] = [['', document]];
  for (let depth = 0; depth < PLACE_DEPTH_MAX && places.length < PLACES_MAX; depth += 1) {
    level = level.flatMap(([at, value]) =>
      !isJsonObject(value)
        ? []
        : Object.entries(value)
            .slice(0, PLACES_MAX)
            .filter(([name]) => NAME.test(name))
            .map(([name, inner]): [string, JsonValue] => [`${at}/${name}`, inner]),
    );
    places.push(...(level as typeof places));
  }
  return places.slice(0, PLACES_MAX);
}

/** Like `readAt`, for a parsed pointer: a list of records is read with the same few pointers. */
export function readPath(document: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let node = document;
  for (const key of path) {
    if (Array.isArray(node)) node = /^(?:0|[1-9]\d*)$/.test(key) ? node[Number(key)] : undefined;
    else if (isJsonObject(node)) node = Object.hasOwn(node, key) ? node[key] : undefined;
    else return undefined;
  }
  return node;
}

/**
 * A copy of the document with the value at the pointer; missing objects (and lists, for digits) are created.
 * Two objects are merged, and the value's members take precedence, so that a record can be added to a body
 * with constants.
 */
export function placeAt(document: JsonObject, pointer: string, value: JsonValue): JsonObject {
  const together = merged(readAt(document, pointer), value);
  if (pointer === '') return together as JsonObject;
  const copy = structuredClone(document);
  setAt(copy, toPath(pointer), together);
  return copy;
}

/** The keys of a pointer, none for the whole document; for `readPath`. */
export function pathOf(pointer: string): string[] {
  return pointer === '' ? [] : toPath(pointer);
}

function merged(below: JsonValue | undefined, above: JsonValue): JsonValue {
  if (!isJsonObject(below) || !isJsonObject(above)) return above;
  const result: JsonObject = { ...below };
  for (const [key, value] of Object.entries(above)) result[key] = merged(result[key], value);
  return result;
}
