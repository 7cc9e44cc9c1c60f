/**
 * Paging: the parameters of a page and the position of the next one. A short page is not the end, because
 * many APIs reduce the page size or filter a page afterwards. Only an explicit end or an empty page is.
 */
import type { JsonValue } from '../../../domain/json';
import type { HttpRequest, HttpResponse } from '../../connector';
import { isTrueOf } from '../http/response-rules';
import type { RestConfig } from '../config/config';
import type { PagingConfig } from '../config/config-read';
import { readAt } from '../json-pointer';
import { type KeysetConfig, keyOf, keysetRequest, readKey, problemOfKey } from './keyset';
import { type NextAddress, nextInLinkHeader, resolveNext } from './next-address';
import { numberIn } from './number-in-answer';
import { type Place, isFirst, POSITION_LENGTH_MAX } from './read-position';
import { withAppended, withParameter } from '../http/query';
import { withBodyPart } from '../http/request-parts';
import { fillText, type Variables } from '../http/templates';

export interface ReadAnswer {
  request: HttpRequest;
  response: HttpResponse;
  body: JsonValue | undefined;
  items: readonly JsonValue[];
  total: number | null;
}

/** null: that was the last page. */
export type Next = { ok: true; place: Place | null } | { ok: false; problem: string };

type Counted = Extract<PagingConfig, { type: 'page' | 'offset' }>;
type ByCursor = Extract<PagingConfig, { type: 'cursor' }>;

export const LAST: Next = { ok: true, place: null };
const TOO_LONG: Next = {
  ok: false,
  problem: `the position of the next page has more than ${POSITION_LENGTH_MAX} characters.`,
};

/** The request for the page at this position. */
export function pageRequest(
  request: HttpRequest,
  paging: PagingConfig,
  place: Place,
  {
    size = 'size' in paging ? paging.size : undefined,
    known = () => undefined,
  }: { size?: number | undefined; known?: Variables } = {},
): HttpRequest {
  if (place.url !== undefined) return { ...request, url: place.url };
  if (paging.type === 'none') return request;
  const where = 'in' in paging ? paging.in : 'query';
  const sized =
    size === undefined || paging.size_parameter === undefined
      ? request
      : putParameter(request, where, paging.size_parameter, size);
  if (paging.type === 'keyset')
    return typeof place.at === 'string' ? keysetRequest(sized, paging, place.at, known) : sized;
  const at = 'first' in paging ? (place.at ?? paging.first) : place.at;
  if (paging.type === 'offset' && paging.append !== undefined) {
    const values = new Map([
      ['offset', Number(at)],
      ['size', size ?? paging.size],
    ]);
    const added = fillText(paging.append, (name) => values.get(name));
    return { ...sized, url: withAppended(sized.url, paging.parameter, added) };
  }
  const parameter = 'parameter' in paging ? paging.parameter : undefined;
  return at === undefined || parameter === undefined ? sized : putParameter(sized, where, parameter, at);
}

/**
 * Whether pages stay consistent while records are created and deleted. Page numbers do not; addresses do if
 * the configuration says so.
 */
export function isPagingStable(paging: PagingConfig): boolean {
  if (paging.type === 'none' || paging.type === 'keyset') return true;
  if (paging.type === 'page' || paging.type === 'offset') return false;
  if (paging.type === 'cursor') return paging.stable ?? paging.parameter !== undefined;
  return paging.stable;
}

/**
 * Whether reading can continue at this position: false if the configuration's paging has changed since the
 * position was stored.
 */
export function canGoOn(paging: PagingConfig, { at, url }: Place, config: RestConfig): boolean {
  if (at === undefined && url === undefined) return true;
  if (paging.type === 'none') return false;
  if (paging.type === 'keyset') return typeof at === 'string' && readKey(paging, at) !== undefined;
  if (!('parameter' in paging) || paging.parameter === undefined)
    return url !== undefined && resolveNext(url, config.base_url, config).ok;
  return paging.type === 'cursor' ? at !== undefined : typeof at === 'number';
}

