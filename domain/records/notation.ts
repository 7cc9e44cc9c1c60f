/**
 * How a third party shows the values that both sides agree on (rules.md 46). A third party may round, trim,
 * lower-case or reorder what it is sent; its notation of our value is not a change.
 */
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../json';
import { INSTANT } from './instant-text';
import { isSent, type KnownThere, ownSource, type RecordTypeMapping, toRemoteValue } from './mapping';
import type { Picklists } from './picklists';
import { parsePlace, setAt, valueAt } from './place';

/** What is agreed on at one place of the third party's record. */
export interface PlaceNotation {
  /** Our value, in the local field. Absent = null. */
  ours?: JsonValue;
  /** The value as the third party shows it. Absent = not read since our value was sent. */
  shown?: JsonValue;
  /** What a comparison showed instead of our value. */
  found?: JsonValue;
  /** What was shown before our value was sent again. If it is still shown, it is the notation of ours. */
  before?: JsonValue[];
  /** How often the first read after a push showed another value, without a change by a caller in between. */
  rounds?: number;
  /** A push found another value there than the one that was agreed on, and left it to the next run. */
  isUnread?: true;
}

/** By `to` of the mapping. */
export type Notation = Record<string, PlaceNotation>;

const SHOWN_BEFORE_MAX = 3;

export function placeNotation(notation: Notation | null, to: string): PlaceNotation | undefined {
  return notation !== null && Object.hasOwn(notation, to) ? notation[to] : undefined;
}

/**
 * What both sides agree on after `fields` were pushed. How the third party shows a value is known from its
 * answer (`shown`), unless that repeats what was sent; then it is learned from the next read.
 */
export function notationAfterPush(
  mapping: RecordTypeMapping,
  fields: JsonObject,
  {
    before,
    shown,
    payload,
    leftAsIs = {},
  }: {
    before: Notation | null;
    shown: JsonObject | null;
    payload?: JsonObject;
    /** Our agreed values of places that were changed there and not sent. */
    leftAsIs?: JsonObject;
  },
): Notation {
  const after: Notation = {};
  for (const field of mapping.fields) {
    const { to } = field;
    const known = placeNotation(before, to);
    if (!isSent(field)) {
      if (known !== undefined) after[to] = known;
      continue;
    }
    const own = ownSource(field, fields);
    const ours = own === undefined && isSet(known?.ours) ? null : own;
    if (Object.hasOwn(leftAsIs, to)) {
      after[to] = { ...(known ?? { ours: leftAsIs[to] ?? null }), isUnread: true };
      continue;
    }
    // A field that was never set was not sent, so the third party still shows what it showed.
    if (ours === undefined) {
      if (known?.shown !== undefined) after[to] = { shown: known.shown };
      continue;
    }
    const sent = toRemoteValue(field, ours);
    // A value that was left out is shown as before.
    if (payload !== undefined && valueAt(payload, parsePlace(to)) === undefined) {
      if (known !== undefined) after[to] = known;
      continue;
    }
    const answered = shown === null ? undefined : valueAt(shown, parsePlace(to));
    const isNews = sent.ok && answered !== undefined && !isSameValue(answered, sent.value);
    after[to] = isNews ? { ours, shown: answered } : { ours, ...shownBefore(known, ours) };
    if (known?.rounds !== undefined) after[to] = { ...after[to], rounds: known.rounds };
  }
  return after;
}

/** The values of ours that the third party shows, as they were when a read or an answer showed the record. */
export function knownFrom(notation: Notation | null, picklists?: Picklists): KnownThere {
  return {
    picklists,
    isShown: (to, value) => {
      const known = placeNotation(notation, to);
      return known?.shown !== undefined && isSameValue(known.ours, value);
    },
  };
}

function shownBefore(known: PlaceNotation | undefined, ours: JsonValue): Pick<PlaceNotation, 'before'> {
  if (known === undefined || !isSameValue(known.ours, ours)) return {};
  const before = [known.shown, known.found, ...(known.before ?? [])].filter((value) => value !== undefined);
  return before.length === 0 ? {} : { before: before.slice(0, SHOWN_BEFORE_MAX) };
}

