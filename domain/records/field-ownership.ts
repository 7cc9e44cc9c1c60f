/**
 * Fields that only come from a third party are read-only here (rules.md 17): a change that would alter one is
 * refused, one that replaces all fields and leaves it out leaves it as it is.
 */
import { type JsonObject, jsonEquals } from '../json';
import type { RecordTypeMapping } from './mapping';
import type { RecordChange } from './record-change';

export interface Owner {
  integrationId: string;
  /** null = every field. */
  fields: ReadonlySet<string> | null;
}

export function ownerOf(integrationId: string, mapping: RecordTypeMapping): Owner {
  const names = mapping.fields.flatMap(({ name }) => (name === undefined ? [] : [name]));
  return { integrationId, fields: mapping.fields.length === 0 ? null : new Set(names) };
}

export type OwnedChange =
  | { kind: 'allowed'; change: RecordChange }
  | { kind: 'refused'; owner: Owner; fields: string[] };

/** @param current the record's fields before the change. */
export function respectOwners(
  change: RecordChange,
  current: JsonObject,
  owners: readonly Owner[],
): OwnedChange {
  const isOwned = (field: string): Owner | undefined =>
    owners.find(({ fields }) => fields === null || fields.has(field));
  const [first] = owners;
  if (first === undefined) return { kind: 'allowed', change };
  if (change.kind === 'delete') return { kind: 'refused', owner: first, fields: [] };
  const altered = Object.keys(change.fields).filter(
    (field) => isOwned(field) !== undefined && !jsonEquals(change.fields[field], current[field]),
  );
  const owner = altered[0] === undefined ? undefined : isOwned(altered[0]);
  if (owner !== undefined) return { kind: 'refused', owner, fields: altered };
  if (change.kind === 'patch') return { kind: 'allowed', change };
  const kept = Object.fromEntries(Object.entries(current).filter(([field]) => isOwned(field) !== undefined));
  return { kind: 'allowed', change: { ...change, fields: { ...kept, ...change.fields } } };
}
