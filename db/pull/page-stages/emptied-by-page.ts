/** Which filled fields a page would empty (rules.md 53). */
import type { JsonValue } from '../../../domain/json';
import { ownValue } from '../../../domain/records/mapping';
import type { EmptiedRecord, PulledDraft } from '../page';

/** A record with a filled field that is empty after the merge. */
export function emptiedBy({ draft, remote }: PulledDraft): EmptiedRecord[] {
  const { before, after, recordId, changedFields } = draft;
  if (before === null || before.isDeleted) return [];
  const fields = [...changedFields].filter(
    (name) => !isEmpty(ownValue(before.fields, name)) && isEmpty(ownValue(after.fields, name)),
  );
  return fields.length === 0 ? [] : [{ recordId, fields, remote }];
}

const isEmpty = (value: JsonValue | undefined): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
