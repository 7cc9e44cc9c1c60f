/**
 * A third party's record in our words: the mapping read backwards (rules.md 13, 17, 28). Compiled once per
 * dataset, because it runs for a million records. A value is taken as they have it; only lists of values are
 * turned round.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../json';
import { type FieldMapping, type RecordTypeMapping, toPath } from '../records/mapping';

export interface PulledField {
  /** Ours. */
  name: string;
  /** Theirs, as the mapping writes it. */
  to: string;
  path: readonly string[];
  /** Their value in our words. */
  read(value: JsonValue): JsonValue;
}

/** Fields that have a name of ours, the first mapping of each; constants go one way only. */
export function pulledFields(mapping: RecordTypeMapping): PulledField[] {
  const named = new Map<string, PulledField>();
  for (const field of mapping.fields) {
    const { name } = field;
    if (name !== undefined && !named.has(name))
      named.set(name, { name, to: field.to, path: toPath(field.to), read: readerOf(field) });
  }
  return [...named.values()];
}

/** True where every top-level field of theirs is copied under its own name. */
export function copiesEveryField(mapping: RecordTypeMapping): boolean {
  return mapping.fields.length === 0;
}

export type ToOurFields = (remote: JsonObject) => JsonObject;

/** Answers only fields that are there: one that is missing at the third party is missing here. */
export function fieldsFromRemote(mapping: RecordTypeMapping): ToOurFields {
  if (copiesEveryField(mapping)) return (remote) => remote;
  const fields = pulledFields(mapping);
  return (remote) => {
    const ours: JsonObject = {};
    for (const { name, path, read } of fields) {
      const value = valueAt(remote, path);
      if (value !== undefined) ours[name] = read(value);
    }
    return ours;
  };
}

export function valueAt(remote: JsonValue, path: readonly string[]): JsonValue | undefined {
  let node: JsonValue | undefined = remote;
  for (const key of path) {
    if (Array.isArray(node)) node = node[Number(key)];
    else if (isJsonObject(node) && Object.hasOwn(node, key)) node = node[key];
    else return undefined;
  }
  return node;
}

function readerOf({ values }: FieldMapping): (value: JsonValue) => JsonValue {
  if (values === undefined) return (value) => value;
  const ours = new Map<string, string>();
  // "*" stands for many of ours: read backwards it says nothing. Of two of ours with one of theirs the first
  // is meant.
  for (const [our, their] of Object.entries(values))
    if (our !== '*' && !ours.has(keyOf(their))) ours.set(keyOf(their), our);
  return (value) => ours.get(keyOf(value)) ?? value;
}

const keyOf = (value: JsonValue): string => (typeof value === 'string' ? `s${value}` : JSON.stringify(value));
