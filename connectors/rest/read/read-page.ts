/**
 * Reads one page of a record type by configuration, with one request, and one per record with `detail`. An
 * incomplete response is Unavailable. A response that does not match the configuration is RecordRejected: the
 * dataset cannot be read. Neither counts as an empty list. What lists have beside paging is in `ways/`.
 */
import type { JsonValue } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { clockMs } from '../../clock';
import type { HttpRequest, HttpResponse, ReadPage, ReadRequest } from '../../connector';
import type { RecordTypeConfig, RestConfig } from '../config/config';
import type { DeletedListConfig, ListConfig } from '../config/config-read';
import type { RestContext } from '../http/credentials';
import { selectedFields } from '../http/selected-fields';
import { openSession } from '../http/session';
import type { Variables } from '../http/templates';
import { readAt } from '../json-pointer';
import { type DatasetReading, notReadable } from './dataset-errors';
import { itemsIn } from './items-of';
import { keptOfDeletedList, keptOfList } from './kept-members';
import { listRequest, timesOf, usesNow } from './list-request';
import { numberIn } from './number-in-answer';
import { canGoOn, isBehindTheEnd, LAST, nextPlace, pageRequest } from './paging';
import { readDeletedItems } from './read-items';
import { BEGINNING, isFirst, type Place, readPlace, writePlace } from './read-position';
import { readInstant } from './time-format';
import { readListed } from './ways/details';
import { byParent, readPerParent } from './ways/parents';
import { byPartition } from './ways/partitions';
import { byToken, type Feed, feedOf, listOfChanges, tokenAtStart } from './ways/sync-token';
import type { ReadingWay, Step } from './ways/way';
import { byWindow } from './ways/window';

export async function readRestPage(
  request: ReadRequest,
  recordType: RecordTypeConfig,
  context: RestContext,
): Promise<ReadPage> {
  const { config, signal } = context;
  const name = request.recordType;
  const mapping = context.mappings[name];
  const fields = selectedFields(recordType, mapping);
  const known: Variables = (variable) => (variable === 'fields' ? fields : undefined);
  const feed = feedOf(recordType, config, request, known);
  const position = positionIn(request, recordType, config, feed);
  const { place, list } = position;
  const records = place.phase === 'deleted_list' ? undefined : recordType[place.phase];
  const dataset = { config, recordType, name, session: await openSession(context) };
  const ways = [
    byPartition(request.range),
    byToken(feed, place, dataset),
    byWindow(records),
    byParent(dataset),
  ];
  const reading: Reading = { ...dataset, ...position, request, signal, mapping, fields, feed, records, ways };
  const isStart =
    request.syncToken === null && isFirst(place) && feed !== undefined && feed.phase !== place.phase;
  const syncToken = isStart ? await tokenAtStart(feed, known, dataset) : undefined;
  const read = (here: Place) => readPageAt(here, reading);
  const end = (here: Place) => endOf(here, reading);
  const page = await readPerParent(list, place, { read, end }, dataset);
  return isStart ? { ...page, syncToken } : page;
}

interface Reading extends DatasetReading {
  request: ReadRequest;
  signal: AbortSignal;
  mapping: RecordTypeMapping | undefined;
  fields: string[] | undefined;
  /** Of a record type that follows sync tokens. */
  feed: Feed | undefined;
  list: ListConfig | DeletedListConfig;
  /** The list; undefined: it has deleted records. */
  records: ListConfig | undefined;
  fullList: ListConfig;
  ways: readonly ReadingWay[];
}

/** A page without records, behind the last one of the list. */
function endOf(place: Place, { request, recordType }: Reading): ReadPage {
  const nextCursor = cursorAfter(null, place, request, recordType);
  return { records: [], unreadable: [], nextCursor, asOf: null, total: null };
}

async function readPageAt(place: Place, reading: Reading): Promise<ReadPage> {
  const { request, recordType, config, session, mapping, fields, feed, list, records, ways } = reading;
  const since = place.since === undefined ? request.modifiedSince : new Date(place.since);
  const now = since !== null && usesNow(list) ? (place.now ?? clockMs()) : undefined;
  const interval = since && { since, until: new Date(now ?? 0) };
  const ofList = new Map<string, JsonValue | undefined>([
    ['fields', fields],
    ['parent_id', place.parent],
  ]);
  const kept =
    records === undefined ? keptOfDeletedList(list, recordType) : keptOfList(records, recordType, mapping);
  const whole: HttpRequest = {
    ...listRequest(config, list, interval, (variable) => ofList.get(variable)),
    kept,
  };
  const call = ways.reduce((sent, way) => way.request?.(sent) ?? sent, whole);
  const from = ways.reduce((at, way) => way.from?.(at) ?? at, place);
  const sent = pageRequest(call, list.paging, from, { known: timesOf(list, interval) });
  const response = await session.send(sent);

  const isUnchanged = response.status === 304 && request.modifiedSince !== null && isFirst(place);
  const isEnd =
    ways.some((way) => way.isEnd?.(response, place)) ||
    isUnchanged ||
    isBehindTheEnd(list.paging, place, response);
  const listed = isEnd ? { items: [], body: undefined } : itemsIn(response, list, place.phase, reading);
  const total = isEnd || records === undefined ? null : numberIn(records.total, response, listed.body);
  const answer = { request: sent, response, ...listed, total };
  const paged: Step = {
    next: isEnd ? LAST : nextPlace(list.paging, place, answer, config),
    items: listed.items,
  };
  const { next, items } = ways.reduce((step, way) => way.behind?.(step, place, response) ?? step, paged);
  if (!next.ok) throw notReadable(reading.name, place.phase, 'next_page_unusable', next.problem);
  const read =
    records === undefined
      ? readDeletedItems(items, list, recordType)
      : await readListed(listOfChanges(records, feed), items, { ...reading, part: place.phase });
  const atEnd = next.place === null && !isEnd ? ways.find((way) => way.tokenAtEnd) : undefined;
  return {
    ...read,
    ...(atEnd && { syncToken: atEnd.tokenAtEnd?.(answer) }),
    nextCursor: cursorAfter(next.place, { ...place, ...(now !== undefined && { now }) }, request, recordType),
    asOf: earlier(clockIn(records ?? reading.fullList, response, listed.body), now),
    // Of a later window: the records that remain. Of a parent: its own.
    total: place.since === undefined && place.parent === undefined ? total : null,
  };
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
