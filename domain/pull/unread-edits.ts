/**
 * Edits at the third party that no run has read, found when a record is read right before its push (rules.md
 * 17): the push must not overwrite them.
 */
import type { JsonObject, JsonValue } from '../json';
import { isSent, ownValue, type RecordTypeMapping, toRemoteValue } from '../records/mapping';
import { isNotationOf, type Notation, placeNotation } from '../records/notation';
import { type Place, removeAt, removeWithEmptied, setAt, valueAt } from '../records/place';
import { type Agreement, noted } from './agreement';
import type { FieldConflict } from './field-conflict';
import { pulledPlaces } from './reverse-mapping';
import { type ComparedPlace, comparePlace, winnerOf } from './three-way-merge';

export interface UnreadEdits {
  /** The payload without the places that were changed there: what both sides agree on after the push. */
  kept: JsonObject;
  /** Our agreed values of these places, by `to` of the mapping. */
  leftAsIs: JsonObject;
  /** The payload to send. */
  sent: JsonObject;
  conflicts: FieldConflict[];
  /** Values there that replace ours, because the third party wins conflicts. */
  taken: JsonObject;
  /** What both sides agree on once these are stored here. */
  takenAs: Notation;
}

/**
 * A place that changed there only is not sent; the next run reads it. A place that changed on both sides is a
 * conflict. A value that can be another notation of the agreed one is left as it is there: the record may
 * look different in a list.
 * @param isReplaced the push replaces the whole record, so that a place must be sent to stay as it is
 */
export function findUnreadEdits(
  mapping: RecordTypeMapping,
  { fields, payload }: { fields: JsonObject; payload: JsonObject },
  agreement: Agreement & { isJustPushed?: boolean },
  { remote, isReplaced }: { remote: JsonObject; isReplaced: boolean },
): UnreadEdits {
  const edits: UnreadEdits = {
    kept: structuredClone(payload),
    leftAsIs: {},
    sent: structuredClone(payload),
    conflicts: [],
    taken: {},
    takenAs: {},
  };
  for (const place of pulledPlaces(mapping)) {
    if (!isSent(place.field)) {
      keepUnsent(edits.sent, place.path, valueAt(remote, place.path), isReplaced);
      continue;
    }
    const compared = comparePlace(place, fields, { ...agreement, isPushOpen: true }, remote);
    const { changedBy, there, read, isReadable } = compared;
    const known = placeNotation(agreement.notation ?? null, place.to);
    if (!isComparable(known?.shown, there)) continue;
    // The values from before the last push may still be shown.
    if (agreement.isJustPushed && known?.shown === undefined && known?.isUnread !== true) continue;
    const isChanged = changedBy === 'both' && !isAgreedNotation(compared);
    const isTaken = isChanged && winnerOf(mapping, place) === 'theirs' && isReadable;
    if (isChanged)
      edits.conflicts.push({
        kind: 'field_changed_on_both_sides',
        field: place.name,
        ours: ownValue(fields, place.name),
        theirs: read ?? there,
        winner: isTaken ? 'theirs' : 'ours',
      });
    if (isTaken) {
      edits.taken[place.name] = read ?? null;
      edits.takenAs[place.to] = { ...noted(read, there), isUnread: true };
    }
    if (!isTaken && changedBy !== 'remote') continue;
    edits.leftAsIs[place.to] = compared.base ?? null;
    removeAt(edits.kept, place.path);
    leaveAsIs(edits.sent, place.path, there, isReplaced);
  }
  return edits;
}

/** A field that is never sent stays as it is there, also where the call replaces what is around it. */
function keepUnsent(sent: JsonObject, path: Place, there: JsonValue | undefined, isReplaced: boolean): void {
  const [member] = path;
  const isAroundSent = path.length > 1 && typeof member === 'string' && Object.hasOwn(sent, member);
  if (there !== undefined && (isReplaced || isAroundSent)) setAt(sent, path, there);
}

/** False if the record alone shows the value in another form than a list does, which is no edit. */
function isComparable(shown: JsonValue | undefined, there: JsonValue | undefined): boolean {
  if ([shown, there].some((value) => isNotationOf(null, value))) return true;
  return typeof shown === typeof there && Array.isArray(shown) === Array.isArray(there);
}

function isAgreedNotation({ place, base, there }: ComparedPlace): boolean {
  const agreed = base === undefined ? undefined : toRemoteValue(place.field, base);
  return agreed?.ok === true && isNotationOf(agreed.value, there);
}

/**
 * What is inside a list or an object is sent back as it was read: many APIs replace these as a whole. Where
 * it was removed there, nothing empty is sent in its place.
 */
function leaveAsIs(sent: JsonObject, path: Place, there: JsonValue | undefined, isReplaced: boolean): void {
  if (there !== undefined && (isReplaced || path.length > 1)) setAt(sent, path, there);
  else removeWithEmptied(sent, path);
}
