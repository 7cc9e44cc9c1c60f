/**
 * Finds the record of the third party with a given Syncline id, and reads id and version from a response.
 * Search results are checked: if they contain only other records, that is an error and not "not found",
 * because a creation would then make duplicates.
 */
import type { JsonValue } from '../../../domain/json';
import { isJsonObject } from '../../../domain/json';
import { matchForm } from '../../../domain/records/match-value';
import type { HttpRequest, HttpResponse, PushItem } from '../../connector';
import { RecordRejected, UnusableAnswer } from '../../errors';
import { type Answer, isTrueOf, unreadable } from '../http/response-rules';
import {
  type RecordCalls,
  answerIn,
  externalIdPointer,
  fillForRecord,
  ownIdOf,
  requestOf,
} from '../http/calls';
import type { RecordTypeConfig } from '../config/config';
import type { PagingConfig } from '../config/config-read';
import { readAt } from '../json-pointer';
import { textVariables } from '../http/templates';
import { isBehindTheEnd, nextPlace, pageRequest } from '../read/paging';
import { BEGINNING, type Place } from '../read/read-position';

export interface Remote {
  /** Null if calls are addressed by the Syncline id and the third party's id is not known. */
  id: string | null;
  version: string | null;
}

type MatchConfig = NonNullable<NonNullable<RecordTypeConfig['find']>['match']>;
type Done = Extract<Answer, { meaning: 'done' }>;

const ID_LENGTH_MAX = 512;
/** A search with more pages is not specific enough to be repeated for every record. */
const SIMILAR_PAGES_MAX = 20;

/**
 * The record with the Syncline id; undefined if it does not exist. Throws if there are several, or only other
 * records, or if it belongs to another record of Syncline.
 */
export async function findRemote(calls: RecordCalls): Promise<Remote | undefined> {
  const found = await searchRemote(calls);
  if (found !== undefined && found.id !== null) await calls.context.claimRemote?.(calls.item, found.id);
  return found;
}

/** Like `findRemote`, without a claim. */
export async function searchRemote(calls: RecordCalls): Promise<Remote | undefined> {
  const { find } = calls.recordType;
  if (find === undefined) return undefined;
  const request = requestOf(calls, find, { method: 'GET', remoteId: ownIdOf(calls) });
  if (find.exact === false && find.paging !== undefined) return findAmongSimilar(calls, find.paging, request);
  const answer = answerIn(calls, await calls.session.send(request));
  if (answer.meaning === 'missing' && (find.items === undefined || answer.isNamed)) return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  const { records, response } = foundIn(calls, answer);
  const { living, matching } = matchesIn(calls, records);
  // Most APIs ignore a filter that they do not support and return all records.
  if (matching.length === 0 && living.length > 0) {
    throw rejected(
      `The search for ${calls.item.externalId} returned ${living.length} records without that id.`,
      'find_not_exact',
      'Nothing was sent, because a duplicate could be created. Make find in the configuration exact: the ' +
        'third party seems to ignore its filter. If it returns similar records too, set "exact": false.',
    );
  }
  return matching.length === 0 ? undefined : remoteOfRecord(calls, matching[0], response);
}

/** Reads the pages of a search until one contains the record. */
async function findAmongSimilar(
  calls: RecordCalls,
  paging: PagingConfig,
  request: HttpRequest,
): Promise<Remote | undefined> {
  let place: Place | null = BEGINNING;
  for (let page = 0; page < SIMILAR_PAGES_MAX; page += 1) {
    const sent = pageRequest(request, paging, place);
    const received = await calls.session.send(sent);
    if (isBehindTheEnd(paging, place, received)) return undefined;
    const answer = answerIn(calls, received);
    if (answer.meaning === 'missing' && answer.isNamed) return undefined;
    if (answer.meaning !== 'done') throw answer.error;
    const { records, items, response } = foundIn(calls, answer);
    const { matching } = matchesIn(calls, records);
    if (matching.length > 0) return remoteOfRecord(calls, matching[0], response);
    const read = { request: sent, response: answer.response, body: answer.body, items, total: null };
    const next = nextPlace(paging, place, read, calls.config);
    if (!next.ok)
      throw rejected(
        `The search for ${calls.item.externalId} cannot be continued: ${next.problem}`,
        'find_not_complete',
        'Nothing was sent, because a duplicate could be created. Correct the paging of find.',
      );
    if (next.place === null) return undefined;
    place = next.place;
  }
  throw rejected(
    `The search for ${calls.item.externalId} has more than ${SIMILAR_PAGES_MAX} pages of other records.`,
    'find_not_exact',
    'Nothing was sent, because a duplicate could be created. Make find more exact, or its pages larger.',
  );
}

/** The records in the response to a search. */
function foundIn(
  { recordType }: RecordCalls,
  { response, body }: Done,
): { records: (JsonValue | undefined)[]; items: JsonValue[]; response: HttpResponse } {
  const { items: at, item_at: itemAt = '', empty } = recordType.find ?? {};
  const none = { records: [], items: [], response };
  if (response.status === 204 || isTrueOf(empty, body)) return none;
  const found = readAt(body, at ?? recordType.record_at);
  if (found === null) return none;
  if (at === undefined) return isJsonObject(found) ? { ...none, records: [found] } : refuse(response);
  if (!Array.isArray(found)) return refuse(response);
  const records = found.map((entry) => readAt(entry, itemAt));
  // The headers of a response with a list concern the list.
  return { records, items: found, response: { ...response, headers: {} } };
}

