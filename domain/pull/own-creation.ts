/** Whether a remote record may be one that an unanswered push has created (rules.md 13, 51). */
import type { JsonObject, JsonValue } from '../json';
import type { RecordTypeMapping } from '../records/mapping';
import { isNotationOf } from '../records/notation';
import { type Place, valueAt } from '../records/place';
import { copiesEveryField, pulledPlaces } from './reverse-mapping';

const isEmpty = (value: JsonValue | undefined): boolean =>
  value === undefined || value === null || value === '';

/**
 * Decided by the field of `match_by`, else by all fields: what the third party shows of each is what was
 * sent, in its notation, or nothing.
 */
export function mayBeCreation(
  mapping: RecordTypeMapping,
  sent: JsonObject | null,
  remote: JsonObject | null,
): boolean {
  if (sent === null || remote === null) return true;
  const places: { name: string; path: Place }[] = copiesEveryField(mapping)
    ? Object.keys(sent).map((name) => ({ name, path: [name] }))
    : pulledPlaces(mapping);
  const filled = places
    .map(({ name, path }) => ({ name, sent: valueAt(sent, path), shown: valueAt(remote, path) }))
    .filter((place) => !isEmpty(place.sent) && !isEmpty(place.shown));
  const identifying = filled.filter(({ name }) => name === mapping.matchBy);
  return (identifying.length > 0 ? identifying : filled).every((place) =>
    isNotationOf(place.sent, place.shown),
  );
}
