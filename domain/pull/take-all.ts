/** How a record type that is only pulled takes what a third party shows. */
import type { JsonObject } from '../json';
import type { RecordTypeMapping } from '../records/mapping';
import { copiesEveryField, pulledPlaces } from './reverse-mapping';

/**
 * Merges a record type that is only pulled: mapped fields take the third party's values, the others stay.
 * @param isCreatedByPull if every field is copied, the third party has deleted the fields that it lacks.
 * @param unread fields whose remote value does not fit: they keep ours.
 * @param isSparse fields that the remote record leaves out keep ours, too.
 */
export function takeAll(
  mapping: RecordTypeMapping,
  ours: JsonObject,
  theirs: JsonObject,
  {
    isCreatedByPull,
    unread = [],
    isSparse = false,
  }: { isCreatedByPull: boolean; unread?: readonly string[]; isSparse?: boolean },
): JsonObject {
  if (isSparse) return { ...ours, ...theirs };
  if (isCreatedByPull && copiesEveryField(mapping)) return theirs;
  const fields: JsonObject = { ...ours };
  for (const { name } of pulledPlaces(mapping)) if (!unread.includes(name)) delete fields[name];
  return { ...fields, ...theirs };
}
