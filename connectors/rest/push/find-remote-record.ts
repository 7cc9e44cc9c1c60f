/**
 * Finds the record of the third party with a given Syncline id, and reads id and version from a response.
 * Search results are checked: if they contain only other records, that is an error and not "not found",
 * because a creation would then make duplicates.
 */
import type { JsonValue } from '../../../domain/json';
import { isJsonObject } from '../../../domain/json';
import type { HttpResponse, PushItem } from '../../connector';
import { RecordRejected, Unavailable } from '../../errors';
import { isTrueOf, unreadable } from '../http/response-rules';
import { type RecordCalls, externalIdPointer, fillForRecord, ownIdOf, sendCall } from '../http/calls';
import type { RecordTypeConfig } from '../config/config';
import { readAt } from '../json-pointer';

export interface Remote {
  /** Null if calls are addressed by the Syncline id and the third party's id is not known. */
  id: string | null;
  version: string | null;
}

const ID_LENGTH_MAX = 512;

/**
 * The record with the Syncline id; undefined if it does not exist. Throws if there are several, or only other
 * records.
 */
export async function findRemote(calls: RecordCalls): Promise<Remote | undefined> {
  const { recordType } = calls;
  if (recordType.find === undefined) return undefined;
  const { items, item_at: itemAt = '', empty } = recordType.find;
  const answer = await sendCall(calls, recordType.find, { method: 'GET', remoteId: ownIdOf(calls) });
  if (answer.meaning === 'missing' && items === undefined) return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  if (answer.response.status === 204 || isTrueOf(empty, answer.body)) return undefined;
  const found = readAt(answer.body, items ?? recordType.record_at);
  if (found === null) return undefined;
  if (items === undefined)
    return isJsonObject(found) ? theOne(calls, [found], answer.response) : refuse(answer.response);
  if (!Array.isArray(found)) return refuse(answer.response);
  // The headers of a response with a list concern the list.
  return theOne(
    calls,
    found.map((entry) => readAt(entry, itemAt)),
    { ...answer.response, headers: {} },
  );
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

/** The error for a response that lacks the expected id. */
export function withoutId(response: HttpResponse): Unavailable {
  return new Unavailable(
    `The third party answered ${response.status}, but without an id where the configuration expects it.`,
    response.status,
  );
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

function theOne(
  calls: RecordCalls,
  records: (JsonValue | undefined)[],
  response: HttpResponse,
): Remote | undefined {
  const living = records.filter((record) => !isTrueOf(calls.recordType.tombstone, record));
  const matching = living.filter((record) => hasRecordId(calls, record));
  if (matching.length > 1) {
    throw rejected(
      `${matching.length} records in the third party have the id ${calls.item.externalId}.`,
      'ambiguous',
      'Keep one of them in the third party and remove the others, then retry.',
    );
  }
  // Most APIs ignore a filter that they do not support and return all records.
  if (matching.length === 0 && living.length > 0) {
    throw rejected(
      `The search for ${calls.item.externalId} returned ${living.length} records without that id.`,
      'find_not_exact',
      'Nothing was sent, because a duplicate could be created. ' +
        'Make find in the configuration exact: the third party seems to ignore its filter.',
    );
  }
  return matching.length === 0 ? undefined : remoteOfRecord(calls, matching[0], response);
}

function hasRecordId(calls: RecordCalls, record: JsonValue | undefined): boolean {
  const externalIdAt = externalIdPointer(calls.recordType);
  const match =
    calls.recordType.find?.match ??
    (externalIdAt === undefined ? undefined : { at: externalIdAt, value: '{external_id}' });
  if (match === undefined) return true;
  const value = readAt(record, match.at);
  return (
    value !== undefined && typeof value !== 'object' && String(value) === fillForRecord(calls, match.value)
  );
}

function remoteOfRecord(calls: RecordCalls, record: JsonValue | undefined, response: HttpResponse): Remote {
  const id = idIn(calls.recordType, record, response) ?? ownIdOf(calls);
  if (id === undefined) throw withoutId(response);
  return { id, version: versionIn(calls.recordType, record, response) };
}

function rejected(message: string, code: string, explanation: string): RecordRejected {
  return new RecordRejected(message, [{ field: null, remoteField: null, code, message, explanation }]);
}

function refuse(response: HttpResponse): never {
  throw unreadable(response);
}

/**
 * True for a text or number that can be an id: not empty, of reasonable length, without control characters.
 */
export function singleValue(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  return text !== '' &&
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
