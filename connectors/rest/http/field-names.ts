/**
 * Finds the Syncline field that a third party means in an error: by the name or path of the field there, by
 * the label that people see, or by a name at the beginning of the message.
 */
import { toPath } from '../../../domain/records/place';

export interface FieldNames {
  /** The Syncline field per path in the payload, as in PushItem. */
  fields: Record<string, string>;
  /** What the fields of the third party are called for people, per path. */
  labels: Record<string, string>;
}

/** A part of a message that is about one field. */
export interface Part {
  field: string;
  message: string;
}

interface Known {
  field: string;
  segments: string[];
  label: string | undefined;
}

const WORD = /[\p{L}\p{N}]/u;
/** Between the words of a name, as in `first_name`, `First name` and `first-name`. */
const WITHIN_NAME = /[\s_./-]/;
const QUOTED = /["'`‘“«]([^"'`’”»]{1,100})["'`’”»]/g;
/** Words before a name: "The field Email", "Invalid email". */
const INTRODUCTION =
  /^(?:(?:the|an?|your|this|field|property|attribute|parameter|value|of|for|invalid|missing|duplicate|required)\s+)+/i;
/** Where the next error of a message can begin. */
const SEPARATOR = /(?:[.;!:]\s+|[,\n]\s*|\s[-–—|]\s|\sand\s)/g;

/**
 * The Syncline field for a field of the third party: `email`, `/data/email`, `["body", "email"]`, the last
 * part of a path (`city` for `address.city`), or a label (`First name`). Several if the name fits several
 * fields.
 */
export function fieldsFor(name: string, names: FieldNames): string[] {
  const known = knownIn(names);
  const byPath = fieldByPath(name, known);
  if (byPath !== null) return [byPath];
  const wanted = [squashed(name), squashed(segmentsOf(name).at(-1) ?? '')].filter((text) => text !== '');
  let several: string[] = [];
  for (const text of wanted) {
    for (const spellings of SPELLINGS) {
      const fields = known.filter((each) => spellings(each).some((spelling) => squashed(spelling) === text));
      const found = [...new Set(fields.map(({ field }) => field))];
      if (found.length === 1) return found;
      if (several.length === 0) several = found;
    }
  }
  return several.length > 0 ? several : fieldsBelow(name, known);
}

/** The parts of a message that begin with the name of a field, or name one in quotes. */
export function partsOf(message: string, names: FieldNames): Part[] {
  const starts = [0, ...[...message.matchAll(SEPARATOR)].map(({ 0: text, index }) => index + text.length)];
  const known = knownIn(names);
  const found = starts.flatMap((start) => {
    const field = fieldAtFront(message.slice(start), known);
    return field === undefined ? [] : [{ field, start }];
  });
  const several = new Set(found.map(({ field }) => field)).size > 1;
  if (several)
    return found.map(({ field, start }, index) => ({
      field,
      message: message.slice(start, found[index + 1]?.start).replace(/[\s,;:|–—-]+(?:and\s*)?$/, ''),
    }));
  const quoted = [...message.matchAll(QUOTED)].map(([, name = '']) => fieldsFor(name, names));
  const field = found[0]?.field ?? quoted.find((fields) => fields.length === 1)?.[0];
  return field === undefined ? [] : [{ field, message }];
}

/** The spellings of a field, in the order in which they count. */
const SPELLINGS: readonly ((known: Known) => string[])[] = [
  ({ label, segments }) => [...(label === undefined ? [] : [label]), segments.join(' ')],
  ({ segments }) => segments.slice(-1),
  ({ field }) => [field],
];

function knownIn({ fields, labels }: FieldNames): Known[] {
  const labelsByPath = new Map(
    Object.entries(labels).map(([path, label]) => [keyOf(segmentsOf(path)), label]),
  );
  return Object.entries(fields).map(([path, field]) => {
    const segments = segmentsOf(path);
    return { field, segments, label: labelsByPath.get(keyOf(segments)) };
  });
}

function fieldByPath(name: string, known: readonly Known[]): string | null {
  const wanted = segmentsOf(name);
  if (wanted.length === 0) return null;
  for (const normalize of [(segment: string) => segment, (segment: string) => segment.toLowerCase()]) {
    const fits = (whole: string[], end: string[]) =>
      end.every(
        (segment, index) => normalize(segment) === normalize(whole[whole.length - end.length + index] ?? ''),
      );
    const inside = known.filter(({ segments }) => segments.length <= wanted.length && fits(wanted, segments));
    const deepest = inside.sort((a, b) => b.segments.length - a.segments.length)[0];
    if (deepest) return deepest.field;
    const under = known.filter(({ segments }) => segments.length > wanted.length && fits(segments, wanted));
    if (under.length === 1) return (under[0] as Known).field;
  }
  return null;
}

/** The fields within an object of the third party, such as `address`. */
function fieldsBelow(name: string, known: readonly Known[]): string[] {
  const wanted = squashed(segmentsOf(name).at(-1) ?? '');
  const below = known.filter(({ segments }) =>
    segments.slice(0, -1).some((segment) => wanted !== '' && squashed(segment) === wanted),
  );
  return [...new Set(below.map(({ field }) => field))];
}

/** The longest name counts: "First name is short" is about `first_name`, not about `first`. */
function fieldAtFront(text: string, known: readonly Known[]): string | undefined {
  const plain = text.replace(/^[\s"'`‘“«([*]+/, '');
  for (const front of [plain, plain.replace(INTRODUCTION, '').replace(/^["'`‘“«]/, '')]) {
    for (const spellings of SPELLINGS) {
      const found = known
        .flatMap((each) =>
          spellings(each).map((spelling) => ({ field: each.field, length: lengthAtFront(front, spelling) })),
        )
        .filter(({ length }) => length > 0)
        .sort((a, b) => b.length - a.length);
      const longest = found.filter(({ length }) => length === found[0]?.length);
      const fields = new Set(longest.map(({ field }) => field));
      if (fields.size === 1) return longest[0]?.field;
    }
  }
  return undefined;
}

/** How many characters at the front of the text are this name in any spelling; 0 if it begins otherwise. */
function lengthAtFront(text: string, name: string): number {
  const wanted = squashed(name);
  let matched = 0;
  let index = 0;
  for (; matched < wanted.length && index < text.length; index += 1) {
    const character = (text[index] as string).toLowerCase();
    if (character === wanted[matched]) matched += 1;
    else if (matched === 0 || !WITHIN_NAME.test(character)) return 0;
  }
  const next = text[index];
  const isWhole = matched === wanted.length && wanted !== '' && (next === undefined || !WORD.test(next));
  return isWhole ? index : 0;
}

/** Letters and digits only, so that `first_name`, `firstName` and `First name` are the same. */
function squashed(name: string): string {
  return Array.from(name.toLowerCase())
    .filter((character) => WORD.test(character))
    .join('');
}

function segmentsOf(name: string): string[] {
  const parts = name.startsWith('/') ? toPath(name) : name.split(/[.[\]]+/);
  return parts.map((part) => part.replaceAll(/^['"]|['"]$/g, '')).filter((part) => part !== '');
}

const keyOf = (segments: readonly string[]): string => segments.join('\u0000');
