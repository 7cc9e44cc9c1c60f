/**
 * Reads one page of a record type by configuration, with one request. An incomplete response is Unavailable.
 * A response that does not match the configuration is RecordRejected: the dataset cannot be read. Neither
 * counts as an empty list.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../../../domain/json';
import type { HttpRequest, HttpResponse, ReadPage, ReadRequest } from '../../connector';
import { NO_FIELDS, readAnswer, rulesFor, unreadable } from '../http/response-rules';
import { requestTo } from '../http/calls';
import type { RecordTypeConfig, RestConfig } from '../config/config';
import type { DeletedListConfig, ListConfig, ModifiedSinceConfig } from '../config/config-read';
import type { RestContext } from '../http/credentials';
import { aboutDataset, notReadable } from './dataset-errors';
import { parseJson, placeAt, readAt } from '../json-pointer';
import { numberIn } from './number-in-answer';
import { canGoOn, isBehindTheEnd, nextPlace, pageRequest } from './paging';
import { BEGINNING, type Place, isFirst, readPlace, writePlace } from './read-position';
import { withParameter } from '../http/query';
import { readDeletedItems, readItems } from './read-items';
import { type Session, openSession } from '../http/session';
import { fillHeader, fillJson, fillText } from '../http/templates';
import { readInstant, writeInstant } from './time-format';

/** Lists are larger than other responses: the maximum of the HTTP client. */
export const LIST_BYTES_MAX = 16 * 1024 * 1024;

export async function readRestPage(
  request: ReadRequest,
  recordType: RecordTypeConfig,
  context: RestContext,
): Promise<ReadPage> {
  const { config } = context;
  const { recordType: name, modifiedSince, cursor } = request;
  const place = cursor === null ? BEGINNING : readPlace(cursor);
  const list = place && recordType[place.phase];
  if (recordType.list === undefined)
    throw notReadable(name, 'list', 'not_configured', 'the configuration does not describe how to read it.');
  if (place === undefined || list === undefined || !canGoOn(list.paging, place, config))
    throw notReadable(
      name,
      'list',
      'cursor_unusable',
      'the configuration has changed since the previous page was read. The next run starts over.',
    );

  const session = await openSession(context);
  const sent = pageRequest(listRequest(config, list, modifiedSince), list.paging, place);
  const response = await session.send(sent);
  const isUnchanged = response.status === 304 && modifiedSince !== null && isFirst(place);
  if (isUnchanged || isBehindTheEnd(list.paging, place, response)) {
    return {
      records: [],
      unreadable: [],
      nextCursor: cursorAfter(null, place, request, recordType),
      asOf: clockIn(recordType.list, response, undefined),
      total: null,
    };
  }

  const { items, body } = itemsIn(name, place.phase, list, response, recordType, config, session);
  const total = place.phase === 'list' ? numberIn(recordType.list.total, response, body) : null;
  const next = nextPlace(list.paging, place, { request: sent, response, body, items, total }, config);
  if (!next.ok) throw notReadable(name, place.phase, 'next_page_unusable', next.problem);
  const read =
    place.phase === 'list'
      ? readItems(items, recordType.list, recordType)
      : readDeletedItems(items, list, recordType);
  return {
    ...read,
    nextCursor: cursorAfter(next.place, place, request, recordType),
    asOf: clockIn(recordType.list, response, body),
    total,
  };
}

/** The call of the list without the parameters of a page. */
export function listRequest(
  config: RestConfig,
  list: ListConfig | DeletedListConfig,
  modifiedSince: Date | null,
): HttpRequest {
  const plain: HttpRequest = {
    ...requestTo(config, list, 'GET', () => undefined),
    responseBytesMax: LIST_BYTES_MAX,
  };
  return modifiedSince === null || list.modified_since === undefined
    ? plain
    : filtered(plain, list.modified_since, modifiedSince);
}

function filtered(
  request: HttpRequest,
  { format, parameters = {}, headers = {}, body }: ModifiedSinceConfig,
  since: Date,
): HttpRequest {
  const instant = writeInstant(since, format);
  const text = (name: string) => (name === 'modified_since' ? instant : undefined);
  // In a JSON body, seconds and milliseconds since 1970 are numbers.
  const json = (name: string) =>
    name === 'modified_since' && format.startsWith('epoch') ? Number(instant) : text(name);
  const own = Object.entries(headers).map(([name, template]) => [
    name.toLowerCase(),
    fillHeader(template, text),
  ]);
  const result: HttpRequest = {
    ...request,
    url: Object.entries(parameters).reduce(
      (url, [name, template]) => withParameter(url, name, fillText(template, text)),
      request.url,
    ),
    headers: { ...request.headers, ...(Object.fromEntries(own) as Record<string, string>) },
  };
  if (body === undefined) return result;
  const around = request.body === undefined ? {} : (parseJson(request.body) as JsonObject);
  result.headers = { 'content-type': 'application/json', ...result.headers };
  result.body = JSON.stringify(placeAt(around, '', fillJson(body, json)));
  return result;
}

function itemsIn(
  name: string,
  phase: Place['phase'],
  list: ListConfig | DeletedListConfig,
  response: HttpResponse,
  recordType: RecordTypeConfig,
  config: RestConfig,
  session: Session,
): { items: JsonValue[]; body: JsonValue | undefined } {
  const answer = readAnswer(response, rulesFor(config, recordType), NO_FIELDS, session.quotable);
  if (answer.meaning !== 'done') throw aboutDataset(answer.error, name, phase, response.status);
  if (response.status === 204) return { items: [], body: undefined };
  if (answer.body === undefined) throw unreadable(session.quotable(response));
  const found = readAt(answer.body, list.items);
  const items = itemsOf(found, list);
  if (items !== undefined) return { items, body: answer.body };
  const where = list.items === '' ? 'The response' : `The value at ${list.items} of the response`;
  throw notReadable(name, phase, 'no_list', `${where} is ${found === undefined ? 'missing' : 'not a list'}.`);
}

/** Undefined for a value of another shape than the configuration says. */
function itemsOf(
  found: JsonValue | undefined,
  { items_as: shape, key_at: keyAt }: ListConfig | DeletedListConfig,
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

/** The deleted records follow the records of an incremental run, if they have a separate list. */
function cursorAfter(
  next: Place | null,
  { phase }: Place,
  { modifiedSince }: ReadRequest,
  recordType: RecordTypeConfig,
): string | null {
  if (next !== null) return writePlace(next);
  const isDeletedNext = phase === 'list' && modifiedSince !== null && recordType.deleted_list !== undefined;
  return isDeletedNext ? writePlace({ phase: 'deleted_list' }) : null;
}

function clockIn(
  { as_of: asOf }: ListConfig,
  { headers }: HttpResponse,
  body: JsonValue | undefined,
): Date | null {
  if (asOf === undefined) return readInstant(headers['date'], 'http_date');
  return readInstant('at' in asOf ? readAt(body, asOf.at) : headers[asOf.header.toLowerCase()], asOf.format);
}
