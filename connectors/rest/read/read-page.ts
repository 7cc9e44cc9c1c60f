/**
 * Reads one page of a record type by configuration, with one request, and one per record with `detail`. An
 * incomplete response is Unavailable. A response that does not match the configuration is RecordRejected: the
 * dataset cannot be read. Neither counts as an empty list.
 */
import type { JsonValue } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import type { HttpResponse, ReadPage, ReadRequest } from '../../connector';
import { isTrueOf, NO_FIELDS, readAnswer, rulesFor, unreadable } from '../http/response-rules';
import type { RecordTypeConfig, RestConfig } from '../config/config';
import type { DeletedListConfig, ListConfig } from '../config/config-read';
import type { RestContext } from '../http/credentials';
import { aboutDataset, notReadable } from './dataset-errors';
import { placesIn, readAt } from '../json-pointer';
import { type DetailReading, withDetails } from './details';
import { itemsOf } from './items-of';
import { keptOfDeletedList, keptOfList } from './kept-members';
import { listRequest, timesOf, usesNow } from './list-request';
import { numberIn } from './number-in-answer';
import { canGoOn, isBehindTheEnd, nextPlace, pageRequest } from './paging';
import { placeAfterParent, placeAtParent } from './parents';
import { selectedFields } from '../http/selected-fields';
import { BEGINNING, type Place, isFirst, readPlace, writePlace } from './read-position';
import { readDeletedItems, type ReadItems, readItems } from './read-items';
import { type Session, openSession } from '../http/session';
import type { Variables } from '../http/templates';
import { readInstant } from './time-format';
import { withPartition } from './partitions';
import { withinWindow } from './window';
import {
  checkKnown,
  type Feed,
  feedOf,
  isTokenAddress,
  listOfChanges,
  tokenAtEnd,
  tokenAtStart,
  withToken,
} from './sync-token';

/** Childless parents in a row that one call skips. */
const PARENTS_MAX = 20;
const LISTS_NAMED_MAX = 5;

export async function readRestPage(
  request: ReadRequest,
  recordType: RecordTypeConfig,
  context: RestContext,
): Promise<ReadPage> {
  const { config } = context;
  const mapping = context.mappings[request.recordType];
  const fields = selectedFields(recordType, mapping);
  const known = (name: string) => (name === 'fields' ? fields : undefined);
  const feed = feedOf(recordType, config, request, known);
  const position = positionIn(request, recordType, config, feed);
  const session = await openSession(context);
  const reading = { request, recordType, context, session, mapping, fields, feed, ...position };
  const { list } = position;
  if (feed !== undefined) return readFeedAt(position.place, { ...reading, feed }, known);
  if (!('parents' in list) || list.parents === undefined) return readPageAt(position.place, reading);

  let { place } = position;
  let asOf: Date | null | undefined;
  for (let parents = 0; ; parents += 1) {
    const own = { config, recordType, name: request.recordType, session };
    const here = await placeAtParent(list, place, own);
    const page = here === null ? endOf(place, reading) : await readPageAt(here, reading);
    // Of the first call: later ones could miss what was changed before them.
    if (asOf === undefined) asOf = page.asOf;
    const isEmpty = page.records.length + page.unreadable.length === 0;
    const next = page.nextCursor === null ? undefined : readPlace(page.nextCursor);
    if (!isEmpty || next === undefined || next.phase !== place.phase || parents === PARENTS_MAX)
      return { ...page, asOf, mayRepeat: true };
    place = next;
  }
}

interface Reading {
  request: ReadRequest;
  recordType: RecordTypeConfig;
  context: RestContext;
  session: Session;
  mapping: RecordTypeMapping | undefined;
  fields: string[] | undefined;
  /** Of a record type that follows sync tokens. */
  feed: Feed | undefined;
  list: ListConfig | DeletedListConfig;
  fullList: ListConfig;
}

