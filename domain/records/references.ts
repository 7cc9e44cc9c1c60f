/**
 * References to other records (docs/decisions/0033). A field with `ref` holds the external id of a record
 * here, and the third party's own id of that record there. Payloads, agreements and comparisons are in our
 * notation: ids are exchanged only where a record leaves for the third party and where it arrives.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json';
import type { FieldMapping, RecordTypeMapping, RecordTypeMappings } from './mapping';
import { parsePlace, removeWithEmptied, setAt, valueAt } from './place';

export interface ReferenceField extends FieldMapping {
  name: string;
  ref: { recordType: string };
}

/** A record that a field refers to. `id`: its external id here, or its id in the third party. */
export interface ReferredRecord {
  recordType: string;
  id: string;
}

export interface Reference extends ReferredRecord {
  /** The local field. */
  field: string;
  /** `to` of the mapping. */
  place: string;
}

export const referredKey = ({ recordType, id }: ReferredRecord): string => `${recordType}\n${id}`;

export function referenceFields(mapping: RecordTypeMapping | undefined): readonly ReferenceField[] {
  if (mapping === undefined) return [];
  const known = knownFields.get(mapping.fields);
  if (known !== undefined) return known;
  const fields = mapping.fields.filter(
    (field): field is ReferenceField => field.ref !== undefined && field.name !== undefined,
  );
  knownFields.set(mapping.fields, fields);
  return fields;
}

// A mapping is used for thousands of records. It is never changed.
const knownFields = new WeakMap<FieldMapping[], readonly ReferenceField[]>();

/** False for a place that a record promised before the mapping changed. */
export const pullsReference = (
  mapping: RecordTypeMapping | undefined,
  { field, place, recordType }: Omit<Reference, 'id'>,
): boolean =>
  mapping !== undefined &&
  mapping.direction !== 'push' &&
  referenceFields(mapping).some(
    ({ name, to, ref, direction }) =>
      name === field && to === place && ref.recordType === recordType && direction !== 'push',
  );

/** The record types with a field that refers to this type. */
export function referringTypes(mappings: RecordTypeMappings, recordType: string): RecordTypeMappings {
  return Object.fromEntries(
    Object.entries(mappings).filter(([, mapping]) =>
      referenceFields(mapping).some(({ ref }) => ref.recordType === recordType),
    ),
  );
}

/** The references in a record of the third party's shape, by our ids or by theirs. */
export function referencesIn(mapping: RecordTypeMapping, record: JsonObject): Reference[] {
  return referenceFields(mapping).flatMap(({ name, to, ref }) =>
    idsIn(valueAt(record, parsePlace(to))).map((id) => ({
      field: name,
      place: to,
      recordType: ref.recordType,
      id,
    })),
  );
}

function idsIn(value: JsonValue | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(idsIn);
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  return typeof value === 'number' ? [String(value)] : [];
}

/** A record of the third party that no record here is linked to. */
interface UnknownRecord extends JsonObject {
  remote_id: string | number;
}

const isUnknown = (value: JsonValue): value is UnknownRecord =>
  isJsonObject(value) && ['string', 'number'].includes(typeof value['remote_id']);

/** The ids in the third party that were not known when the value was read. */
export function unknownIdsIn(value: JsonValue | undefined): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).flatMap((one: JsonValue) =>
    isUnknown(one) ? [String(one.remote_id)] : [],
  );
}

/** Our id of a record there; undefined = unknown. */
export type FindId = (record: ReferredRecord) => string | undefined;

/**
 * What the third party shows, with our ids. One that is not known becomes `{ remote_id }`, which no field
 * takes and which equals no id of ours.
 */
export function withOurIds(mapping: RecordTypeMapping, remote: JsonObject, ourIdOf: FindId): JsonObject {
  return exchange(mapping, remote, (value, { ref }) => {
    const theirs = isUnknown(value) ? value.remote_id : value;
    if (typeof theirs !== 'number' && (typeof theirs !== 'string' || theirs.trim() === '')) return value;
    return ourIdOf({ recordType: ref.recordType, id: String(theirs) }) ?? { remote_id: theirs };
  });
}

/** A value of a field as it arrived, with the ids that are known by now. */
export function ourIdsOf(value: JsonValue, recordType: string, ourIdOf: FindId): JsonValue {
  const one = (part: JsonValue): JsonValue =>
    isUnknown(part) ? (ourIdOf({ recordType, id: String(part.remote_id) }) ?? part) : part;
  return Array.isArray(value) ? value.map(one) : one(value);
}

/** A payload as it is sent. A reference to a record that the third party lacks is left out. */
export function withTheirIds(mapping: RecordTypeMapping, payload: JsonObject, theirIdOf: FindId): JsonObject {
  return exchange(mapping, payload, (value, { ref, type }) => {
    if (isUnknown(value)) return value.remote_id;
    if (typeof value !== 'string' || value === '') return value;
    const id = theirIdOf({ recordType: ref.recordType, id: value });
    const number = type === 'number' ? Number(id) : Number.NaN;
    return Number.isSafeInteger(number) ? number : id;
  });
}

/** The payload without these places. */
export function withoutPlaces(payload: JsonObject, places: Iterable<string>): JsonObject {
  const rest = structuredClone(payload);
  for (const place of places) removeWithEmptied(rest, parsePlace(place));
  return rest;
}

function exchange(
  mapping: RecordTypeMapping,
  record: JsonObject,
  idOf: (value: JsonValue, field: ReferenceField) => JsonValue | undefined,
): JsonObject {
  let changed: JsonObject | undefined;
  for (const field of referenceFields(mapping)) {
    const place = parsePlace(field.to);
    const value = valueAt(record, place);
    if (value === undefined || value === null) continue;
    const after = Array.isArray(value)
      ? value.flatMap((one: JsonValue) => idOf(one, field) ?? [])
      : idOf(value, field);
    changed ??= structuredClone(record);
    if (after === undefined) removeWithEmptied(changed, place);
    else setAt(changed, place, after);
  }
  return changed ?? record;
}