/** True if `shown` is how the third party shows the value of the last agreement, `sent`. */
export function isShownFor(
  known: PlaceNotation,
  sent: JsonValue | undefined,
  shown: JsonValue | undefined,
): boolean {
  if (known.shown !== undefined) return isSameValue(shown, known.shown);
  return isNotationOf(sent, shown) || (known.before ?? []).some((value) => isSameValue(value, shown));
}

/**
 * The payload with null for each field that both sides agreed on and the record lacks now: without it the
 * third party would keep the value.
 */
export function withEmptiedFields(
  payload: JsonObject,
  mapping: RecordTypeMapping,
  { fields, agreed, notation }: { fields: JsonObject; agreed: JsonObject | null; notation: Notation | null },
): JsonObject {
  let complete: JsonObject | undefined;
  for (const field of mapping.fields) {
    const { to } = field;
    if (!isSent(field) || ownSource(field, fields) !== undefined) continue;
    const known = placeNotation(notation, to);
    const before = known === undefined ? valueAt(agreed ?? {}, parsePlace(to)) : known.ours;
    if (isSet(before) && toRemoteValue(field, null).ok)
      setAt((complete ??= structuredClone(payload)), parsePlace(to), null);
  }
  return complete ?? payload;
}

const isSet = (before: JsonValue | undefined): boolean => before !== undefined && before !== null;

/**
 * Absent and null are the same, because some third parties cannot express one of them. The order of a list
 * does not matter (rules.md 48).
 */
export function isSameValue(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  const [one, other] = [a ?? null, b ?? null];
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object') return false;
  return canonicalJson(withSortedLists(one)) === canonicalJson(withSortedLists(other));
}

function withSortedLists(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    const keyed = value.map((member) => {
      const sorted = withSortedLists(member);
      return { key: canonicalJson(sorted), sorted };
    });
    return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ sorted }) => sorted);
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withSortedLists(member)]));
}

/** True if `shown` can be what a third party made of `sent`. Used until its notation is known. */
export function isNotationOf(sent: JsonValue | undefined, shown: JsonValue | undefined): boolean {
  if (isSameValue(sent, shown)) return true;
  if (isEmpty(sent) && isEmpty(shown)) return true;
  if (isMissing(sent) || isMissing(shown)) return false;
  if (Array.isArray(sent)) return isNotationOfList(sent, shown);
  if (isJsonObject(sent)) return isNotationOfObject(sent, shown);
  if (Array.isArray(shown)) return shown.length === 1 && isNotationOf(sent, shown[0]);
  if (isJsonObject(shown))
    return ['id', 'value'].some((key) => Object.hasOwn(shown, key) && isNotationOf(sent, shown[key]));
  return isNotationOfScalar(sent, shown);
}

/** Nothing can be added to an empty list or object without changing it. */
function isMissing(value: JsonValue | undefined): value is undefined | null {
  return value === undefined || value === null || (typeof value === 'object' && isEmpty(value));
}

const NO_VALUE = /^(?:|false|[+-]?0+(?:\.0*)?|0000-00-00(?:[T ][0:.]*Z?)?)$/i;

/** What third parties without null show instead. */
function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === 0 || value === false) return true;
  if (typeof value === 'string') return NO_VALUE.test(value.trim());
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Members may be added, and the order does not matter. */
function isNotationOfList(sent: readonly JsonValue[], shown: JsonValue): boolean {
  if (!Array.isArray(shown)) return sent.length === 1 && isNotationOf(sent[0], shown);
  const left = [...shown];
  return sent.every((member) => {
    const exact = left.findIndex((candidate) => isSameValue(member, candidate));
    const at = exact === -1 ? left.findIndex((candidate) => isNotationOf(member, candidate)) : exact;
    if (at !== -1) left.splice(at, 1);
    return at !== -1;
  });
}

