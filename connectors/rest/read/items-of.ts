/** The items at a place of an answer, in the shapes that lists have. */
import { isJsonObject, type JsonValue } from '../../../domain/json';
import type { ListConfig } from '../config/config-read';
import { placeAt } from '../json-pointer';

/** Undefined for a value of another shape than the configuration says. */
export function itemsOf(
  found: JsonValue | undefined,
  { items_as: shape, key_at: keyAt }: Partial<Pick<ListConfig, 'items_as' | 'key_at'>>,
): JsonValue[] | undefined {
  // Some languages, such as Go, write an empty list as null.
  if (found === null) return [];
  if (shape === 'map') {
    // PHP writes an object without members as a list.
    if (Array.isArray(found) && found.length === 0) return [];
    return isJsonObject(found)
      ? Object.entries(found).map(([key, item]) =>
          keyAt !== undefined && isJsonObject(item) ? placeAt(item, keyAt, key) : item,
        )
      : undefined;
  }
  if (shape === 'one_or_many' && isJsonObject(found)) return [found];
  return Array.isArray(found) ? found : undefined;
}
