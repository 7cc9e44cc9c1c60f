/**
 * Merges a pulled record into the local one, place by place (rules.md 17, 46): a field with an unsent local
 * change keeps its value, other fields take the remote value, and a field that changed on both sides is a
 * conflict.
 *
 * A remote change is a difference from how the third party showed the value that both sides agreed on; a
 * local change is a difference from that agreed value. What the third party made of a push is therefore no
 * change.
 */
import type { JsonObject, JsonValue } from '../json';
import { isSent, ownValue, type RecordTypeMapping, toRemoteValue } from '../records/mapping';
import {
  isNotationOf,
  isSameValue,
  isShownFor,
  type Notation,
  type PlaceNotation,
  placeNotation,
} from '../records/notation';
import { setAt, valueAt } from '../records/place';
import { type Agreement, keepSentOnly, noted, toRemoteOrRaw } from './agreement';
import type { FieldConflict } from './field-conflict';
import { type PulledPlace, pulledPlaces } from './reverse-mapping';

export interface Merged {
  /** Our fields after the merge. */
  fields: JsonObject;
  /** The payload that both sides agree on from now on, in the third party's format. */
  agreed: JsonObject;
  notation: Notation;
  changedFields: string[];
  conflicts: FieldConflict[];
  /** False if a field here still has to be sent. */
  isAgreed: boolean;
}

/** How often the first read after a push may show another value of a field that only third parties change. */
const ROUNDS_MAX = 3;

export function mergePulled(
  mapping: RecordTypeMapping,
  ours: JsonObject,
  agreement: Agreement,
  remote: JsonObject,
): Merged {
  const result: Merged = {
    fields: { ...ours },
    agreed: {},
    notation: {},
    changedFields: [],
    conflicts: [],
    isAgreed: true,
  };
  const compared = pulledPlaces(mapping).map((place) => comparePlace(place, ours, agreement, remote));
  for (const name of new Set(compared.map(({ place }) => place.name)))
    mergeField(
      result,
      mapping,
      compared.filter(({ place }) => place.name === name),
    );
  for (const { place, rounds } of compared)
    if (rounds > 0) result.notation[place.to] = { ...result.notation[place.to], rounds };
  for (const { place, keptNotation } of compared)
    if (keptNotation !== undefined) result.notation[place.to] = keptNotation;
  for (const one of compared) {
    if (one.there === undefined) continue;
    const value = agreedValue(result, one);
    setAt(result.agreed, one.place.path, value === undefined ? one.there : value);
  }
  const isSentOnlyAgreed = keepSentOnly(mapping, agreement, result);
  result.isAgreed =
    isSentOnlyAgreed && compared.every(({ isPending, place }) => !isPending || !isSent(place.field));
  return result;
}

/** Our value as it would be sent; undefined if the third party holds another value. */
function agreedValue({ fields }: Merged, { place, here, changedBy, isPending, base }: ComparedPlace) {
  if (isPending && (changedBy !== 'local' || isSameValue(here, base))) return undefined;
  const value = isPending ? base : ownValue(fields, place.name);
  const converted = value === undefined ? undefined : toRemoteValue(place.field, value);
  return converted?.ok === true ? converted.value : undefined;
}

type ChangedBy = 'neither' | 'local' | 'remote' | 'both';

export interface ComparedPlace {
  place: PulledPlace;
  here: JsonValue | undefined;
  there: JsonValue | undefined;
  /** The remote value as ours; undefined if it is absent, or does not fit. */
  read: JsonValue | undefined;
  isReadable: boolean;
  changedBy: ChangedBy;
  /** Our value of the last agreement; undefined = there is none at this place. */
  base: JsonValue | undefined;
  hasBase: boolean;
  rounds: number;
  /** It was changed there in too many rounds, so ours is kept. */
  isStopped: boolean;
  /** The notation to keep, because the remote record leaves out the place. */
  keptNotation: PlaceNotation | undefined;
  /** The field's value has to be sent to this place. Set by the merge. */
  isPending: boolean;
}

export function comparePlace(
  place: PulledPlace,
  ours: JsonObject,
  agreement: Agreement,
  remote: JsonObject,
): ComparedPlace {
  const here = ownValue(ours, place.name);
  const known = placeNotation(agreement.notation ?? null, place.to);
  const agreedThere = agreement.agreed === null ? undefined : valueAt(agreement.agreed, place.path);
  const shown = valueAt(remote, place.path);
  const isLeftOut = shown === undefined && agreement.isSparse === true;
  const there = isLeftOut ? (known?.shown === undefined ? agreedThere : known.shown) : shown;
  const converted = there === undefined ? undefined : place.read(there);
  const changedBy = whoChanged({ place, here, there, known, agreedThere }, agreement);
  const isOurs = isSent(place.field);
  const rounds = isOurs && agreement.isPulled?.(place.name) === true ? roundsAfter(known, changedBy) : 0;
  const isStopped = changedBy === 'remote' && rounds >= ROUNDS_MAX && known?.shown === undefined;
  return {
    place,
    here,
    there,
    read: converted?.ok === true ? converted.value : undefined,
    isReadable: converted?.ok !== false,
    changedBy: isStopped ? 'neither' : changedBy,
    base: known === undefined ? readOrRaw(place, agreedThere) : known.ours,
    hasBase: known !== undefined || agreement.agreed !== null,
    rounds,
    isStopped,
    keptNotation: isLeftOut ? known : undefined,
    isPending: false,
  };
}

