/**
 * Values that only the creation of a record sends. An update leaves them as the third party has them: changed
 * values stay changed, and what was removed stays removed, entries of lists included. Third parties replace
 * objects and lists as a whole, so an update sends along what is there.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json';
import {
  isPosition,
  isSelector,
  matchingIndexes,
  parsePlace,
  type Place,
  removeWithEmptied,
  type Selector,
  type Step,
  valueAt,
} from './place';

interface Field {
  to: string;
  constant?: JsonValue | undefined;
  direction?: 'push' | 'pull' | undefined;
  onlyOnCreate?: true | undefined;
}

/**
 * An entry of a list whose values are only sent on creation includes its constants: an update that sent these
 * would bring back an entry that was removed there.
 * @param more places beside those that the mapping marks
 */
export function createOnlyPlaces(fields: readonly Field[], more: readonly string[] = []): string[] {
  const marked = fields.filter(({ onlyOnCreate }) => onlyOnCreate === true).map(({ to }) => to);
  const places = new Set([...marked, ...more]);
  if (places.size === 0) return [];
  const sent = fields.filter(({ direction }) => direction !== 'pull');
  const values = sent.filter(({ constant }) => constant === undefined).map(({ to }) => to);
  const entries = [...places].flatMap((to) => entriesAround(parsePlace(to)));
  const isCreated = (entry: Place): boolean =>
    values.every((to) => places.has(to) || !isWithin(parsePlace(to), entry));
  const created = entries.filter(isCreated);
  const constants = sent.filter(
    ({ to, constant }) => constant !== undefined && created.some((entry) => isWithin(parsePlace(to), entry)),
  );
  return [...new Set([...places, ...constants.map(({ to }) => to)])];
}

/** The payload for a record that exists there. */
export function withoutCreateOnly(payload: JsonObject, createOnly: readonly string[] = []): JsonObject {
  if (createOnly.length === 0) return payload;
  const rest = structuredClone(payload);
  for (const to of createOnly)
    if (valueAt(rest, parsePlace(to)) !== undefined) removeWithEmptied(rest, parsePlace(to));
  return rest;
}

/** Whether an update sends objects or lists around these places, so that it must know what is there. */
export function isSentAround(payload: JsonObject, createOnly: readonly string[]): boolean {
  return createOnly.map(parsePlace).some((place) => isAround(payload, place));
}

const isAround = (payload: JsonObject, place: Place): boolean =>
  place.length > 1 &&
  valueAt(payload, place.slice(0, 1)) !== undefined &&
  valueAt(payload, place) === undefined;

/**
 * The payload of an update with what is there at these places, in objects and lists that it sends. Entries of
 * a list are recognized by the constants that the mapping has for them, and by position if it has none.
 * @param payload without these places. Selected members are left to connectors that can write them alone.
 */
export function withWhatIsThere(
  payload: JsonObject,
  createOnly: readonly string[],
  there: JsonValue | undefined,
  fields: readonly Field[] = [],
): JsonObject {
  const places = createOnly.map(parsePlace).filter((place) => isAround(payload, place));
  if (places.length === 0 || !isJsonObject(there)) return payload;
  return keptWithin(payload, there, { places, ...constantsIn(fields) }) as JsonObject;
}

/** Of a part of the record; places begin there. */
interface Kept {
  places: readonly Place[];
  constants: readonly { place: Place; constant: JsonValue }[];
}

const constantsIn = (fields: readonly Field[], depth = 0): Pick<Kept, 'constants'> => ({
  constants: fields.flatMap(({ to, constant }) =>
    constant === undefined ? [] : [{ place: parsePlace(to).slice(depth), constant }],
  ),
});

function keptWithin(ours: JsonValue, there: JsonValue | undefined, kept: Kept): JsonValue {
  if (Array.isArray(ours)) return keptInList(ours, Array.isArray(there) ? there : [], kept);
  if (!isJsonObject(ours) || !isJsonObject(there)) return ours;
  const result = { ...ours };
  for (const step of firstSteps(kept)) {
    if (isSelector(step)) continue;
    const [own, theirs] = [valueAt(ours, [step]), valueAt(there, [step])];
    const value = own === undefined ? theirs : keptWithin(own, theirs, below(kept, step));
    if (value !== undefined) result[step] = value;
  }
  return result;
}

