/** Mappings in the API and as they are stored: names of members, and what former releases read of them. */
import type { FieldMapping, RecordTypeMapping, RecordTypeMappings } from '../../../domain/records/mapping';
import type { WireMappings, WireMappingsView } from '../mapping-schema';
import { fromWireReference, toWireReference } from './reference-schema';

export function toMappings(
  wire: WireMappings,
  onDeleteDefault: RecordTypeMapping['onDelete'],
): RecordTypeMappings {
  return Object.fromEntries(
    Object.entries(wire).map(
      ([name, { on_delete, match_by, match_ignore_case, on_conflict, fields, ...mapping }]) => [
        name,
        withoutUndefined({
          ...mapping,
          fields: fields.map(toField),
          onDelete: on_delete ?? onDeleteDefault,
          matchBy: match_by,
          matchIgnoreCase: match_ignore_case,
          onConflict: on_conflict,
        }),
      ],
    ),
  );
}

export function toWireMappings(mappings: RecordTypeMappings): WireMappingsView {
  return Object.fromEntries(
    Object.entries(mappings).map(
      ([name, { onDelete, matchBy, matchIgnoreCase, onConflict, fields, ...mapping }]) => [
        name,
        withoutUndefined({
          ...mapping,
          fields: toWireFields(fields),
          on_delete: onDelete,
          match_by: matchBy,
          match_ignore_case: matchIgnoreCase,
          on_conflict: onConflict,
        }),
      ],
    ),
  );
}

/**
 * Workers up to 0.3.0 know `values` only: they refuse every value of a field with a transform or a reference,
 * in words, instead of sending it as it is.
 */
const UPDATE_NEEDED = 'none, because this field has a transform or a reference: update the worker';
const REFUSED_BY_FORMER_RELEASES = { [UPDATE_NEEDED]: UPDATE_NEEDED };

type WireField = WireMappings[string]['fields'][number];

function toField({ on_conflict, only_on_create, ref, ...field }: WireField): FieldMapping {
  const isKnown = field.transform === undefined && ref === undefined;
  return withoutUndefined({
    ...field,
    values: isKnown ? field.values : REFUSED_BY_FORMER_RELEASES,
    ref: fromWireReference(ref),
    onConflict: on_conflict,
    onlyOnCreate: only_on_create,
  });
}

export const toWireFields = (fields: readonly FieldMapping[]): WireField[] => fields.map(toWireField);

function toWireField({ onConflict, onlyOnCreate, ref, ...field }: FieldMapping): WireField {
  const isKnown = field.transform === undefined && ref === undefined;
  return withoutUndefined({
    ...field,
    values: isKnown ? field.values : undefined,
    ref: toWireReference(ref),
    on_conflict: onConflict,
    only_on_create: onlyOnCreate,
  });
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
