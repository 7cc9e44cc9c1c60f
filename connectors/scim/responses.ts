/**
 * Validates SCIM responses: an HTML page with status 200 (a login page, a proxy) must not be read as "no such
 * user", because the next step would create a duplicate.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../../domain/json';
import type { HttpResponse } from '../connector';
import { UnusableAnswer } from '../errors';
import { isSuccess, isUnreadable } from '../http-errors';
import { parseJson } from '../parse-json';
import { type AttributeNames, type Spelling, memberNamed } from './names';

/** A resource in the third party. */
export interface Resource {
  id: string;
  externalId: string | null;
  /** For If-Match; null if the server has no versions. */
  version: string | null;
  /** In the spelling of the mapping. */
  attributes: JsonObject;
  theirs: Spelling;
}

/** The features of a server (RFC 7643 5, RFC 9865 4). */
export interface Features {
  canPatch: boolean;
  canFilter: boolean;
  canSort: boolean;
  hasVersions: boolean;
  /** The limits of bulk requests; null if they are not supported. */
  bulk: { operationsMax: number; bytesMax: number } | null;
  /** It pages by cursors only, or prefers to. */
  pagesByCursor: boolean;
  /** Resources in one response; infinite if the service names no limit. */
  pageSizeMax: number;
  /** The same for a filtered list. */
  filteredMax: number;
}

/** The features in ServiceProviderConfig, or those of nearly all servers if there is none. */
export function readFeatures(response: HttpResponse): Features {
  const body = isSuccess(response) ? parse(response.text) : undefined;
  const read = (feature: string, name: string) => {
    const described = memberNamed(body, feature);
    return isJsonObject(described) ? memberNamed(described, name) : undefined;
  };
  const isSupported = (feature: string) => !isValue(read(feature, 'supported'), false);
  const hasCursors = isValue(read('pagination', 'cursor'), true);
  const isCursorDefault = read('pagination', 'defaultPaginationMethod') === 'cursor';
  const pageSizeMax = limitOf(read('pagination', 'maxPageSize'));
  return {
    canPatch: isSupported('patch'),
    canFilter: isSupported('filter'),
    // Few servers support sorting, so it must be declared.
    canSort: isValue(read('sort', 'supported'), true),
    hasVersions: isSupported('etag'),
    // Few servers support bulk requests, so they must be declared.
    bulk: isValue(read('bulk', 'supported'), true)
      ? {
          operationsMax: limitOf(read('bulk', 'maxOperations')),
          bytesMax: limitOf(read('bulk', 'maxPayloadSize')),
        }
      : null,
    pagesByCursor: hasCursors && (isCursorDefault || isValue(read('pagination', 'index'), false)),
    pageSizeMax,
    filteredMax: Math.min(pageSizeMax, limitOf(read('filter', 'maxResults'))),
  };
}

/** The resource in a response, or undefined: a PATCH may return 204. */
export function readResource(response: HttpResponse, names: AttributeNames): Resource | undefined {
  const body = parse(response.text);
  return body && toResource(body, names, response.headers['etag']);
}

/** An answer to a write needs no resource, but a web page says nothing about it. Throws `UnusableAnswer`. */
export function requireReadable(response: HttpResponse): void {
  if (isUnreadable(response, parseJson(response.text))) throw notScim(response);
}

/** The resource in a response that must contain one. Throws `Unavailable`. */
export function requireResource(response: HttpResponse, names: AttributeNames): Resource {
  const resource = readResource(response, names);
  if (!resource) throw notScim(response);
  return resource;
}

interface Items {
  items: JsonValue[];
  total: number | null;
  /** Of the next page, for a server that pages by cursors (RFC 9865 2). */
  nextCursor: string | null;
}

/** A ListResponse (RFC 7644 3.4.2) that contains only resources. Throws `Unavailable` for anything else. */
export function readList(response: HttpResponse, names: AttributeNames): Items & { resources: Resource[] } {
  const list = readItems(response);
  const resources = list.items.map((item) => toListedResource(item, names));
  if (resources.some((resource) => resource === undefined)) throw notScim(response);
  return { ...list, resources: resources as Resource[] };
}

/**
 * A ListResponse with items of any kind. `Resources` may be absent if the page has none (RFC 7644 3.4.2).
 * Throws `Unavailable` for anything else.
 */
export function readItems(response: HttpResponse): Items {
  const body = parse(response.text);
  const totalResults = memberNamed(body, 'totalResults');
  const total = Number.isInteger(totalResults) ? (totalResults as number) : null;
  const items = memberNamed(body, 'Resources') ?? (total === null ? undefined : []);
  if (!Array.isArray(items)) throw notScim(response);
  const nextCursor = memberNamed(body, 'nextCursor');
  return {
    items,
    total,
    nextCursor: typeof nextCursor === 'string' && nextCursor !== '' ? nextCursor : null,
  };
}

/** A resource of a list; undefined if it has no id. */
export function toListedResource(item: unknown, names: AttributeNames): Resource | undefined {
  return isJsonObject(item) ? toResource(item, names, undefined) : undefined;
}

/** The id at the end of a `Location` header, for servers that return no body after a creation. */
export function idFromLocation(location: string | undefined): string | undefined {
  const last = location?.split('?')[0]?.split('/').at(-1);
  if (!last) return undefined;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function toResource(
  resource: JsonObject,
  names: AttributeNames,
  etag: string | undefined,
): Resource | undefined {
  const { attributes, theirs } = names.read(resource);
  const id = textOf(attributes['id']);
  if (id === null) return undefined;
  const externalId = textOf(attributes['externalId']);
  const meta = attributes['meta'];
  const version = isJsonObject(meta) && typeof meta['version'] === 'string' ? meta['version'] : null;
  return {
    id,
    externalId,
    version: etag ?? version,
    attributes: externalId === null ? attributes : { ...attributes, externalId },
    theirs,
  };
}

/** Ids are strings (RFC 7643 3.1), but some services write numbers. */
function textOf(value: JsonValue | undefined): string | null {
  if (value === undefined || value === null || typeof value === 'object') return null;
  const text = String(value);
  return text.trim() === '' ? null : text;
}

/** Some services write booleans as texts. */
function isValue(value: JsonValue | undefined, expected: boolean): boolean {
  return value === expected || (typeof value === 'string' && value.toLowerCase() === String(expected));
}

function limitOf(value: JsonValue | undefined): number {
  return typeof value === 'number' && value >= 1 ? Math.floor(value) : Infinity;
}

function parse(text: string): JsonObject | undefined {
  const body = parseJson(text);
  return isJsonObject(body) ? body : undefined;
}

function notScim(response: HttpResponse): UnusableAnswer {
  return new UnusableAnswer(
    `The third party answered ${response.status} with a response that is not SCIM. Check the base URL.`,
    response.status,
  );
}
