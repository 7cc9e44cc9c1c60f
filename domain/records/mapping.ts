/**
 * Maps the fields of a record to a third party. Pure functions, so that acceptance, the claim and previews
 * decide relevance, the payload and its hash in the same way (rules.md 3, 5, 14, 15).
 */
import { canonicalJson, type JsonObject, type JsonValue, jsonEquals } from '../json';
import { type Converted, refuse } from './converted';
import { createOnlyPlaces, withoutCreateOnly } from './create-only';
import { convertInstant } from './instant-text';
import type { Picklists } from './picklists';
import { isReachable, parsePlace, type Place, setAt } from './place';
import { type Chain, compileChain } from './transforms/chain';
import type { TransformStep } from './transforms/step';

export type FieldType = 'string' | 'number' | 'boolean' | 'date' | 'datetime';

export interface FieldMapping {
  /** The local field (a top-level key of the record). Absent for a constant, and with `names`. */
  name?: string | undefined;
  /** Local fields whose values make one list, for a transform that joins them. They are only sent. */
  names?: string[] | undefined;
  /**
   * The remote path (place.ts): a JSON Pointer into the third party's record (`/name/givenName`), a plain key
   * (`email`), or a selected member of a list (`emails[type eq "work"].value`).
   */
  to: string;
  /** Target type; a value that cannot be converted is an error of the field. Absent: sent unchanged. */
  type?: FieldType | undefined;
  /**
   * Local value to remote value. An unlisted value is an error, unless `type` is absent and the list has the
   * fallback `"*"`.
   */
  values?: Record<string, JsonValue> | undefined;
  /**
   * The field refers to a record of this type: our value is its external id, theirs the id that it has there
   * (references.ts). `type` is then that of the third party's id.
   */
  ref?: { recordType: string } | undefined;
  /** Always sent, independent of the record. */
  constant?: JsonValue | undefined;
  /** Steps from our value to theirs, instead of `type` and `values`. */
  transform?: TransformStep[] | undefined;
  /**
   * For record types of both directions: `push`, Syncline owns the field, and it is never read; `pull`, the
   * third party owns it, and it is never sent.
   */
  direction?: 'push' | 'pull' | undefined;
  /** Instead of that of the record type. */
  onConflict?: 'ours' | 'theirs' | undefined;
  /** Sent when the record is created there, and not compared afterwards. */
  onlyOnCreate?: true | undefined;
}

export interface RecordTypeMapping {
  direction: 'push' | 'pull' | 'both';
  fields: FieldMapping[];
  /** Only records whose fields have one of these values are eligible. */
  filter?: Record<string, JsonValue[]> | undefined;
  onDelete: 'deactivate' | 'delete' | 'leave';
  /** A mapped field that identifies an existing remote record, in addition to the record's id. */
  matchBy?: string | undefined;
  /** Upper and lower case are the same in values of `matchBy`; in e-mail addresses they always are. */
  matchIgnoreCase?: boolean | undefined;
  /** Which value is kept when a field changed on both sides; `ours` (Syncline's) by default (rules.md 17). */
  onConflict?: 'ours' | 'theirs' | undefined;
}

export type RecordTypeMappings = Record<string, RecordTypeMapping>;

export interface MappingError {
  field: string;
  to: string;
  message: string;
  /** A record that the field refers to cannot be named there. */
  isReference?: boolean;
}

export type MappedRecord = { ok: true; payload: JsonObject } | { ok: false; errors: MappingError[] };

/** The wanted state of a record at a third party, and its payload (rules.md 4, 5, 14). */
export type PushTarget =
  /** `createOnly`: places of the payload that are only sent if the record is created. */
  | { operation: 'upsert'; payload: JsonObject; createOnly?: readonly string[] }
  | { operation: 'deactivate' | 'delete' | 'leave' }
  /** The mapping cannot express this record: an error for users, found without a call. */
  | { operation: 'invalid'; errors: MappingError[] };

export interface RecordState {
  fields: JsonObject;
  isDeleted: boolean;
}

