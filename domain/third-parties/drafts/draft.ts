/** The beginning of a definition, and what a person still has to decide. */
import type { JsonObject } from '../../json';

export interface Draft {
  definition: JsonObject;
  /** In words, each with a pointer into the definition. */
  decisions: { pointer: string; message: string }[];
}

/** A text that cannot be made into a definition. The message is for people and repeats no secret. */
export class UnusableStart extends Error {}

/** The head of each draft. `name` is the host if nothing else is known. */
export function draftHead(name: string): JsonObject {
  const key = toName(name).replaceAll('_', '-');
  return {
    key: /^(try|draft)$/.test(key) ? `${key}-app` : key,
    name: name.slice(0, 100),
    category: 'other',
    description: `Records of ${name.slice(0, 100)}.`,
    proof: 'none',
  };
}

/** Lower-case letters, digits and _, beginning with a letter. */
export function toName(text: string): string {
  const words = text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^[_0-9]+|_+$/g, '')
    .slice(0, 60);
  return words === '' ? 'records' : words;
}

export function toLabel(text: string): string {
  const words = text.replaceAll(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The names that products commonly give to the parameters of a list. */
const PAGE = /^[_$]?(page|page_?number|page\[number\])$/i;
const SIZE = /^[_$]?(limit|per_?page|page_?size|size|count|top|page\[size\]|max_?results)$/i;
const OFFSET = /^[_$]?(offset|skip|start|start_?index)$/i;
const CURSOR =
  /^[_$]?(cursor|after|page_?token|next_?token|starting_?after|continuation_?token|page\[cursor\])$/i;
const SINCE =
  /^((updated|modified|changed)_?(since|after|gte?|from)|(last_?)?(updated|modified)(_?at)?(_?since|_?after|\[gte?\]|_{0,2}gte?)|since|changed_?after)$/i;
/** Where an answer has the cursor of the next page. */
export const NEXT_CURSOR = /^(next(_?(cursor|token|page|page_?token|link))?|cursor|continuation_?token)$/i;

export interface ListParameters {
  paging: JsonObject;
  /** The parameter for records modified since a time. */
  since: string | undefined;
  isCursorKnown: boolean;
}

/** What the names of the parameters say about a list. */
export function listParametersOf(names: readonly string[], cursorAt?: string): ListParameters {
  const find = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const size = find(SIZE);
  const sized: JsonObject = size === undefined ? {} : { size: 100, size_parameter: size };
  const [page, offset, cursor] = [find(PAGE), find(OFFSET), find(CURSOR)];
  const paging: JsonObject =
    cursor !== undefined
      ? { type: 'cursor', parameter: cursor, at: cursorAt ?? '/next_cursor', ...sized }
      : page !== undefined
        ? { type: 'page', parameter: page, ...sized }
        : offset !== undefined
          ? { type: 'offset', parameter: offset, ...sized, size: 100 }
          : { type: 'none' };
  return { paging, since: find(SINCE), isCursorKnown: cursorAt !== undefined };
}

/** Words about guesses that a live try confirms or refutes. */
export function decisionsOfList(
  pointer: string,
  { paging, since, isCursorKnown }: ListParameters,
): Draft['decisions'] {
  const decisions: Draft['decisions'] = [];
  if (paging['type'] === 'none')
    decisions.push({
      pointer: `${pointer}/paging`,
      message: 'Say how the list is paged. With "none" only what the first answer holds is read.',
    });
  if (paging['type'] === 'cursor' && !isCursorKnown)
    decisions.push({
      pointer: `${pointer}/paging/at`,
      message: 'Say where the answer has the cursor of the next page. /next_cursor is a guess.',
    });
  if (since === undefined)
    decisions.push({
      pointer,
      message:
        'Say how records modified since a time are listed (`modified_since`), if the product can do it. ' +
        'Otherwise every hourly run reads the whole list.',
    });
  else
    decisions.push({
      pointer: `${pointer}/modified_since/format`,
      message: `Check the format of times for ${since}. iso is a guess.`,
    });
  return decisions;
}

/** A draft only reads what cannot be created without the risk of duplicates. */
export const decisionOfWrites = (
  at: string,
  calls: Readonly<Record<string, string>>,
): Draft['decisions'][number] => ({
  pointer: at,
  message:
    `To push, add ${Object.entries(calls)
      .map(([name, call]) => `${name} (${call})`)
      .join(', ')} and how a record is found before it is created (find), or how the product prevents a ` +
    'duplicate: upsert, an id that Syncline assigns, or an idempotency header.',
});
