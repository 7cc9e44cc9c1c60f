/** How apps write values of records in their texts: in another case, escaped, or beside other words. */
import type { Reading } from './readings';
import type { JsonValue } from '../json';

/** Shorter texts occur everywhere. */
const TEXT_LENGTH_MIN = 5;

/** These scripts write names in few characters, and put no space between words. */
const WITHOUT_SPACES = String.raw`[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}]`;
const isWithoutSpaces = new RegExp(`^${WITHOUT_SPACES}{2,}$`, 'u');

/** Long enough to be told apart from other words. */
export const isLong = (text: string): boolean => text.length >= TEXT_LENGTH_MIN || isWithoutSpaces.test(text);

/** It could be a part of a name. */
export const isShortName = (text: string): boolean => !isLong(text) && /^\p{Lu}./u.test(text);

/** The values of a record, at any depth, that are long enough to be told apart, or may be part of a name. */
export function textsIn(value: JsonValue | undefined): string[] {
  if (typeof value === 'number') return textsIn(String(value));
  if (typeof value === 'string') return isLong(value) || isShortName(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (value === null || value === undefined || typeof value !== 'object') return [];
  return Object.values(value).flatMap(textsIn);
}

/**
 * By these PostgreSQL finds texts in which nothing is escaped: it ignores case, but compares no composed
 * letter with a decomposed one, and no letter with two capital ones.
 */
export function formsOf(text: string): string[] {
  const inCases = [text, text.toUpperCase(), text.toLowerCase()];
  const forms = inCases.flatMap((one) => [one, one.normalize('NFC'), one.normalize('NFD')]);
  // Reversed, so that of equal forms the first one stays.
  return [...new Map(forms.toReversed().map((form) => [form.toLowerCase(), form])).values()];
}

/** Once each, the longest first, so that no part of a longer one is left. */
export const longestFirst = (texts: Iterable<string>): string[] =>
  [...new Set(texts)].toSorted((one, other) => other.length - one.length);

/** A name or value, as readings have it. */
export interface Searched {
  text: string;
  isWithoutSpaces: boolean;
}

export const searchedIn = (text: string, fold: (reading: Reading) => Reading): Searched => ({
  text: fold({ text }).text,
  isWithoutSpaces: isWithoutSpaces.test(text),
});

const LETTER = String.raw`[\p{L}\p{N}\p{M}_-]`;
/** In `int_01k0…:10001`, the part 10001 is the id at that integration, and no id at another one. */
const INSIDE_WORD = {
  before: new RegExp(`(?:${LETTER}|int_[0-9a-z]{26}:)$`, 'u'),
  behind: new RegExp(`^${LETTER}`, 'u'),
};
/** `emp-1.2` and `crm:emp-1` are other ids than `emp-1`. */
const INSIDE_ID = {
  before: new RegExp(String.raw`(?:${LETTER}|[\p{L}\p{N}][.:@+~])$`, 'u'),
  behind: new RegExp(String.raw`^(?:${LETTER}|[.:@+~][\p{L}\p{N}])`, 'u'),
};
/** As long as `int_…:`. */
const BEFORE_MAX = 31;

interface Replacement {
  by: string;
  /** undefined = there is nothing to read. */
  read: (text: string) => Reading | undefined;
  /** The texts are ids, and not words beside other words. */
  areIds?: boolean;
}

/** Takes the place of what was found: no letter, and in no text of PostgreSQL. */
const FOUND = '\0';

/** Not as a part of a longer name: `emp-1` is no part of `emp-10`. The text is read once. */
export function replaceWhole(
  text: string,
  all: readonly Searched[],
  { by, read, areIds = false }: Replacement,
): string {
  const reading = all.length === 0 ? undefined : read(text);
  if (reading === undefined) return text;
  const { places } = reading;
  let left = reading.text;
  const parts: { from: number; to: number }[] = [];
  for (const searched of all) {
    let [rest, end] = ['', 0];
    for (const at of findPlaces(left, searched, areIds)) {
      let [begin, behind] = [at, at + searched.text.length];
      const from = places?.from[begin] ?? begin;
      const to = places?.to[behind - 1] ?? behind;
      parts.push({ from, to });
      // An escaped word is replaced as a whole.
      while (begin > end && places?.from[begin - 1] === from) begin -= 1;
      while (places?.to[behind] === to) behind += 1;
      if (behind <= end) continue;
      begin = Math.max(begin, end);
      rest += left.slice(end, begin) + FOUND.repeat(behind - begin);
      end = behind;
    }
    if (end > 0) left = rest + left.slice(end);
  }
  let [replaced, end] = ['', 0];
  for (const { from, to } of parts.toSorted((one, other) => one.from - other.from)) {
    // Else it is a part of that word.
    if (from >= end) replaced += text.slice(end, from) + by;
    end = Math.max(end, to);
  }
  return replaced + text.slice(end);
}

function findPlaces(text: string, { text: searched, ...name }: Searched, areIds: boolean): number[] {
  const isAnywhere = name.isWithoutSpaces && !areIds;
  const { before, behind } = areIds ? INSIDE_ID : INSIDE_WORD;
  const found: number[] = [];
  for (let at = text.indexOf(searched); at !== -1;) {
    const end = at + searched.length;
    const isWhole =
      isAnywhere ||
      !(before.test(text.slice(Math.max(0, at - BEFORE_MAX), at)) || behind.test(text.slice(end, end + 3)));
    if (isWhole) found.push(at);
    at = text.indexOf(searched, isWhole ? end : at + 1);
  }
  return found;
}
