/** `{fields}`: the fields that a call asks for, where the third party shows only those that are named. */
import type { JsonValue } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { parsePlace } from '../../../domain/records/place';
import type { RecordTypeConfig } from '../config/config';
import { pathOf } from '../json-pointer';
import { isFieldName } from './field-name';

/**
 * The names that a call needs always, that by which the list selects, and those of the mapping; undefined:
 * the type names no fields.
 */
export function selectedFields(
  { fields, list }: RecordTypeConfig,
  mapping: RecordTypeMapping | undefined,
): string[] | undefined {
  if (fields === undefined) return undefined;
  const places = [...(list?.selects === undefined ? [] : [list.selects.at]), ...mappedPlaces(mapping)];
  const named = places.flatMap((place) => fieldNameOf(place, fields.below) ?? []);
  return [...new Set([...fields.always, ...named])].filter(isFieldName);
}

const mappedPlaces = (mapping: RecordTypeMapping | undefined): string[] =>
  (mapping?.fields ?? []).map(({ to }) => to);

/** The name of the field that a mapping leads to; undefined for one outside of the fields. */
export function fieldNameOf(to: string, below: string): string | undefined {
  const around = pathOf(below);
  const place = parsePlace(to);
  const name = place[around.length];
  const isBelow = around.every((key, depth) => key === place[depth]);
  return isBelow && typeof name === 'string' ? name : undefined;
}

/** The list of names in an address or a query; in JSON it stays a list. */
export const namesAsText = (names: JsonValue | undefined): string | undefined =>
  Array.isArray(names) ? names.filter((name) => typeof name === 'string').join(',') : undefined;
