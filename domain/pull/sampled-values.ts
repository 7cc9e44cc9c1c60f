/** What a mapping makes of single records, field by field: tried before the mapping is stored. */
import type { JsonObject, JsonValue } from '../json';
import { shortened } from '../records/converted';
import { isSent, namesOf, ownSource, type RecordTypeMapping, toRemoteValue } from '../records/mapping';
import type { Picklists } from '../records/picklists';
import { valueAt } from '../records/place';
import { copiesEveryField, pulledPlaces } from './reverse-mapping';

export interface SampledValue {
  /** The local fields. Empty for a constant. */
  names: readonly string[];
  to: string;
  /** On the side where it comes from. null = none. Long values are texts that end with `…`. */
  before: JsonValue;
  after: JsonValue;
  /** Why the value does not fit, in words; null = it does. */
  problem: string | null;
}

/** The values that are sent for a record. Fields that it does not have are left out. */
export function sampleSent(
  mapping: RecordTypeMapping,
  fields: JsonObject,
  picklists?: Picklists,
): SampledValue[] {
  return mapping.fields.filter(isSent).flatMap((field) => {
    const { to } = field;
    const before = ownSource(field, fields);
    if (before === undefined) return [];
    const converted = toRemoteValue(field, before);
    const after = converted.ok ? converted.value : null;
    const listed = field.ref === undefined ? picklists : undefined;
    const problem = converted.ok ? (listed?.problemOf(to, after) ?? null) : converted.message;
    return [{ names: namesOf(field), to, before: bounded(before), after: bounded(after), problem }];
  });
}

/** The values that are read from a remote record. Places that it lacks are left out. */
export function sampleRead(mapping: RecordTypeMapping, remote: JsonObject): SampledValue[] {
  if (copiesEveryField(mapping))
    return Object.entries(remote).map(([name, value]) => {
      const same = bounded(value);
      return { names: [name], to: name, before: same, after: same, problem: null };
    });
  return pulledPlaces(mapping).flatMap(({ name, to, path, field, read }) => {
    const before = valueAt(remote, path);
    if (before === undefined) return [];
    // Ids are not exchanged here.
    const converted = field.ref === undefined ? read(before) : { ok: true as const, value: before };
    const after = converted.ok ? bounded(converted.value) : null;
    const problem = converted.ok ? null : converted.message;
    return [{ names: [name], to, before: bounded(before), after, problem }];
  });
}

const bounded = (value: JsonValue): JsonValue => {
  const text = shortened(value);
  return text.endsWith('…') ? text : value;
};
