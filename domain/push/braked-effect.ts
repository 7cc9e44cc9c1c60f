/** What a push changes at the third party, as far as a brake counts it (rules.md 53). */
import type { JsonObject, JsonValue } from '../json';
import { isSameValue } from '../records/notation';
import {
  type PushTarget,
  type RecordState,
  type RecordTypeMapping,
  mappedFieldNames,
  ownValue,
} from '../records/mapping';
import { parsePlace, valueAt } from '../records/place';

export const BRAKED_EFFECTS = ['create', 'overwrite', 'deactivate', 'delete'] as const;
/** `overwrite`: a value there that is not empty is replaced or emptied. */
export type BrakedEffect = (typeof BRAKED_EFFECTS)[number];

/** What is known of the remote record. */
export interface RemoteState {
  isLinked: boolean;
  isDeactivated: boolean;
  /** A push has a result, or may have arrived. */
  hasBeenSent: boolean;
  /** The last payload that both sides had; null = unknown. */
  agreed: JsonObject | null;
}

export function effectOfPush(
  mapping: RecordTypeMapping,
  target: PushTarget,
  { isLinked, isDeactivated, hasBeenSent, agreed }: RemoteState,
): BrakedEffect | null {
  const mayExist = isLinked || hasBeenSent;
  switch (target.operation) {
    case 'deactivate':
      return mayExist && !isDeactivated ? 'deactivate' : null;
    case 'delete':
      return mayExist ? 'delete' : null;
    case 'upsert':
      if (!mayExist) return 'create';
      return overwrites(mapping, target.payload, agreed) ? 'overwrite' : null;
    default:
      return null;
  }
}

function overwrites(mapping: RecordTypeMapping, payload: JsonObject, agreed: JsonObject | null): boolean {
  if (agreed === null) return true;
  return mapping.fields.some(({ to, onlyOnCreate }) => {
    if (onlyOnCreate === true) return false;
    const place = parsePlace(to);
    const [before, after] = [valueAt(agreed, place), valueAt(payload, place)];
    return after !== undefined && !isEmpty(before) && !isSameValue(before, after);
  });
}

/** The same for a change of a record, as far as the change itself shows it. */
export function effectOfChange(
  mapping: RecordTypeMapping,
  {
    before,
    after,
    changedFields,
  }: { before: RecordState | null; after: RecordState; changedFields: readonly string[] },
  operation: PushTarget['operation'],
  hasBeenSent: boolean,
): BrakedEffect | null {
  if (operation === 'deactivate' || operation === 'delete') return operation;
  if (operation !== 'upsert') return null;
  if (!hasBeenSent) return 'create';
  const mapped = new Set(mappedFieldNames(mapping));
  const isOverwrite = changedFields.some(
    (name) =>
      mapped.has(name) &&
      ownValue(after.fields, name) !== undefined &&
      !isEmpty(before === null ? undefined : ownValue(before.fields, name)),
  );
  return isOverwrite ? 'overwrite' : null;
}

const isEmpty = (value: JsonValue | undefined): boolean =>
  value === undefined || value === null || value === '';

/** What some pushes of a new mapping would do. */
export interface MappingEffect {
  record_type: string;
  effect: BrakedEffect;
  records: number;
  waits_for_approval: boolean;
}
