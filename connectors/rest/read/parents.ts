/**
 * Lists per parent: `/companies`, then `/companies/{parent_id}/people` for each company. The stored position
 * holds the ids of the parents that have not been read yet.
 */
import { pageBytesMax } from '../../page-size';
import type { ListConfig, ParentsConfig } from '../config/config-read';
import { requestTo } from '../http/calls';
import { NO_FIELDS, readAnswer, rulesFor } from '../http/response-rules';
import { readAt } from '../json-pointer';
import { singleValue } from '../push/find-remote-record';
import { aboutDataset, type DatasetReading, notReadable } from './dataset-errors';
import { itemsOf } from './items-of';
import { isBehindTheEnd, nextPlace, pageRequest } from './paging';
import type { Parents, Place } from './read-position';

/** Pages of parents that one call reads before it finds a parent. */
const PARENT_PAGES_MAX = 20;
/** So many parents in a row do not disappear at once: the address is wrong. */
const MISSING_MAX = 3;

/** The place with the parent to read; null = every parent has been read. */
export async function placeAtParent(
  { parents }: ListConfig,
  place: Place,
  reading: DatasetReading,
): Promise<Place | null> {
  if (parents === undefined || place.parent !== undefined) return place;
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

async function readParents(
  parents: ParentsConfig,
  place: Place,
  { config, recordType, name, session }: DatasetReading,
): Promise<Parents> {
  const call = {
    ...requestTo(config, parents, 'GET', () => undefined),
    responseBytesMax: pageBytesMax(config),
  };
  const request = pageRequest(call, parents.paging, place);
  const response = await session.send(request);
  if (isBehindTheEnd(parents.paging, place, response)) return { waiting: [], next: null };
  const answer = readAnswer(response, rulesFor(config, recordType), NO_FIELDS, session.quotable);
  if (answer.meaning !== 'done') throw aboutDataset(answer.error, name, 'parents', response.status);
  const items = itemsOf(readAt(answer.body, parents.items), {});
  if (items === undefined)
    throw notReadable(name, 'parents', 'no_list', `there is no list at ${parents.items} of the response.`);
  const waiting = items.map((item) => singleValue(readAt(item, parents.id)));
  if (waiting.includes(undefined))
    throw notReadable(name, 'parents', 'no_id', `a parent has no usable id at ${parents.id}.`);
  const read = { request, response, body: answer.body, items, total: null };
  const behind = nextPlace(parents.paging, place, read, config);
  if (!behind.ok) throw notReadable(name, 'parents', 'next_page_unusable', behind.problem);
  if (behind.place === null) return { waiting: waiting as string[], next: null };
  const { phase: _, ...next } = behind.place;
  return { waiting: waiting as string[], next };
}

/** The place after the last page of a parent; null = it was the last parent. */
export function placeAfterParent({ phase, parents }: Place, isMissing: boolean, name: string): Place | null {
  if (parents === undefined) return null;
  const missing = !isMissing || parents.missing === null ? null : (parents.missing ?? 0) + 1;
  if (missing !== null && missing >= MISSING_MAX)
    throw notReadable(name, 'list', 'parent_not_found', `the lists of ${missing} parents do not exist.`);
  if (parents.waiting.length === 0 && parents.next === null) return null;
  return { phase, parents: { ...parents, missing } };
}