export function nextPlace(paging: PagingConfig, place: Place, answer: ReadAnswer, config: RestConfig): Next {
  const { request, response } = answer;
  const follow = (address: string | undefined): Next =>
    address === undefined || address === ''
      ? LAST
      : placeOf(place, resolveNext(address, request.url, config, 'take' in paging ? paging.take : undefined));
  switch (paging.type) {
    case 'none':
      return LAST;
    case 'page':
    case 'offset':
      return nextCounted(paging, place, answer);
    case 'keyset':
      return nextByKey(paging, place, answer);
    case 'link':
      return follow(nextInLinkHeader(response.headers['link']));
    case 'header':
      return follow(response.headers[paging.name.toLowerCase()]);
    case 'cursor': {
      const cursor = cursorIn(paging, answer);
      if (typeof cursor === 'object' || (typeof cursor === 'string' && /\p{Surrogate}/u.test(cursor)))
        return { ok: false, problem: 'the cursor of the next page is not a text or a number.' };
      if (cursor === undefined || isTrueOf(paging.last, answer.body)) return LAST;
      if (String(cursor).length > POSITION_LENGTH_MAX) return TOO_LONG;
      if (paging.parameter === undefined) return follow(String(cursor));
      return { ok: true, place: { phase: place.phase, at: cursor } };
    }
  }
}

/** Whether a response says that its page lies behind the last one. The first page always exists. */
export function isBehindTheEnd(paging: PagingConfig, place: Place, { status }: HttpResponse): boolean {
  return 'end_status' in paging && !isFirst(place) && (paging.end_status ?? []).includes(status);
}

function nextCounted(paging: Counted, place: Place, { response, body, items, total }: ReadAnswer): Next {
  const at = Number(place.at ?? paging.first);
  const seen = (place.seen ?? 0) + items.length;
  // No content: there is nothing that could say which page is the last one.
  if (response.status === 204 || (total !== null && seen >= total)) return LAST;
  const pages = paging.type === 'page' ? numberIn(paging.total_pages, response, body) : null;
  if (pages === null) {
    const isLast = paging.last === undefined ? items.length === 0 : isTrueOf(paging.last, body);
    if (isLast || (total !== null && items.length === 0)) return LAST;
  } else if (at - paging.first + 1 >= pages || isTrueOf(paging.last, body)) return LAST;
  // Counts the received items, not the requested page size: a page smaller than requested must not skip
  // records.
  const next = paging.type === 'page' ? at + 1 : at + (items.length || paging.size);
  return { ok: true, place: { phase: place.phase, at: next, seen } };
}

function nextByKey(paging: KeysetConfig, { phase }: Place, { body, items }: ReadAnswer): Next {
  if (items.length === 0 || isTrueOf(paging.last, body)) return LAST;
  const at = keyOf(paging, items.at(-1));
  if (at !== undefined) {
    const problem = problemOfKey(paging, at);
    return problem === undefined ? { ok: true, place: { phase, at } } : { ok: false, problem };
  }
  const names = Object.values(paging.after).join(', ');
  return { ok: false, problem: `the last item of the page lacks a value of the keyset (${names}).` };
}

/** Undefined if there is none. An object or list is returned, and the caller refuses it. */
function cursorIn(
  { at, header, last_item: lastItem }: ByCursor,
  { response, body, items }: ReadAnswer,
): Exclude<JsonValue, boolean | null> | undefined {
  let value: JsonValue | undefined;
  if (at !== undefined) value = readAt(body, at);
  else if (header !== undefined) value = response.headers[header.toLowerCase()];
  else value = readAt(items.at(-1), lastItem ?? '');
  return value === null || typeof value === 'boolean' || value === '' ? undefined : value;
}

function placeOf({ phase }: Place, next: NextAddress): Next {
  return next.ok ? { ok: true, place: { phase, url: next.url } } : next;
}

/** A parameter of the query, or a key or JSON Pointer of the body. */
export function putParameter(
  request: HttpRequest,
  where: 'query' | 'body',
  parameter: string,
  value: string | number,
): HttpRequest {
  if (where === 'query') return { ...request, url: withParameter(request.url, parameter, String(value)) };
  const pointer = parameter.startsWith('/')
    ? parameter
    : `/${parameter.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return withBodyPart(request, pointer, value);
}
