/** Computes the changes of fields and picklists in a third party (rules.md 28: metadata). */
import { type JsonObject } from '../json';
import type { RecordType, RecordTypeField } from './record-type';

export type MetadataChangeKind =
  | 'record_type_added'
  | 'record_type_removed'
  | 'field_added'
  | 'field_removed'
  | 'field_changed'
  | 'value_added'
  | 'value_removed';

export interface MetadataChange {
  recordType: string;
  kind: MetadataChangeKind;
  /** null = the whole record type. */
  field: string | null;
  /**
   * `{value}` for picklists, `{from, to}` per property for a changed field, the field itself for a new one.
   */
  detail: JsonObject;
}

/** @param known the stored metadata; null = none was stored yet, so nothing counts as changed. */
export function findMetadataChanges(
  known: readonly RecordType[] | null,
  seen: readonly RecordType[],
): MetadataChange[] {
  if (known === null) return [];
  const before = new Map(known.map((type) => [type.name, type]));
  const after = new Map(seen.map((type) => [type.name, type]));
  return [
    ...known.flatMap(({ name }) =>
      after.has(name)
        ? []
        : [{ recordType: name, kind: 'record_type_removed' as const, field: null, detail: {} }],
    ),
    ...seen.flatMap((type) => {
      const old = before.get(type.name);
      return old === undefined
        ? [
            {
              recordType: type.name,
              kind: 'record_type_added' as const,
              field: null,
              detail: { fields: type.fields.map(({ name }) => name) },
            },
          ]
        : changesOfFields(type.name, old.fields, type.fields);
    }),
  ];
}

function changesOfFields(
  recordType: string,
  known: readonly RecordTypeField[],
  seen: readonly RecordTypeField[],
): MetadataChange[] {
  const before = new Map(known.map((field) => [field.name, field]));
  const after = new Set(seen.map((field) => field.name));
  return [
    ...known.flatMap((field) =>
      after.has(field.name)
        ? []
        : [{ recordType, kind: 'field_removed' as const, field: field.name, detail: described(field) }],
    ),
    ...seen.flatMap((field) => {
      const old = before.get(field.name);
      if (old === undefined)
        return [{ recordType, kind: 'field_added' as const, field: field.name, detail: described(field) }];
      return [...changesOfField(recordType, old, field), ...changesOfValues(recordType, old, field)];
    }),
  ];
}

function described({ label, type, isRequired, values }: RecordTypeField): JsonObject {
  return { label, type, is_required: isRequired, ...(values === undefined ? {} : { values }) };
}

function changesOfField(recordType: string, old: RecordTypeField, field: RecordTypeField): MetadataChange[] {
  const detail: JsonObject = {
    ...(old.label === field.label ? {} : { label: { from: old.label, to: field.label } }),
    ...(old.type === field.type ? {} : { type: { from: old.type, to: field.type } }),
    ...(old.isRequired === field.isRequired
      ? {}
      : { is_required: { from: old.isRequired, to: field.isRequired } }),
  };
  return Object.keys(detail).length === 0
    ? []
    : [{ recordType, kind: 'field_changed', field: field.name, detail }];
}

function changesOfValues(recordType: string, old: RecordTypeField, field: RecordTypeField): MetadataChange[] {
  const before = new Set(old.values ?? []);
  const after = new Set(field.values ?? []);
  return [
    ...[...before]
      .filter((value) => !after.has(value))
      .map((value) => ({ recordType, kind: 'value_removed' as const, field: field.name, detail: { value } })),
    ...[...after]
      .filter((value) => !before.has(value))
      .map((value) => ({ recordType, kind: 'value_added' as const, field: field.name, detail: { value } })),
  ];
}
