/** What a person changes on one side. */
import type { FieldName } from './habits';

/** The number of a value; null = empty; `gone`: the record was deleted. */
export type EditedValue = number | null | 'gone';

/** A field of a record got the value with this number at one side. */
export interface Edit {
  key: string;
  field: FieldName;
  value: EditedValue;
  site: string;
  at: number;
  /** What the person saw there; undefined = a new record. */
  replaced: EditedValue | undefined;
  /** A push replaced it before a run had read it, so no conflict could be known. */
  isOverwrittenUnread?: true;
  /** It set back what was last read, so that a read shows no change. */
  isUndone?: true;
  /** There: what Syncline knew until it read the edit, and when that was. */
  known?: EditedValue | undefined;
  readAt?: number;
}