/** The local fields that are sent. A change of any other field is irrelevant (rules.md 3). */
export function mappedFieldNames(mapping: RecordTypeMapping): readonly string[] {
  const known = knownNames.get(mapping.fields);
  if (known !== undefined) return known;
  const names = [...new Set(mapping.fields.filter(isSent).flatMap(namesOf))];
  knownNames.set(mapping.fields, names);
  return names;
}

/** The local fields of a mapped field. */
export function namesOf({ name, names }: FieldMapping): readonly string[] {
  return names ?? (name === undefined ? [] : [name]);
}

/** False for a field that the third party owns in a record type of both directions. */
export const isSent = ({ direction }: FieldMapping): boolean => direction !== 'pull';

/** Our value of a mapped field; undefined: the record has none, and none is sent. */
export function ownSource(field: FieldMapping, fields: JsonObject): JsonValue | undefined {
  const { name, names, constant, transform } = field;
  if (constant !== undefined) return constant;
  const values = names?.map((one) => ownValue(fields, one));
  const value = values?.every((one) => one === undefined)
    ? undefined
    : (values?.map((one) => one ?? null) ?? ownValue(fields, name ?? ''));
  const hasDefault = transform?.some(({ type }) => type === 'default') === true;
  return value === undefined && hasDefault ? null : value;
}

function placeOf(field: FieldMapping): Place {
  const place = knownPlaces.get(field) ?? parsePlace(field.to);
  knownPlaces.set(field, place);
  return place;
}

// A mapping is used for thousands of records. It is never changed.
const knownNames = new WeakMap<FieldMapping[], readonly string[]>();
const knownPlaces = new WeakMap<FieldMapping, Place>();
const knownChains = new WeakMap<FieldMapping, Chain>();

/** The steps of a field; undefined: it has none. */
export function chainOf(field: FieldMapping): Chain | undefined {
  if (field.transform === undefined) return undefined;
  const isOnlySent = field.names !== undefined || field.direction === 'push';
  const chain = knownChains.get(field) ?? compileChain(field.transform, isOnlySent ? false : undefined);
  knownChains.set(field, chain);
  return chain;
}

/** The changed fields that matter to this mapping: mapped ones, and those that decide eligibility. */
export function relevantFields(mapping: RecordTypeMapping, changedFields: readonly string[]): string[] {
  const mapped = new Set(mappedFieldNames(mapping));
  return changedFields.filter((field) => mapped.has(field));
}

/** Eligible = pushed at all, not deleted, and the optional filter matches (rules.md 14). */
export function isEligible(mapping: RecordTypeMapping | undefined, record: RecordState): boolean {
  if (mapping === undefined || mapping.direction === 'pull' || record.isDeleted) return false;
  return Object.entries(mapping.filter ?? {}).every(([field, allowed]) => {
    const actual = ownValue(record.fields, field) ?? null;
    return allowed.some((value) => jsonEquals(value, actual));
  });
}

/** What is known of the third party's record. */
export interface KnownThere {
  /** True for a value of ours that it shows at this place. */
  isShown(to: string, value: JsonValue): boolean;
  picklists?: Picklists | undefined;
}

/**
 * The record in the third party's shape. Absent fields are omitted; null is sent as null. A value that cannot
 * be converted, or that the third party does not list, is left out if it is shown there already
 * (rules.md 47).
 */
export function mapRecord(mapping: RecordTypeMapping, fields: JsonObject, known?: KnownThere): MappedRecord {
  const payload: JsonObject = {};
  const errors: MappingError[] = [];
  for (const field of mapping.fields) {
    const value = isSent(field) ? ownSource(field, fields) : undefined;
    if (value === undefined) continue;
    const converted = toRemoteValue(field, value);
    const isFit = converted.ok && known?.picklists?.problemOf(field.to, converted.value) === undefined;
    if (!isFit && known?.isShown(field.to, value) === true) continue;
    if (converted.ok) setAt(payload, placeOf(field), converted.value);
    else
      errors.push({ field: namesOf(field).join(', ') || field.to, to: field.to, message: converted.message });
  }
  return errors.length === 0 ? { ok: true, payload } : { ok: false, errors };
}