/** A token of now is taken before everything is read, so that no change in between is lost. */
async function readFeedAt(
  place: Place,
  reading: Reading & { feed: Feed },
  known: Variables,
): Promise<ReadPage> {
  const { request, context, recordType, session, feed } = reading;
  const isStart = request.syncToken === null && isFirst(place) && feed.phase !== place.phase;
  if (!isStart) return readPageAt(place, reading);
  const dataset = { config: context.config, recordType, name: request.recordType, session };
  const syncToken = await tokenAtStart(feed, known, dataset);
  return { ...(await readPageAt(place, reading)), syncToken };
}

/** A page without records, behind the last one of the list. */
function endOf(place: Place, { request, recordType }: Reading, asOf: Date | null = null): ReadPage {
  const nextCursor = cursorAfter(null, place, request, recordType);
  return { records: [], unreadable: [], nextCursor, asOf, total: null };
}

async function readPageAt(place: Place, reading: Reading): Promise<ReadPage> {
  const { request, recordType, context, session, mapping, fields, feed, list, fullList } = reading;
  const { config } = context;
  const { recordType: name, modifiedSince } = request;
  const records = place.phase === 'deleted_list' ? undefined : recordType[place.phase];
  const clock = records ?? fullList;
  const since = place.since === undefined ? modifiedSince : new Date(place.since);
  const now = since !== null && usesNow(list) ? (place.now ?? Date.now()) : undefined;
  const here: Place = { ...place, ...(now !== undefined && { now }) };
  const interval = since && { since, until: new Date(now ?? 0) };
  const known = timesOf(list, interval);
  const kept =
    records === undefined ? keptOfDeletedList(list, recordType) : keptOfList(records, recordType, mapping);
  const ofList = new Map<string, JsonValue | undefined>([
    ['fields', fields],
    ['parent_id', place.parent],
  ]);
  const whole = { ...listRequest(config, list, interval, (variable) => ofList.get(variable)), kept };
  const part = request.range === undefined ? whole : withPartition(whole, request.range);
  const call = withToken(part, feed, config, name);
  const sent = isTokenAddress(feed, place) ? call : pageRequest(call, list.paging, place, { known });
  const response = await session.send(sent);
  checkKnown(feed, place, response, { config, recordType, name });
  const asOf = (body: JsonValue | undefined) => earlier(clockIn(clock, response, body), now);
  const isUnchanged = response.status === 304 && modifiedSince !== null && isFirst(place);
  const isMissing = place.parent !== undefined && isMissingParent(response, reading);
  if (isUnchanged || isMissing || isBehindTheEnd(list.paging, place, response)) {
    const next = placeAfterParent(place, isMissing, name);
    if (next === null) return endOf(here, reading, asOf(undefined));
    const nextCursor = cursorAfter(next, here, request, recordType);
    return { ...endOf(here, reading, asOf(undefined)), nextCursor };
  }

  const { items: listed, body } = itemsIn(name, place.phase, list, response, recordType, config, session);
  const total = records === undefined ? null : numberIn(records.total, response, body);
  const answer = { request: sent, response, body, items: listed, total };
  const behind = nextPlace(list.paging, place, answer, config);
  const { next, items } =
    records === undefined ? { next: behind, items: listed } : withinWindow(records, place, behind, listed);
  if (!next.ok) throw notReadable(name, place.phase, 'next_page_unusable', next.problem);
  const ofRecords = { ...reading, config, name, part: place.phase, signal: context.signal };
  const read =
    records === undefined
      ? readDeletedItems(items, list, recordType)
      : await readListed(listOfChanges(records, feed), items, ofRecords);
  const { parent, parents } = place;
  const after =
    next.place === null || parent === undefined
      ? (next.place ?? placeAfterParent(place, false, name))
      : { ...next.place, parent, ...(parents !== undefined && { parents }) };
  return {
    ...read,
    ...(after === null && { syncToken: tokenAtEnd(feed, place.phase, { ...answer, config, name }) }),
    nextCursor: cursorAfter(after, here, request, recordType),
    asOf: asOf(body),
    // Of a later window: the records that remain. Of a parent: its own.
    total: place.since === undefined && parent === undefined ? total : null,
  };
}

