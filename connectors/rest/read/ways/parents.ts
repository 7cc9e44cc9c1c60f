/**
 * Lists per parent: `/companies`, then `/companies/{parent_id}/people` for each company. The stored position
 * holds the ids of the parents that have not been read yet.
 */
import { pageBytesMax } from '../../../page-size';
import type { HttpResponse, ReadPage } from '../../../connector';
import type { DeletedListConfig, ListConfig, ParentsConfig } from '../../config/config-read';
import { requestTo } from '../../http/calls';
import { NO_FIELDS, readAnswer, rulesFor } from '../../http/response-rules';
import { readAt } from '../../json-pointer';
import { singleValue } from '../../push/find-remote-record';
import { type DatasetReading, notReadable } from '../dataset-errors';
import { itemsIn } from '../items-of';
import { isBehindTheEnd, nextPlace, pageRequest } from '../paging';
import { type Parents, type Place, readPlace } from '../read-position';
import type { ReadingWay } from './way';

/** Pages of parents that one call reads before it finds a parent. */
const PARENT_PAGES_MAX = 20;
/** So many parents in a row do not disappear at once: the address is wrong. */
const MISSING_MAX = 3;

/** Childless parents in a row that one call skips. */
const CHILDLESS_MAX = 20;

interface PageReader {
  /** Of the parent that the place names. */
  read(place: Place): Promise<ReadPage>;
  /** Behind the last parent. */
  end(place: Place): ReadPage;
}

/** The page at a place; of a list per parent, that of the next parent that has one. */
export async function readPerParent(
  list: ListConfig | DeletedListConfig,
  first: Place,
  { read, end }: PageReader,
  reading: DatasetReading,
): Promise<ReadPage> {
  if (!('parents' in list) || list.parents === undefined) return read(first);
  let place = first;
  let asOf: Date | null | undefined;
  for (let childless = 0; ; childless += 1) {
    const here = await placeAtParent(list.parents, place, reading);
    const page = here === null ? end(place) : await read(here);
    // Of the first call: later ones could miss what was changed before them.
    if (asOf === undefined) asOf = page.asOf;
    const isEmpty = page.records.length + page.unreadable.length === 0;
    const next = page.nextCursor === null ? undefined : readPlace(page.nextCursor);
    if (!isEmpty || next === undefined || next.phase !== place.phase || childless === CHILDLESS_MAX)
      return { ...page, asOf, mayRepeat: true };
    place = next;
  }
}

/** Reads the list of one parent after the other. A parent without a list has no records. */
export function byParent({ config, recordType, name, session }: DatasetReading): ReadingWay {
  const isMissing = (response: HttpResponse): boolean =>
    response.status >= 400 &&
    readAnswer(response, rulesFor(config, recordType), NO_FIELDS, session.quotable).meaning === 'missing';
  return {
    isEnd: (response, { parent }) => parent !== undefined && isMissing(response),
    behind(step, place, response) {
      const { parent, parents } = place;
      const { next, items } = step;
      if (!next.ok || parent === undefined) return step;
      const after =
        next.place === null
          ? placeAfterParent(place, isMissing(response), name)
          : { ...next.place, parent, ...(parents !== undefined && { parents }) };
      return { next: { ok: true, place: after }, items };
    },
  };
}

/** The place with the parent to read; null = every parent has been read. */
async function placeAtParent(
  parents: ParentsConfig,
  place: Place,
  reading: DatasetReading,
): Promise<Place | null> {
  if (place.parent !== undefined) return place;
  let { waiting, next, missing = 0 } = place.parents ?? { waiting: [], next: {} };
  for (let pages = 0; waiting.length === 0 && next !== null; pages += 1) {
    if (pages === PARENT_PAGES_MAX)
      throw notReadable(
        reading.name,
        'parents',
        'no_parents',
        `${PARENT_PAGES_MAX} pages of parents were empty.`,
      );
    ({ waiting, next } = await readParents(parents, { phase: place.phase, ...next }, reading));
  }
  const [parent, ...rest] = waiting;
  return parent === undefined ? null : { ...place, parent, parents: { waiting: rest, next, missing } };
}

async function readParents(parents: ParentsConfig, place: Place, reading: DatasetReading): Promise<Parents> {
  const { config, name, session } = reading;
  const call = {
    ...requestTo(config, parents, 'GET', () => undefined),
    responseBytesMax: pageBytesMax(config),
  };
  const request = pageRequest(call, parents.paging, place);
  const response = await session.send(request);
  if (isBehindTheEnd(parents.paging, place, response)) return { waiting: [], next: null };
  const { items, body } = itemsIn(response, parents, 'parents', reading);
  const waiting = items.map((item) => singleValue(readAt(item, parents.id)));
  if (waiting.includes(undefined))
    throw notReadable(name, 'parents', 'no_id', `a parent has no usable id at ${parents.id}.`);
  const behind = nextPlace(parents.paging, place, { request, response, body, items, total: null }, config);
  if (!behind.ok) throw notReadable(name, 'parents', 'next_page_unusable', behind.problem);
  if (behind.place === null) return { waiting: waiting as string[], next: null };
  const { phase: _, ...next } = behind.place;
  return { waiting: waiting as string[], next };
}

/** The place after the last page of a parent; null = it was the last parent. */
function placeAfterParent({ phase, parents }: Place, isMissing: boolean, name: string): Place | null {
  if (parents === undefined) return null;
  const missing = !isMissing || parents.missing === null ? null : (parents.missing ?? 0) + 1;
  if (missing !== null && missing >= MISSING_MAX)
    throw notReadable(name, 'list', 'parent_not_found', `the lists of ${missing} parents do not exist.`);
  if (parents.waiting.length === 0 && parents.next === null) return null;
  return { phase, parents: { ...parents, missing } };
}