function roundsAfter(known: PlaceNotation | undefined, changedBy: ChangedBy): number {
  const before = known?.rounds ?? 0;
  if (known === undefined || known.shown !== undefined) return before;
  if (changedBy === 'remote') return before + 1;
  return changedBy === 'neither' ? 0 : before;
}

interface Sides {
  place: PulledPlace;
  here: JsonValue | undefined;
  there: JsonValue | undefined;
  known: PlaceNotation | undefined;
  /** At this place of the last agreed payload. */
  agreedThere: JsonValue | undefined;
}

/** Which side changed a place since both agreed on it. Equal values on both sides are no change. */
function whoChanged(
  { place, here, there, known, agreedThere }: Sides,
  { agreed, isPushOpen = false, pushed = null }: Agreement,
): ChangedBy {
  const sent = toRemoteOrRaw(place, here);
  if (isSameValue(here, there) && isStoredRaw(place, here)) return 'remote';
  const equalsOurs = (value: JsonValue | undefined): boolean =>
    isSameValue(sent, value) || isSameValue(here, readOrRaw(place, value));
  if (equalsOurs(there) || (isPushOpen && isNotationOf(sent, there))) return 'neither';
  if (!isSent(place.field)) return 'remote';
  if (known === undefined) {
    if (agreed === null) return here === undefined || here === null ? 'remote' : 'both';
    if (equalsOurs(agreedThere)) return 'remote';
    return isSameValue(there, agreedThere) ? 'local' : 'both';
  }
  const sentBefore = toRemoteOrRaw(place, known.ours);
  const weChanged = !isSameValue(here, known.ours) && !isSameValue(sent, sentBefore);
  const theyChanged = !isShownFor(known, sentBefore, there);
  const isOwnPush = pushed !== null && isNotationOf(valueAt(pushed, place.path), there);
  if (weChanged || (theyChanged && isOwnPush)) return theyChanged && !isOwnPush ? 'both' : 'local';
  if (theyChanged) return 'remote';
  return isSentOtherwise(place, here, agreedThere) ? 'local' : 'neither';
}

/** A new mapping sends the value in another form than the one that both sides agreed on (rules.md 15). */
function isSentOtherwise(
  { field }: PulledPlace,
  here: JsonValue | undefined,
  agreedThere: JsonValue | undefined,
): boolean {
  if (here === undefined || here === null || agreedThere === undefined || field.ref !== undefined)
    return false;
  const sent = toRemoteValue(field, here);
  return sent.ok && !isSameValue(sent.value, agreedThere);
}

/** A raw remote value that an earlier version stored although the mapping cannot send it back. */
function isStoredRaw(place: PulledPlace, here: JsonValue | undefined): boolean {
  if (here === undefined || toRemoteValue(place.field, here).ok) return false;
  return place.read(here).ok;
}

function readOrRaw({ read }: PulledPlace, value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined) return undefined;
  const converted = read(value);
  return converted.ok ? converted.value : value;
}

export const winnerOf = (mapping: RecordTypeMapping, { field }: PulledPlace): 'ours' | 'theirs' =>
  field.onConflict ?? mapping.onConflict ?? 'ours';

/** Decides one field by all its places: the first one that was changed there provides the value. */
function mergeField(result: Merged, mapping: RecordTypeMapping, places: readonly ComparedPlace[]): void {
  for (const { changedBy, isStopped, place, here, there, read } of places) {
    const winner = winnerOf(mapping, place);
    const conflict = { field: place.name, ours: here, theirs: read ?? there };
    if (changedBy === 'both')
      result.conflicts.push({ ...conflict, kind: 'field_changed_on_both_sides', winner });
    if (isStopped) result.conflicts.push({ ...conflict, kind: 'field_keeps_changing', winner: 'ours' });
  }
  const used = places.find(
    ({ changedBy, isReadable, place }) =>
      isReadable &&
      (changedBy === 'remote' || (changedBy === 'both' && winnerOf(mapping, place) === 'theirs')),
  );
  if (used === undefined) {
    for (const compared of places) keepOurs(result, compared);
    return;
  }
  const { name } = used.place;
  if (used.read === undefined) delete result.fields[name];
  else result.fields[name] = used.read;
  result.changedFields.push(name);
  for (const compared of places) takeTheirs(result, compared, used);
}

function keepOurs(result: Merged, compared: ComparedPlace): void {
  const { place, here, there, changedBy, isReadable, base } = compared;
  // A value that does not fit replaces nothing, and nothing is sent over it until the field is edited here.
  const isKept = changedBy === 'neither' || (changedBy === 'remote' && !isReadable);
  result.notation[place.to] = noted(isKept ? here : base, there);
  compared.isPending = !isKept;
}

/** `used`: the place whose value the field takes. */
function takeTheirs(result: Merged, compared: ComparedPlace, used: ComparedPlace): void {
  const { place, there, changedBy, isReadable, base, hasBase } = compared;
  const value = ownValue(result.fields, place.name);
  const holdsValue =
    isSameValue(value, readOrRaw(place, there)) || isSameValue(toRemoteOrRaw(place, value), there);
  if (compared === used || holdsValue || !hasBase) {
    result.notation[place.to] = noted(value, there);
    return;
  }
  result.notation[place.to] = noted(base, there);
  compared.isPending = true;
  if (changedBy === 'remote' && isReadable)
    result.conflicts.push({
      kind: 'field_changed_on_both_sides',
      field: place.name,
      ours: value,
      theirs: there,
      winner: 'ours',
      usedPlace: used.place.to,
    });
}