function isMissingParent(response: HttpResponse, { context, recordType, session }: Reading): boolean {
  if (response.status < 400) return false;
  const rules = rulesFor(context.config, recordType);
  return readAnswer(response, rules, NO_FIELDS, session.quotable).meaning === 'missing';
}

/** The place of the page, the list that it belongs to, and the list of full runs. */
function positionIn(
  { recordType: name, modifiedSince, cursor }: ReadRequest,
  recordType: RecordTypeConfig,
  config: RestConfig,
  feed: Feed | undefined,
): { place: Place; list: ListConfig | DeletedListConfig; fullList: ListConfig } {
  const isOfChanges = feed === undefined ? modifiedSince !== null : feed.token !== undefined;
  const first: Place = isOfChanges && recordType.changes !== undefined ? { phase: 'changes' } : BEGINNING;
  const place = cursor === null ? first : readPlace(cursor);
  const list = place && recordType[place.phase];
  const { list: fullList } = recordType;
  if (fullList === undefined)
    throw notReadable(name, 'list', 'not_configured', 'the configuration does not describe how to read it.');
  if (place === undefined || list === undefined || !canGoOn(list.paging, place, config))
    throw notReadable(
      name,
      'list',
      'cursor_unusable',
      'the configuration has changed since the previous page was read. The next run starts over.',
    );
  return { place, list, fullList };
}

async function readListed(
  list: ListConfig,
  items: readonly JsonValue[],
  reading: DetailReading,
): Promise<ReadItems> {
  const { recordType } = reading;
  if (list.detail === undefined) return readItems(items, list, recordType);
  const detailed = await withDetails(list, items, reading);
  const single = { ...list, item_at: '', id: undefined, version: undefined };
  const { records, unreadable: unusable } = readItems(detailed.items, single, recordType);
  return { records, unreadable: [...unusable, ...detailed.unreadable] };
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
  if (found === undefined && isTrueOf(list.empty, answer.body)) return { items: [], body: answer.body };
  const where = list.items === '' ? 'The answer' : `The value at ${list.items} of the answer`;
  const what = `${where} is ${found === undefined ? 'missing' : 'not a list'}.`;
  throw notReadable(name, phase, 'no_list', `${what}${listsIn(answer.body)}`);
}

/** Where the answer has lists, for people. */
function listsIn(body: JsonValue): string {
  const lists = placesIn(body).flatMap(([at, value]) => (Array.isArray(value) ? [at] : []));
  return lists.length === 0 ? '' : ` It has lists at: ${lists.slice(0, LISTS_NAMED_MAX).join(', ')}.`;
}

/** The deleted records follow the records of an incremental run, if they have a separate list. */
function cursorAfter(
  next: Place | null,
  { phase, now, since }: Place,
  { modifiedSince }: ReadRequest,
  recordType: RecordTypeConfig,
): string | null {
  const kept = now === undefined ? {} : { now };
  if (next !== null) return writePlace({ ...(since !== undefined && { since }), ...next, ...kept });
  const isDeletedNext =
    phase !== 'deleted_list' && modifiedSince !== null && recordType.deleted_list !== undefined;
  return isDeletedNext ? writePlace({ phase: 'deleted_list', ...kept }) : null;
}

/** A record that was modified after the end of the interval belongs to the next one. */
function earlier(clock: Date | null, now: number | undefined): Date | null {
  if (now === undefined) return clock;
  return new Date(Math.min(now, clock?.getTime() ?? now));
}

function clockIn(
  { as_of: asOf }: ListConfig,
  { headers }: HttpResponse,
  body: JsonValue | undefined,
): Date | null {
  if (asOf === undefined) return readInstant(headers['date'], 'http_date');
  return readInstant('at' in asOf ? readAt(body, asOf.at) : headers[asOf.header.toLowerCase()], asOf.format);
}
