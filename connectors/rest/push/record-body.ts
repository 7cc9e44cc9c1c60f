/** The body of a call that writes a record. */
import type { JsonObject, JsonValue } from '../../../domain/json';
import { externalIdPointer, type RecordCalls } from '../http/calls';
import { placeAt } from '../json-pointer';

/**
 * The payload with the Syncline id at its configured location, and with the constants of `activate` if the
 * record was deactivated.
 */
export function recordToSend({ recordType, item }: RecordCalls, occasion: 'create' | 'update'): JsonObject {
  const externalIdAt = externalIdPointer(recordType);
  const isIdLeftOut =
    occasion === 'update' &&
    typeof recordType.external_id === 'object' &&
    recordType.external_id.only_on_create;
  const record =
    externalIdAt === undefined || isIdLeftOut
      ? item.payload
      : placeAt(item.payload, externalIdAt, item.externalId);
  if (!item.isDeactivated || recordType.activate === undefined || recordType.activate.path !== undefined)
    return record;
  // The payload takes precedence over the constants.
  return placeAt(withSet({}, recordType.activate.set), '', record);
}

export function withSet(record: JsonObject, set: Record<string, JsonValue> = {}): JsonObject {
  return Object.entries(set).reduce((result, [to, value]) => placeAt(result, asPointer(to), value), record);
}

function asPointer(to: string): string {
  return to.startsWith('/') ? to : `/${to.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