export function upsertOf(
  mapping: RecordTypeMapping,
  payload: JsonObject,
): PushTarget & { operation: 'upsert' } {
  const createOnly = createOnlyPlaces(mapping.fields);
  return { operation: 'upsert', payload, ...(createOnly.length > 0 && { createOnly }) };
}

export function pushTarget(
  mapping: RecordTypeMapping | undefined,
  record: RecordState,
  known?: KnownThere,
): PushTarget {
  if (mapping === undefined) return { operation: 'leave' };
  if (!isEligible(mapping, record)) return { operation: mapping.onDelete };
  const mapped = mapRecord(mapping, record.fields, known);
  return mapped.ok ? upsertOf(mapping, mapped.payload) : { operation: 'invalid', errors: mapped.errors };
}

/**
 * Equal texts mean equal payloads, so nothing is pushed. Hash the text before storing it. null for a record
 * that cannot be mapped: it was never sent, so it equals no result.
 */
export function targetText(target: PushTarget): string | null {
  switch (target.operation) {
    case 'upsert':
      return `upsert ${canonicalJson(withoutCreateOnly(target.payload, target.createOnly))}`;
    case 'invalid':
      return null;
    default:
      return target.operation;
  }
}

/** A local value as it is sent to the place that the mapping names. */
export function toRemoteValue(field: FieldMapping, value: JsonValue): Converted {
  return isReachable(placeOf(field))
    ? convert(field, value)
    : { ok: false as const, message: `Nothing can be put at ${JSON.stringify(field.to)}.` };
}

/** Own properties only: a field may have the name of a built-in property (`constructor`, `toString`). */
export function ownValue(fields: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function convert(field: FieldMapping, value: JsonValue): Converted {
  const chain = chainOf(field);
  if (chain !== undefined) return chain.toRemote(value);
  if (value === null || field.constant !== undefined) return { ok: true, value };
  if (field.ref !== undefined) return convertReference(value);
  if (field.values !== undefined) return convertByList(field.values, value);
  if (field.type === undefined) return { ok: true, value };
  return convertTo(field.type, value);
}

/** No record has a longer id, and an index holds no entry of any length. */
const ID_LENGTH_MAX = 600;

/** The third party's id takes its place when the payload is sent. */
function convertReference(value: JsonValue): Converted {
  if (Array.isArray(value)) {
    const ids = value.map(convertReference);
    const refused = ids.find((id) => !id.ok);
    return (
      refused ?? { ok: true, value: ids.flatMap((id) => (id.ok && id.value !== null ? [id.value] : [])) }
    );
  }
  const id = typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  if (value === null || id?.trim() === '') return { ok: true, value: null };
  return id === undefined || id.length > ID_LENGTH_MAX
    ? refuse(value, 'is not the id of a record')
    : { ok: true, value: id };
}

function convertByList(values: Record<string, JsonValue>, value: JsonValue): Converted {
  const key = typeof value === 'string' ? value : JSON.stringify(value);
  const mapped = Object.hasOwn(values, key) ? values[key] : values['*'];
  if (mapped !== undefined) return { ok: true, value: mapped };
  const known = Object.keys(values).join(', ');
  return {
    ok: false,
    message: `The value ${JSON.stringify(value)} has no counterpart in the mapping. Known values: ${known}.`,
  };
}

function convertTo(type: FieldType, value: JsonValue): Converted {
  const refusal = { ok: false as const, message: `The value ${JSON.stringify(value)} is not a ${type}.` };
  if (typeof value === 'object') return refusal;
  switch (type) {
    case 'string':
      return { ok: true, value: String(value) };
    case 'number': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      return typeof number === 'number' && Number.isFinite(number) ? { ok: true, value: number } : refusal;
    }
    case 'boolean':
      if (typeof value === 'boolean') return { ok: true, value };
      return value === 'true' || value === 'false' ? { ok: true, value: value === 'true' } : refusal;
    case 'date':
    case 'datetime':
      return convertInstant(type, value) ?? refusal;
  }
}
