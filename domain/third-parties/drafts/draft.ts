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

/** Done when there is no record type of that name, which comes from the product's path. */
export const decisionOfName = (recordType: string): Draft['decisions'][number] => ({
  pointer: `/config/record_types/${recordType}`,
  message:
    `${recordType} is the product's name. Rename it to the type of record that Syncline shall sync, such as ` +
    'contacts, in config.record_types and in record_types.',
});

/** `email` of `filter[email]`, as JSON:API and others write a filter. */
export const bareName = (parameter: string): string => parameter.replace(/^filters?\[([^\]]+)\]/i, '$1');

/** For a product whose JSON has a media type of its own: the headers, and how JSON:API writes its errors. */
export function mediaSettings(accept: string | undefined, contentType: string | undefined): JsonObject {
  const headers = mediaHeaders(accept, contentType);
  if (headers === undefined) return {};
  const each = { at: '/errors', name: '/source/pointer', message: '/detail', code: '/code' };
  const isJsonApi = [accept, contentType].some((type) => type?.includes('vnd.api+json'));
  return { headers, ...(isJsonApi && { errors: { message: '/errors/0/detail', each } }) };
}

export function mediaHeaders(
  accept: string | undefined,
  contentType: string | undefined,
): JsonObject | undefined {
  const headers = {
    ...(isOwnType(accept) && { Accept: accept }),
    ...(isOwnType(contentType) && { 'Content-Type': contentType }),
  };
  return Object.keys(headers).length === 0 ? undefined : headers;
}

const isOwnType = (type: string | undefined): type is string =>
  type !== undefined && /^[\w.-]+\/([\w.-]+\+)?json(;[ \w=.-]+)?$/i.test(type) && !isPlainJson(type);

export const isPlainJson = (type: string): boolean => /^application\/json\b/i.test(type);

/** The names that products commonly give to the parameters of a list. */
const PAGE = /^[_$]?(page|page_?number|page\[number\])$/i;
const SIZE = /^[_$]?(limit|per_?page|page_?size|size|count|top|page\[(size|limit)\]|max_?results)$/i;
const OFFSET = /^[_$]?(offset|skip|start|start_?index|page\[offset\])$/i;
const CURSOR =
  /^[_$]?(cursor|after|page_?token|next_?token|starting_?after|continuation_?token|page\[(cursor|after)\])$/i;
const SINCE =
  /^((updated|modified|changed)_?(since|after|gte?|from)|(last_?)?(updated|modified)(_?at)?(_?since|_?after|\[gte?\]|_{0,2}gte?)|since|changed_?after)$/i;
/** Where an answer has the cursor of the next page. */
export const NEXT_CURSOR =
  /^(next(_?(cursor|token|page|page_?token|link|(page_?)?ur[il]))?|cursor|continuation_?token)$/i;

export interface ListParameter {
  name: string;
  /** The size of a page that it was seen with. */
  size?: number | undefined;
  /** The largest size that it allows. */
  sizeMax?: number | undefined;
}

/** Where an answer leads to the next page. */
export interface NextPage {
  at: string;
  /** It is the address of the page, and no value of a parameter. */
  isAddress: boolean;
}

export interface ListParameters {
  paging: JsonObject;
  /** The parameter for records modified since a time. */
  since: string | undefined;
  isCursorKnown: boolean;
  isSizeKnown: boolean;
}

const SIZE_USUAL = 100;

/** What the names of the parameters say about a list. */
export function listParametersOf(parameters: readonly ListParameter[], next?: NextPage): ListParameters {
  const find = (pattern: RegExp) => parameters.find(({ name }) => pattern.test(name));
  const parameter = find(SIZE);
  const { sizeMax } = parameter ?? {};
  const size = Math.min(parameter?.size ?? SIZE_USUAL, sizeMax ?? Infinity);
  const sized: JsonObject = parameter === undefined ? {} : { size, size_parameter: parameter.name };
  const [page, offset, cursor] = [find(PAGE)?.name, find(OFFSET)?.name, find(CURSOR)?.name];
  const paging: JsonObject =
    next?.isAddress === true
      ? { type: 'cursor', at: next.at, ...sized }
      : cursor !== undefined
        ? { type: 'cursor', parameter: cursor, at: next?.at ?? '/next_cursor', ...sized }
        : page !== undefined
          ? { type: 'page', parameter: page, ...sized }
          : offset !== undefined
            ? { type: 'offset', parameter: offset, ...sized, size }
            : { type: 'none' };
  return {
    paging,
    since: parameters.find(({ name }) => SINCE.test(bareName(name)))?.name,
    isCursorKnown: next !== undefined,
    isSizeKnown: sizeMax !== undefined,
  };
}

/** Words about guesses that a live try confirms or refutes. */
export function decisionsOfList(
  pointer: string,
  { paging, since, isCursorKnown, isSizeKnown }: ListParameters,
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
  if (paging['size'] !== undefined && !isSizeKnown)
    decisions.push({
      pointer: `${pointer}/paging/size`,
      message: `Check that ${JSON.stringify(paging['size'])} records per page are the most that the product allows.`,
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