/** The id in the response to a create or upsert; undefined if it contains none. */
export function idIn(
  { id }: RecordTypeConfig,
  record: JsonValue | undefined,
  { headers }: Pick<HttpResponse, 'headers'>,
): string | undefined {
  if (typeof id === 'string') return singleValue(readAt(record, id));
  if ('template' in id) return undefined;
  if (!('header' in id)) return singleValue(readAt(record, id.at));
  // A Location header is an address; the id is its last part.
  const last = headers[id.header.toLowerCase()]?.split(/[?#]/)[0]?.split('/').filter(Boolean).at(-1);
  return singleValue(last === undefined ? undefined : decoded(last)) ?? singleValue(readAt(record, id.at));
}

/** The version in a response about one record; null if it contains none. */
export function versionIn(
  { version }: RecordTypeConfig,
  record: JsonValue | undefined,
  { headers }: Pick<HttpResponse, 'headers'>,
): string | null {
  if (version === undefined) return null;
  const value = typeof version === 'string' ? readAt(record, version) : headers[version.header.toLowerCase()];
  return singleValue(value) ?? null;
}

/** Where a record of a response has its id; undefined where Syncline assigns it. */
export function idPointerOf({ id }: RecordTypeConfig): string | undefined {
  if (typeof id === 'string') return id;
  return 'at' in id ? id.at : undefined;
}

function foundWithoutId({ status }: HttpResponse): UnusableAnswer {
  const message = `The third party answered ${status} to the search, but without an id where the configuration expects it.`;
  return new UnusableAnswer(message, status);
}

/** The error for a record that may have been sent once and cannot be searched. */
export function notFindable(item: PushItem): RecordRejected {
  const message = [
    `The record ${item.externalId} may exist in the third party, but its id is not known,`,
    'and the configuration has no find.',
  ].join(' ');
  return rejected(
    message,
    'not_findable',
    'Search for the record in the third party, or add find to the configuration.',
  );
}

/** Throws if several records match. */
function matchesIn(
  calls: RecordCalls,
  records: (JsonValue | undefined)[],
): { living: (JsonValue | undefined)[]; matching: (JsonValue | undefined)[] } {
  const living = records.filter((record) => !isTrueOf(calls.recordType.tombstone, record));
  const matching = matchingRecords(calls, living);
  if (matching.length <= 1) return { living, matching };
  throw rejected(
    `${matching.length} records in the third party have the id ${calls.item.externalId}.`,
    'ambiguous',
    'Keep one of them in the third party and remove the others, then retry.',
  );
}

/** Records with exactly the value take precedence over those that differ in upper and lower case. */
function matchingRecords(calls: RecordCalls, records: (JsonValue | undefined)[]): (JsonValue | undefined)[] {
  const externalIdAt = externalIdPointer(calls.recordType);
  const match: MatchConfig | undefined =
    calls.recordType.find?.match ??
    (externalIdAt === undefined ? undefined : { at: externalIdAt, value: '{external_id}' });
  if (match === undefined) return records;
  const valued = records.flatMap((record) => {
    const value = readAt(record, match.at);
    return value === undefined || typeof value === 'object' ? [] : [{ record, value: String(value) }];
  });
  if (valued.length === 0) return [];
  const wanted = fillForRecord(calls, match.value);
  const exact = valued.filter(({ value }) => value === wanted);
  if (exact.length > 0) return exact.map(({ record }) => record);
  // Two ids of Syncline can differ in nothing but the case of a letter, even if they look like addresses.
  const isId = textVariables(match.value).includes('external_id');
  if (isId && match.ignore_case !== true) return [];
  const form = (value: string) => matchForm(value, { ignoresCase: match.ignore_case ?? false });
  const matching = valued.filter(({ value }) => form(value) === form(wanted));
  return matching.map(({ record }) => record);
}

function remoteOfRecord(calls: RecordCalls, record: JsonValue | undefined, response: HttpResponse): Remote {
  const { find } = calls.recordType;
  const own = find?.id === undefined ? undefined : singleValue(readAt(record, find.id));
  const id = own ?? idIn(calls.recordType, record, response) ?? ownIdOf(calls);
  if (id === undefined) throw foundWithoutId(response);
  return { id, version: versionIn(calls.recordType, record, response) };
}

function rejected(message: string, code: string, explanation: string): RecordRejected {
  return new RecordRejected(message, [{ field: null, remoteField: null, code, message, explanation }]);
}

function refuse(response: HttpResponse): never {
  throw unreadable(response);
}

/**
 * A text or number that can be an id: not blank, of reasonable length, without control characters.
 */
export function singleValue(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  return text.trim() !== '' &&
    text.length <= ID_LENGTH_MAX &&
    (isVisibleAscii(text) || !/[\p{Cc}\p{Surrogate}]/u.test(text))
    ? text
    : undefined;
}

/** A fast path for most ids: a million of them are read in a tenth of the time. */
function isVisibleAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
