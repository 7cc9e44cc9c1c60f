/** What both sides of a record agree on: their values, and how the third party shows them (rules.md 46). */
import type { JsonObject, JsonValue } from '../json';
import { ownSource, ownValue, type RecordTypeMapping, toRemoteValue } from '../records/mapping';
import { isSameValue, type Notation, type PlaceNotation, placeNotation } from '../records/notation';
import { parsePlace, setAt, valueAt } from '../records/place';
import { type PulledPlace, pulledPlaces, sentOnly } from './reverse-mapping';

/** What both sides agreed on before. */
export interface Agreement {
  /** null = the sides never agreed on a payload: every value that is set here counts as changed here. */
  agreed: JsonObject | null;
  /** Places without a notation are compared with `agreed`. */
  notation?: Notation | null;
  /** Places that the remote record lacks are unchanged. */
  isSparse?: boolean;
  /** A push is in progress, so the third party may show its values already. */
  isPushOpen?: boolean;
  /** Its payload: the third party may have it although the answer was lost. */
  pushed?: JsonObject | null;
  /** True if the last change of the field was read from a third party. */
  isPulled?(field: string): boolean;
}

/** What both sides agree on about a record that is stored as it was read. */
export function agreementOnRead(
  mapping: RecordTypeMapping,
  ours: JsonObject,
  remote: JsonObject,
): { agreed: JsonObject; notation: Notation } {
  const agreed: JsonObject = {};
  const notation: Notation = {};
  for (const { name, to, path } of pulledPlaces(mapping)) {
    const there = valueAt(remote, path);
    if (there !== undefined) setAt(agreed, path, there);
    notation[to] = noted(ownValue(ours, name), there);
  }
  addConstants(mapping, agreed);
  return { agreed, notation };
}

/**
 * Constants, and fields that are only sent: what the third party shows of them is not compared. Completes
 * what is agreed on.
 * @param fields of ours after the merge. @returns false if one of them still has to be sent
 */
export function keepSentOnly(
  mapping: RecordTypeMapping,
  before: Agreement,
  { fields, agreed, notation }: { fields: JsonObject; agreed: JsonObject; notation: Notation },
): boolean {
  addConstants(mapping, agreed);
  return sentOnly(mapping)
    .map((field) => {
      const { to, constant, onlyOnCreate } = field;
      const place = parsePlace(to);
      const known = placeNotation(before.notation ?? null, to);
      if (known !== undefined) notation[to] = known;
      if (constant !== undefined) return true;
      const agreedThere = before.agreed === null ? undefined : valueAt(before.agreed, place);
      if (agreedThere !== undefined) setAt(agreed, place, agreedThere);
      if (onlyOnCreate === true && before.agreed !== null) return true;
      const sentBefore = known === undefined ? agreedThere : toRemoteOrRaw({ field }, known.ours);
      return isSameValue(toRemoteOrRaw({ field }, ownSource(field, fields)), sentBefore);
    })
    .every(Boolean);
}

function addConstants({ fields }: RecordTypeMapping, agreed: JsonObject): void {
  for (const { to, constant } of fields) if (constant !== undefined) setAt(agreed, parsePlace(to), constant);
}

export const noted = (ours: JsonValue = null, shown: JsonValue = null): PlaceNotation => ({ ours, shown });

export function toRemoteOrRaw(
  { field }: Pick<PulledPlace, 'field'>,
  value: JsonValue | undefined,
): JsonValue | undefined {
  if (value === undefined) return undefined;
  const converted = toRemoteValue(field, value);
  return converted.ok ? converted.value : value;
}
