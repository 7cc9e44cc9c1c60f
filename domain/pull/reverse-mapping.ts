/**
 * Maps a remote record to local fields: the mapping read backwards (rules.md 13, 17, 28). Compiled once per
 * dataset, because it runs for a million records. Values are taken unchanged, except for value lists, which
 * are inverted.
 */
import type { JsonObject, JsonValue } from '../json';
import type { FieldMapping, RecordTypeMapping } from '../records/mapping';
import { type Place, parsePlace, valueAt } from '../records/place';

export interface PulledField {
  /** Local name of the field. */
  name: string;
  /** Remote path as written in the mapping. */
  to: string;
  path: Place;
  /** Converts a remote value to the local one. */
  read(value: JsonValue): JsonValue;
}

/** The mapped local fields, each by its first mapping. Constants are only pushed. */
export function pulledFields(mapping: RecordTypeMapping): PulledField[] {
  const named = new Map<string, PulledField>();
  for (const field of mapping.fields) {
    const { name } = field;
    if (name !== undefined && !named.has(name))
      named.set(name, { name, to: field.to, path: parsePlace(field.to), read: readerOf(field) });
  }
  return [...named.values()];
}

/** True if every top-level remote field is copied under its own name. */
export function copiesEveryField(mapping: RecordTypeMapping): boolean {
  return mapping.fields.length === 0;
}

export type ToLocalFields = (remote: JsonObject) => JsonObject;

/** A field that the remote record lacks is absent from the result too. */
export function fieldsFromRemote(mapping: RecordTypeMapping): ToLocalFields {
  if (copiesEveryField(mapping)) return (remote) => remote;
  const fields = pulledFields(mapping);
  return (remote) => {
    const local: JsonObject = {};
    for (const { name, path, read } of fields) {
      const value = valueAt(remote, path);
      if (value !== undefined) local[name] = read(value);
    }
    return local;
  };
}

function readerOf({ values }: FieldMapping): (value: JsonValue) => JsonValue {
  if (values === undefined) return (value) => value;
  const localOf = new Map<string, string>();
  // "*" is a fallback for many local values, so it cannot be inverted. If two local values map to one remote
  // value, the first one is used.
  for (const [local, remote] of Object.entries(values))
    if (local !== '*' && !localOf.has(keyOf(remote))) localOf.set(keyOf(remote), local);
  return (value) => localOf.get(keyOf(value)) ?? value;
}

const keyOf = (value: JsonValue): string => (typeof value === 'string' ? `s${value}` : JSON.stringify(value));
