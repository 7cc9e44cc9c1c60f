/** Conflicts about the value of a field, found when a record is read (rules.md 17, 46). */
import type { JsonValue } from '../json';

export interface FieldConflict {
  kind: 'field_changed_on_both_sides' | 'field_keeps_changing';
  field: string;
  ours: JsonValue | undefined;
  theirs: JsonValue | undefined;
  winner: 'ours' | 'theirs';
  /** Set if two places of one field changed to different values: the place whose value is used. */
  usedPlace?: string | undefined;
  /** The record was deleted here, and the deletion has not been sent. */
  isDeletedHere?: boolean | undefined;
}

/** For people. */
export function detailOf({ kind, field, winner, usedPlace, isDeletedHere }: FieldConflict): string {
  if (isDeletedHere === true)
    return `${field} was changed by the third party, and the record was deleted in Syncline. The deletion will be sent.`;
  if (kind === 'field_keeps_changing')
    return (
      `${field} was changed by the third party after each push of a value that comes from another one. ` +
      "Syncline's value is kept, and is not pushed again until the field is changed."
    );
  if (usedPlace !== undefined)
    return (
      `${field} was changed to different values in several places of the third party's record; ` +
      `the value in ${usedPlace} is used and will be pushed to the others.`
    );
  return (
    `${field} was changed on both sides; ` +
    (winner === 'ours' ? "Syncline's value is kept and will be pushed." : "the third party's value is used.")
  );
}