function keptInList(ours: readonly JsonValue[], there: readonly JsonValue[], kept: Kept): JsonValue[] {
  const positions = new Set(
    firstSteps(kept)
      .filter((step) => isPosition(step, 1))
      .map(Number),
  );
  const length = Math.max(ours.length, ...[...positions].map((position) => position + 1));
  const entryThere = recognize(length, there, kept);
  return Array.from({ length }, (_, position) => position).flatMap((position) => {
    const own = ours[position];
    if (!positions.has(position)) return own === undefined ? [] : [own];
    const theirs = entryThere(position);
    if (own !== undefined && own !== null) return [keptWithin(own, theirs, below(kept, String(position)))];
    return theirs === undefined ? [] : [theirs];
  });
}

/** Which entry there is ours at a position. An entry stands for one of ours. */
function recognize(
  length: number,
  there: readonly JsonValue[],
  kept: Kept,
): (position: number) => JsonValue | undefined {
  const selectors = Array.from({ length }, (_, position) => selectorOf(below(kept, String(position))));
  const taken = new Map<number, number>();
  const isFree = (index: number): boolean => ![...taken.values()].includes(index);
  // What more constants describe is recognized first.
  const order = [...selectors.keys()].toSorted(
    (a, b) => (selectors[b]?.where.length ?? 0) - (selectors[a]?.where.length ?? 0),
  );
  for (const position of order) {
    const selector = selectors[position];
    const indexes = selector === undefined ? [position] : matchingIndexes(there, selector);
    const index = indexes.find((one) => one < there.length && isFree(one));
    if (index !== undefined) taken.set(position, index);
  }
  return (position) => there[taken.get(position) ?? -1];
}

/** The constants directly in an entry; undefined: it has none. */
function selectorOf({ constants }: Pick<Kept, 'constants'>): Selector | undefined {
  const where = constants.flatMap(({ place: [name, ...more], constant }) =>
    typeof name === 'string' && more.length === 0 && constant !== null && typeof constant !== 'object'
      ? [{ name, equals: constant }]
      : [],
  );
  return where.length === 0 ? undefined : { where };
}

const firstSteps = ({ places }: Kept): Step[] => [...new Set(places.flatMap(([step]) => step ?? []))];

const below = ({ places, constants }: Kept, first: string): Kept => ({
  places: places.filter(([step]) => step === first).map((place) => place.slice(1)),
  constants: constants
    .filter(({ place: [step] }) => step === first)
    .map(({ place, constant }) => ({ place: place.slice(1), constant })),
});

/** The entries of lists that a place is in, the outer ones first. */
function entriesAround(place: Place): Place[] {
  return place.flatMap((step, depth) =>
    isSelector(step) || isPosition(step, depth) ? [place.slice(0, depth + 1)] : [],
  );
}

const isWithin = (place: Place, entry: Place): boolean =>
  JSON.stringify(place.slice(0, entry.length)) === JSON.stringify(entry);

/**
 * The problem of a list of which updates send only a part; undefined if there is none. Without a constant, an
 * entry could not be told from another one after a removal, and without this order removals move entries.
 */
export function problemOfEntry(to: string, fields: readonly Field[]): string | undefined {
  const createOnly = createOnlyPlaces(fields);
  if (!createOnly.includes(to)) return undefined;
  const place = parsePlace(to);
  const isClear = entriesAround(place).every((entry) => isRecognizable(entry, fields, createOnly));
  return isClear
    ? undefined
    : 'Updates send other entries of this list. Give each entry a constant of its own, such as its type, by ' +
        'which it is recognized, and put entries that are sent on creation only last.';
}

function isRecognizable(entry: Place, fields: readonly Field[], createOnly: readonly string[]): boolean {
  const [list, own] = [entry.slice(0, -1), entry.at(-1)];
  if (isSelector(own)) return true;
  const byEntry = new Map<string, Field[]>();
  for (const field of fields) {
    const step = parsePlace(field.to)[list.length];
    if (typeof step === 'string' && isWithin(parsePlace(field.to), list))
      byEntry.set(step, [...(byEntry.get(step) ?? []), field]);
  }
  const sent = [...byEntry].filter(([, inEntry]) => inEntry.some(({ to }) => !createOnly.includes(to)));
  if (byEntry.size < 2 || sent.length === 0) return true;
  const selectors = [...byEntry].map(
    ([step, inEntry]) => [step, selectorOf(constantsIn(inEntry, entry.length))] as const,
  );
  const ownSelector = JSON.stringify(selectors.find(([step]) => step === own)?.[1]);
  const isUnique = selectors.every(([step, one]) => step === own || JSON.stringify(one) !== ownSelector);
  const isLast = sent.every(([step]) => step === own || Number(step) < Number(own));
  return ownSelector !== undefined && isUnique && (isLast || sent.some(([step]) => step === own));
}
