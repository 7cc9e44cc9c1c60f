/** What is sent for a record that exists in the third party. */
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json';
import { withoutCreateOnly } from '../domain/records/mapping';
import { type Place, parsePlace, setAt, valueAt } from '../domain/records/place';
import type { PushItem } from './connector';

/** The item without the values that only a creation sends. */
export function forUpdate(item: PushItem): PushItem {
  return item.createOnly === undefined
    ? item
    : { ...item, payload: withoutCreateOnly(item.payload, item.createOnly) };
}

/**
 * The places of values that only a creation sends, inside objects or lists that an update sends: third
 * parties that replace these as a whole would lose them.
 */
export function placesAround(record: JsonObject, createOnly: readonly string[]): Place[] {
  return createOnly
    .map(parsePlace)
    .filter(
      (place) =>
        place.length > 1 &&
        valueAt(record, place.slice(0, 1)) !== undefined &&
        valueAt(record, place) === undefined,
    );
}

/** The record of an update with the values that are there at these places. */
export function withValuesThere(
  record: JsonObject,
  places: readonly Place[],
  there: JsonValue | undefined,
): JsonObject {
  if (places.length === 0 || !isJsonObject(there)) return record;
  const copy = structuredClone(record);
  for (const place of places) {
    const value = valueAt(there, place);
    if (value !== undefined) setAt(copy, place, value);
  }
  return copy;
}
