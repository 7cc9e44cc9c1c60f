/** Changes made there to a record whose deletion here has not been sent: the deletion removes them. */
import type { JsonObject } from '../json';
import { ownValue, type RecordTypeMapping } from '../records/mapping';
import type { Agreement } from './agreement';
import type { FieldConflict } from './field-conflict';
import { mergePulled } from './three-way-merge';

/** A conflict per field (rules.md 17). None if the deletion leaves the record there as it is. */
export function editsOfDeleted(
  mapping: RecordTypeMapping,
  ours: JsonObject,
  agreement: Agreement,
  remote: JsonObject,
): FieldConflict[] {
  if (mapping.direction !== 'both' || mapping.onDelete === 'leave') return [];
  const { fields, changedFields } = mergePulled(
    { ...mapping, fields: mapping.fields.map((field) => ({ ...field, onConflict: 'theirs' })) },
    ours,
    agreement,
    remote,
  );
  return [...new Set(changedFields)].map((field) => ({
    kind: 'field_changed_on_both_sides',
    field,
    ours: ownValue(ours, field),
    theirs: ownValue(fields, field),
    winner: 'ours',
    isDeletedHere: true,
  }));
}
