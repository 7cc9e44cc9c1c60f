/** How apps write values of records in their texts: in another case, escaped, or beside other words. */
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

/** As it is, composed and decomposed, escaped in JSON of other systems, and as a part of an address. */
export function formsOf(text: string): string[] {
  const escaped = text.replaceAll(
    /[^\0-\u007F]/g,
    (unit) => String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, '0'),
  );
  const encoded = encodeURIComponent(text);
  const inForms = encoded.replaceAll('%20', '+');
  return [...new Set([text, text.normalize('NFC'), text.normalize('NFD'), escaped, encoded, inForms])];
}

/** Once each, the longest first, so that no part of a longer one is left. */
export const longestFirst = (texts: readonly string[]): string[] =>
  [...new Set(texts)].toSorted((one, other) => other.length - one.length);

/** In `int_01k0…:10001`, the part 10001 is the id at that integration, and no id at another one. */
const AFTER_OTHERS = String.raw`(?<!int_[0-9a-z]{26}:)`;
const [BEFORE, AFTER] = [String.raw`(?<![\p{L}\p{N}_-])`, String.raw`(?![\p{L}\p{N}_-])`];

/** Not as a part of a longer name: `emp-1` is no part of `emp-10`. */
export function replaceWhole(
  text: string,
  { erased, by, isCaseIgnored }: { erased: string; by: string; isCaseIgnored: boolean },
): string {
  const escaped = erased.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  const whole = isWithoutSpaces.test(erased) ? escaped : BEFORE + AFTER_OTHERS + escaped + AFTER;
  return text.replaceAll(new RegExp(whole, isCaseIgnored ? 'giu' : 'gu'), by);
}