/** Attributes may be added. */
function isNotationOfObject(sent: JsonObject, shown: JsonValue): boolean {
  return (
    isJsonObject(shown) &&
    Object.entries(sent).every(([key, member]) =>
      isNotationOf(member, Object.hasOwn(shown, key) ? shown[key] : undefined),
    )
  );
}

type Scalar = string | number | boolean;

function isNotationOfScalar(sent: Scalar, shown: Scalar): boolean {
  const [instant, shownInstant] = [instantOf(sent), instantOf(shown)];
  if (instant !== undefined && shownInstant !== undefined) return isNotationOfInstant(instant, shownInstant);
  const [number, shownNumber] = [numberOf(sent), numberOf(shown)];
  if (number !== undefined && shownNumber !== undefined) return isRounded(number, shownNumber);
  if (typeof sent === 'boolean' || typeof shown === 'boolean') return booleanOf(sent) === booleanOf(shown);
  return isNotationOfText(String(sent), String(shown));
}

interface Instant {
  day: string;
  hasTime: boolean;
  ms: number;
}

const HOURS_14 = 14 * 3_600_000;

function instantOf(value: Scalar): Instant | undefined {
  const [, day, time, zone = 'Z'] = (typeof value === 'string' && INSTANT.exec(value.trim())) || [];
  if (day === undefined) return undefined;
  const ms = Date.parse(`${day}T${time ?? '00:00'}${zone.toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : { day, hasTime: time !== undefined, ms };
}

/** A day may be shown with a time in another zone, a time cut or rounded to seconds or minutes. */
function isNotationOfInstant(sent: Instant, shown: Instant): boolean {
  if (sent.day === shown.day && !(sent.hasTime && shown.hasTime)) return true;
  if (!shown.hasTime) return false;
  const added = shown.ms - sent.ms;
  if (!sent.hasTime) return Math.abs(added) <= HOURS_14;
  return isCutOrRounded(added, shown.ms % 60_000 === 0 ? 60_000 : 1_000);
}

/** @param added to the value by showing it in whole units */
const isCutOrRounded = (added: number, unit: number): boolean => added > -unit && added <= unit / 2;

interface Decimal {
  value: number;
  decimals: number;
}

function numberOf(value: Scalar): Decimal | undefined {
  const text = typeof value === 'boolean' ? '' : String(value).trim();
  const [whole, fraction = ''] = /^[+-]?\d+(?:\.(\d*))?$/.exec(text) ?? [];
  return whole === undefined ? undefined : { value: Number(whole), decimals: fraction.length };
}

/** Equal, or with fewer decimals. Numbers of single precision have seven digits. */
function isRounded(sent: Decimal, shown: Decimal): boolean {
  const isClose = (a: number, b: number): boolean => Math.abs(a - b) <= Math.abs(sent.value) * 1e-7;
  if (isClose(sent.value, shown.value)) return true;
  if (shown.decimals >= sent.decimals) return false;
  const unit = 10 ** -shown.decimals;
  const added = (shown.value - sent.value) * (sent.value < 0 ? -1 : 1);
  return isCutOrRounded(added, unit) || isClose(added, unit / 2);
}

function booleanOf(value: Scalar): boolean | string {
  const text = String(value).trim().toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(text)) return true;
  return ['false', '0', 'no', 'off'].includes(text) ? false : text;
}

const TRUNCATED_TO_MIN = 4;

/** In another case, with other spaces or punctuation (as in telephone numbers), or truncated. */
function isNotationOfText(sent: string, shown: string): boolean {
  const [a, b] = [sent, shown].map((text) =>
    text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll(/\s+/g, ' ').trim(),
  ) as [string, string];
  if (a === b || (b.length >= TRUNCATED_TO_MIN && a.startsWith(b))) return true;
  const [bareA, bareB] = [a, b].map((text) => text.replaceAll(/[^\p{L}\p{N}]/gu, '')) as [string, string];
  return bareA !== '' && bareA === bareB;
}
