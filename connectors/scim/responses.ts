/**
 * Validates SCIM responses: an HTML page with status 200 (a login page, a proxy) must not be read as "no such
 * user", because the next step would create a duplicate.
 */
import { type JsonObject, isJsonObject } from '../../domain/json';
import type { HttpResponse } from '../connector';
import { Unavailable } from '../errors';
import { isSuccess } from '../http-errors';

/** A resource in the third party. */
export interface Resource {
  id: string;
  /** For If-Match; null if the server has no versions. */
  version: string | null;
  attributes: JsonObject;
}

/** The features of a server (RFC 7643 5). */
export interface Features {
  canPatch: boolean;
  canFilter: boolean;
  canSort: boolean;
}

/** The features in ServiceProviderConfig, or those of nearly all servers if there is none. */
export function readFeatures(response: HttpResponse): Features {
  const body = isSuccess(response) ? parse(response.text) : undefined;
  const isSupported = (name: string) => {
    const feature = body?.[name];
    return !isJsonObject(feature) || feature['supported'] !== false;
  };
  const sort = body?.['sort'];
  // Few servers support sorting, so it must be declared.
  return {
    canPatch: isSupported('patch'),
    canFilter: isSupported('filter'),
    canSort: isJsonObject(sort) && sort['supported'] === true,
  };
}

/** The resource in a response, or undefined: a PATCH may return 204. */
export function readResource(response: HttpResponse): Resource | undefined {
  const body = parse(response.text);
  return body && toResource(body, response.headers['etag']);
}

/** The resource in a response that must contain one. Throws `Unavailable`. */
export function requireResource(response: HttpResponse): Resource {
  const resource = readResource(response);
  if (!resource) throw notScim(response);
  return resource;
}

/** A ListResponse (RFC 7644 3.4.2) that contains only resources. Throws `Unavailable` for anything else. */
export function readList(response: HttpResponse): { resources: Resource[]; total: number } {
  const { items, total } = readItems(response);
  const resources = items.map(toListedResource);
  if (resources.some((resource) => resource === undefined)) throw notScim(response);
  return { resources: resources as Resource[], total: total ?? items.length };
}

/**
 * A ListResponse with items of any kind. `Resources` may be absent if the page has none (RFC 7644 3.4.2).
 * Throws `Unavailable` for anything else.
 */
export function readItems(response: HttpResponse): { items: unknown[]; total: number | null } {
  const body = parse(response.text);
  const total = Number.isInteger(body?.['totalResults']) ? (body?.['totalResults'] as number) : null;
  const items = body?.['Resources'] ?? (total === null ? undefined : []);
  if (!Array.isArray(items)) throw notScim(response);
  return { items, total };
}

/** A resource of a list; undefined if it has no id. */
export function toListedResource(item: unknown): Resource | undefined {
  return isJsonObject(item) ? toResource(item, undefined) : undefined;
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

function toResource(attributes: JsonObject, etag: string | undefined): Resource | undefined {
  const id = attributes['id'];
  if (typeof id !== 'string' || id === '') return undefined;
  const meta = attributes['meta'];
  const version = isJsonObject(meta) && typeof meta['version'] === 'string' ? meta['version'] : null;
  return { id, version: etag ?? version, attributes };
}

function parse(text: string): JsonObject | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isJsonObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function notScim(response: HttpResponse): Unavailable {
  return new Unavailable(
    `The third party answered ${response.status} with a response that is not SCIM. Check the base URL.`,
    response.status,
  );
}
