/** The items of an answer, in the shapes that lists have. */
import { isJsonObject, type JsonValue } from '../../../domain/json';
import type { HttpResponse } from '../../connector';
import type { ListConfig } from '../config/config-read';
import { isTrueOf, NO_FIELDS, readAnswer, rulesFor, unreadable } from '../http/response-rules';
import { placeAt, placesIn, readAt } from '../json-pointer';
import { aboutDataset, type DatasetReading, notReadable, type ReadingPart } from './dataset-errors';

const LISTS_NAMED_MAX = 5;

/** Undefined for a value of another shape than the configuration says. */
function itemsOf(
  found: JsonValue | undefined,
  { items_as: shape, key_at: keyAt }: Omit<ListPlace, 'items'>,
): JsonValue[] | undefined {
  // Some languages, such as Go, write an empty list as null.
  if (found === null) return [];
  if (shape === 'map') {
    // PHP writes an object without members as a list.
    if (Array.isArray(found) && found.length === 0) return [];
    return isJsonObject(found)
      ? Object.entries(found).map(([key, item]) =>
          keyAt !== undefined && isJsonObject(item) ? placeAt(item, keyAt, key) : item,
        )
      : undefined;
  }
  if (shape === 'one_or_many' && isJsonObject(found)) return [found];
  return Array.isArray(found) ? found : undefined;
}

type ListPlace = Pick<ListConfig, 'items'> & Partial<Pick<ListConfig, 'items_as' | 'key_at' | 'empty'>>;

/** The items of a page. @throws if it is no answer with a list: that is no empty list. */
export function itemsIn(
  response: HttpResponse,
  list: ListPlace,
  part: ReadingPart,
  { config, recordType, name, session }: DatasetReading,
): { items: JsonValue[]; body: JsonValue | undefined } {
  const answer = readAnswer(response, rulesFor(config, recordType), NO_FIELDS, session.quotable);
  if (answer.meaning !== 'done') throw aboutDataset(answer.error, name, part, response.status);
  if (response.status === 204) return { items: [], body: undefined };
  if (answer.body === undefined) throw unreadable(session.quotable(response));
  const found = readAt(answer.body, list.items);
  const items = itemsOf(found, list);
  if (items !== undefined) return { items, body: answer.body };
  if (found === undefined && isTrueOf(list.empty, answer.body)) return { items: [], body: answer.body };
  const where = list.items === '' ? 'The answer' : `The value at ${list.items} of the answer`;
  const what = `${where} is ${found === undefined ? 'missing' : 'not a list'}.`;
  throw notReadable(name, part, 'no_list', `${what}${listsIn(answer.body)}`);
}

/** Where the answer has lists, for people. */
function listsIn(body: JsonValue): string {
  const lists = placesIn(body).flatMap(([at, value]) => (Array.isArray(value) ? [at] : []));
  return lists.length === 0 ? '' : ` It has lists at: ${lists.slice(0, LISTS_NAMED_MAX).join(', ')}.`;
}
