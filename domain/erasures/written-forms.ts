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

const inHex = (unit: string) => unit.charCodeAt(0).toString(16).padStart(4, '0');
const IN_MARKUP: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Ways of writing a text. The apostrophe and other characters have several ways in HTML. */
const WAYS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.normalize('NFC'),
  (text) => text.normalize('NFD'),
  (text) => text.replaceAll(/[^\0-\u007F]/g, (unit) => String.raw`\u` + inHex(unit)),
  (text) => text.replaceAll(/[^\0-\u007F]|[<>&'"+]/g, (unit) => String.raw`\u` + inHex(unit)),
  (text) => encodeURIComponent(text),
  (text) => encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`),
  (text) => encodeURIComponent(text).replaceAll('%20', '+'),
  ...["'", '&#39;', '&#039;', '&#x27;', '&apos;'].map(
    (apostrophe) => (text: string) => text.replaceAll(/[&<>"']/g, (sign) => IN_MARKUP[sign] ?? apostrophe),
  ),
  (text) => text.replaceAll(/[^\0-\u007F]|[&<>"']/gu, (sign) => `&#${sign.codePointAt(0)};`),
  (text) => text.replaceAll(/[^\0-\u007F]|[&<>"']/gu, (sign) => `&#x${sign.codePointAt(0)?.toString(16)};`),
];

/** Written in one way only: most ids, numbers and single words, of which an erasure has many. */
const IS_PLAIN = /^[A-Za-z0-9._~-]*$/;

/**
 * As it is, composed and decomposed, escaped in JSON of other systems and in HTML, and as a part of an
 * address. Forms that differ only in case are one, unless the case changes the number of letters.
 */
export function formsOf(text: string): string[] {
  if (IS_PLAIN.test(text)) return [text];
  const inCases = [text, text.toUpperCase(), text.toLowerCase()];
  const forms = inCases.flatMap((one) => WAYS.map((write) => write(one)));
  // Reversed, so that of equal forms the first one stays.
  return [...new Map(forms.toReversed().map((form) => [sameWhenMatched(form), form])).values()];
}

/** An expression that ignores case does not match `İ` with its lower case, which has two units. */
const sameWhenMatched = (form: string) => (form.includes('İ') ? form : form.toLowerCase());

/** Equal for texts that differ in case only. */
export const inOneCase = (text: string): string => text.toUpperCase().toLowerCase().replaceAll('ς', 'σ');

/** Once each, the longest first, so that no part of a longer one is left. */
export const longestFirst = (texts: readonly string[]): string[] =>
  [...new Set(texts)].toSorted((one, other) => other.length - one.length);

/** In `int_01k0…:10001`, the part 10001 is the id at that integration, and no id at another one. */
const AFTER_OTHERS = String.raw`(?<!int_[0-9a-z]{26}:)`;
/** An escaped line break, bracket or sign ends with a letter or digit, and is no part of a name. */
const ESCAPED = String.raw`\\[bfnrt]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}`;
const BEFORE = String.raw`(?:(?<![\p{L}\p{N}_-])|(?<=${ESCAPED}))`;
const AFTER = String.raw`(?![\p{L}\p{N}_-])`;

/** Not as a part of a longer name: `emp-1` is no part of `emp-10`. */
export function replaceWhole(
  text: string,
  { erased, by, isCaseIgnored }: { erased: string; by: string; isCaseIgnored: boolean },
): string {
  const escaped = erased.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  const whole = isWithoutSpaces.test(erased) ? escaped : BEFORE + AFTER_OTHERS + escaped + AFTER;
  return text.replaceAll(new RegExp(whole, isCaseIgnored ? 'giu' : 'gu'), by);
}
