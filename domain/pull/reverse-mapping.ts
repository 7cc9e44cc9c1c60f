/**
 * Maps a remote record to local fields: the mapping read backwards (rules.md 13, 17, 28, 48). Compiled once
 * per dataset, because it runs for a million records.
 */
import type { JsonObject } from '../json';
import type { FieldMapping, RecordTypeMapping } from '../records/mapping';
import { type Place, parsePlace, valueAt } from '../records/place';
import { type ReadValue, readerOf } from './read-value';

export interface PulledPlace {
  /** Local name of the field. */
  name: string;
  /** Remote path as written in the mapping. */
  to: string;
  path: Place;
  field: FieldMapping;
  /** Converts a remote value to the local one. */
  read: ReadValue;
}

/** Every place of a local field that is read, in the order of the mapping. Constants are only pushed. */
export function pulledPlaces(mapping: RecordTypeMapping): PulledPlace[] {
  return mapping.fields.filter(isRead).flatMap((field) => {
    const { name, to } = field;
    return name === undefined ? [] : [{ name, to, path: parsePlace(to), field, read: readerOf(field) }];
  });
}

const isRead = ({ direction }: FieldMapping): boolean => direction !== 'push';

/** The fields that are only sent: they are not among the places that are read. */
export function sentOnly(mapping: RecordTypeMapping): FieldMapping[] {
  return mapping.fields.filter((field) => field.name === undefined || !isRead(field));
}

/** The mapped local fields, each by its first place. */
export function pulledFields(mapping: RecordTypeMapping): PulledPlace[] {
  const named = new Map<string, PulledPlace>();
  for (const place of pulledPlaces(mapping)) if (!named.has(place.name)) named.set(place.name, place);
  return [...named.values()];
}

/** The places of fields that have an earlier place: their values are compared, but not read. */
export function furtherPlaces(mapping: RecordTypeMapping): PulledPlace[] {
  const names = new Set<string>();
  return pulledPlaces(mapping).filter(({ name }) => names.size === names.add(name).size);
}

/** True if every top-level remote field is copied under its own name. */
export function copiesEveryField(mapping: RecordTypeMapping): boolean {
  return mapping.fields.length === 0;
}

/** A remote value that does not fit the type or the values of its field. */
export interface ReadProblem {
  field: string;
  to: string;
  message: string;
}

interface ReadFields {
  fields: JsonObject;
  problems: ReadProblem[];
}

export type ToLocalFields = (remote: JsonObject) => ReadFields;

/** A field that the remote record lacks, or whose value does not fit, is absent from the result too. */
export function fieldsFromRemote(mapping: RecordTypeMapping): ToLocalFields {
  if (copiesEveryField(mapping)) return (fields) => ({ fields, problems: NO_PROBLEMS });
  const places = pulledFields(mapping).map((place) => ({ ...place, key: onlyKey(place.path) }));
  return (remote) => {
    const fields: JsonObject = {};
    let problems = NO_PROBLEMS;
    for (const { name, to, path, key, read } of places) {
      const value =
        key === undefined ? valueAt(remote, path) : Object.hasOwn(remote, key) ? remote[key] : undefined;
      if (value === undefined) continue;
      const converted = read(value);
      if (converted.ok) fields[name] = converted.value;
      else problems = [...problems, { field: name, to, message: converted.message }];
    }
    return { fields, problems };
  };
}

/** The key, if the place is a member of the record itself. Most places are. */
function onlyKey([step, ...more]: Place): string | undefined {
  return typeof step === 'string' && more.length === 0 ? step : undefined;
}

const NO_PROBLEMS: ReadProblem[] = [];
