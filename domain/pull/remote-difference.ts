/**
 * Compares what a third party shows with what Syncline would send, for overviews (rules.md 22, 46): a value
 * in the third party's notation is no difference.
 */
import type { JsonObject, JsonValue } from '../json';
import { createOnlyPlaces, withoutCreateOnly, withWhatIsThere } from '../records/create-only';
import {
  type FieldMapping,
  isSent,
  ownSource,
  type RecordTypeMapping,
  toRemoteValue,
} from '../records/mapping';
import {
  isSameValue,
  isShownFor,
  type Notation,
  type PlaceNotation,
  placeNotation,
} from '../records/notation';
import { type PayloadDifference, payloadDifference } from '../records/payload-difference';
import { parsePlace, valueAt } from '../records/place';
import { readerOf } from './read-value';

interface RemoteDifference {
  /** null = the third party holds what would be sent. */
  difference: PayloadDifference | null;
  /** The notation with what the comparison shows; null = nothing new. */
  learned: Notation | null;
}

/** `payload`: `fields` as the mapping sends them. */
export function remoteDifference(
  mapping: RecordTypeMapping,
  { fields, payload }: { fields: JsonObject; payload: JsonObject },
  remote: JsonObject,
  notation: Notation | null,
): RemoteDifference {
  const createOnly = createOnlyPlaces(mapping.fields);
  const update = withWhatIsThere(withoutCreateOnly(payload, createOnly), createOnly, remote, mapping.fields);
  const learned: Notation = {};
  const different = new Set<string>();
  const compared = new Set<string>();
  for (const field of mapping.fields) {
    if (!isSent(field) || createOnly.includes(field.to)) continue;
    const place = parsePlace(field.to);
    const [member] = place;
    const own = ownSource(field, fields);
    // A field that the record no longer has is sent as null.
    const ours = own === undefined && valueAt(payload, place) === null ? null : own;
    if (ours === undefined || typeof member !== 'string') continue;
    const sent = toRemoteValue(field, ours);
    // It is left out of the payload.
    if (!sent.ok) continue;
    const there = valueAt(remote, place);
    const known = placeNotation(notation, field.to);
    const isSame = holdsValue(field, sent.value, { ours, there, known });
    compared.add(member);
    if (!isSame) different.add(member);
    const news = known && isSameValue(known.ours, ours) ? lessonOf(known, there, isSame) : undefined;
    if (news !== undefined) learned[field.to] = news;
  }
  const isHeld = (member: string): boolean => compared.has(member) && !different.has(member);
  return {
    difference: payloadDifference(update, remote, mapping.fields, isHeld),
    learned: Object.keys(learned).length > 0 ? { ...notation, ...learned } : null,
  };
}

function holdsValue(
  field: FieldMapping,
  sent: JsonValue,
  { ours, there, known }: { ours: JsonValue; there: JsonValue | undefined; known: PlaceNotation | undefined },
): boolean {
  if (isSameValue(sent, there)) return true;
  if (there !== undefined && field.constant === undefined) {
    const read = readerOf(field)(there);
    if (read.ok && isSameValue(read.value, ours)) return true;
  }
  return known !== undefined && isSameValue(known.ours, ours) && isShownFor(known, sent, there);
}

/** The notation of our value is learned once; a difference is remembered until our value is sent again. */
function lessonOf(
  known: PlaceNotation,
  there: JsonValue | undefined,
  isSame: boolean,
): PlaceNotation | undefined {
  const shown = there ?? null;
  if (isSame) return known.shown === undefined ? { ours: known.ours ?? null, shown } : undefined;
  return isSameValue(known.found, shown) ? undefined : { ...known, found: shown };
}
