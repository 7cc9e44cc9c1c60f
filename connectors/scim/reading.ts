/**
 * Reads one page of resources (RFC 7644 3.4.2). Changed resources are requested by a filter on
 * `meta.lastModified`. If the server has no filters, refuses this one or does not obey it, everything is read
 * and older resources are skipped here. The cursor keeps how the first page was requested.
 */
import { type JsonObject, isJsonObject, withSortedLists } from '../../domain/json';
import type { HttpResponse, ReadPage, ReadRequest, RemoteRecord, UnreadableRecord } from '../connector';
import { RecordRejected } from '../errors';
import type { ScimCalls } from './calls';
import type { ResourceTypeConfig, ScimConfig } from './config';
import type { AttributeNames } from './names';
import { type Paging, firstPage, nextPage, pageQuery } from './paging';
import { type Resource, readItems, toListedResource } from './responses';

/** Attributes that the server sets about the resource. */
const ABOUT_IT = ['id', 'externalId', 'meta', 'schemas'];
/** The server does not support this filter or this order (400, RFC 7644 3.4.2.2), or any. */
const REFUSED = [400, 501];
/** How often the counts of `isFilterTrusted` are compared; a deletion between them makes them differ. */
const COMPARISONS = 2;

interface Position extends Paging {
  isFiltered: boolean;
  isSorted: boolean;
  /** The number of resources to request. */
  size: number;
  /**
   * The id of the first resource of the previous page. A server that returns the same page again does not
   * support paging.
   */
  head: string | null;
}

export async function readResourcePage(
  request: ReadRequest,
  api: ScimCalls,
  config: ScimConfig,
): Promise<ReadPage> {
  const type = findType(config, request.recordType);
  const names = api.namesOf(type);
  const { response, position } = await askFor(
    request,
    request.cursor === null
      ? await beginning(request, type, api, config)
      : readCursor(request.cursor, config.page_size),
    type,
    api,
  );
  const list = readItems(response);
  const { items, total } = list;
  const { records, unreadable } = toRecords(items, position.startIndex, request.modifiedSince, names);
  const listed = items.map((item) => toListedResource(item, names));
  const head = listed.find((resource) => resource !== undefined)?.id ?? null;
  if (head !== null && head === position.head)
    throw refusal('paging_ignored', `${type.endpoint} returns the same page for every startIndex.`);
  const next = nextPage(position, list);
  return {
    records,
    unreadable,
    nextCursor: next === null ? null : writeCursor({ ...position, ...next, head }),
    asOf: dateOf(response),
    // The total of an unfiltered list does not count the changed resources.
    total:
      records.length + unreadable.length === items.length &&
      (position.isFiltered || request.modifiedSince === null)
        ? total
        : null,
  };
}

export async function countResources(
  recordType: string,
  api: ScimCalls,
  config: ScimConfig,
): Promise<number | null> {
  return (await countListed(findType(config, recordType), {}, api)).total;
}

function findType(config: ScimConfig, recordType: string): ResourceTypeConfig {
  const type = Object.hasOwn(config.record_types, recordType) ? config.record_types[recordType] : undefined;
  if (!type) throw refusal('unknown_record_type', `The configuration has no record type ${recordType}.`);
  return type;
}

/**
 * A full read is sorted, which keeps its pages stable. A filtered read has few pages and does not need it.
 */
async function beginning(
  { modifiedSince }: ReadRequest,
  type: ResourceTypeConfig,
  api: ScimCalls,
  config: ScimConfig,
): Promise<Position> {
  const features = await api.readFeatures();
  const isFiltered =
    modifiedSince !== null &&
    config.filter_modified &&
    features.canFilter &&
    (await isFilterTrusted(type, api));
  return {
    ...firstPage(features),
    isFiltered,
    isSorted: !isFiltered && features.canSort,
    size: Math.min(config.page_size, isFiltered ? features.filteredMax : features.pageSizeMax),
    head: null,
  };
}

/**
 * Whether a filter on `meta.lastModified` that must match every resource does. Otherwise the service does not
 * obey it, or has resources without that attribute, and a filtered read would miss changes without a word.
 */
async function isFilterTrusted(type: ResourceTypeConfig, api: ScimCalls): Promise<boolean> {
  for (let comparison = 0; comparison < COMPARISONS; comparison += 1) {
    const all = await countListed(type, {}, api);
    const matching = await countListed(type, { filter: modifiedFilter(new Date(0)) }, api);
    if (matching.isRefused) return false;
    if ((matching.total ?? matching.length) >= (all.total ?? all.length)) return true;
  }
  return false;
}

async function countListed(
  type: ResourceTypeConfig,
  query: Record<string, string>,
  api: ScimCalls,
): Promise<{ total: number | null; length: number; isRefused: boolean }> {
  // count=0 would be correct (RFC 7644 3.4.2.4), but some servers read it as "all".
  const page = pageQuery(firstPage(await api.readFeatures()), 1);
  const response = await api.list(type, { ...query, ...page }, query['filter'] === undefined ? [] : REFUSED);
  if (REFUSED.includes(response.status)) return { total: null, length: 0, isRefused: true };
  const { total, items } = readItems(response);
  return { total, length: items.length, isRefused: false };
}

/** Requests the page. A service that refuses the filter or the order is asked again without both. */
async function askFor(
  request: ReadRequest,
  position: Position,
  type: ResourceTypeConfig,
  api: ScimCalls,
): Promise<{ response: HttpResponse; position: Position }> {
  const { isFiltered, isSorted } = position;
  const page = pageQuery(position, position.size);
  const filter =
    isFiltered && request.modifiedSince !== null ? { filter: modifiedFilter(request.modifiedSince) } : {};
  const order = isSorted ? { sortBy: 'id', sortOrder: 'ascending' } : {};
  const expected = request.cursor === null && (isFiltered || isSorted) ? REFUSED : [];
  const kept = api.keptOf(request.recordType, type);
  const response = await api.list(type, { ...filter, ...page, ...order }, expected, kept);
  if (!expected.includes(response.status)) return { response, position };
  return {
    response: await api.list(type, page, [], kept),
    position: { ...position, isFiltered: false, isSorted: false },
  };
}

function modifiedFilter(since: Date): string {
  return `meta.lastModified ge "${since.toISOString()}"`;
}

function toRecords(
  items: readonly unknown[],
  startIndex: number,
  modifiedSince: Date | null,
  names: AttributeNames,
) {
  const [records, unreadable]: [RemoteRecord[], UnreadableRecord[]] = [[], []];
  items.forEach((item, index) => {
    const place = `Resource ${startIndex + index} of the list`;
    const resource = toListedResource(item, names);
    if (resource) {
      if (modifiedSince === null || !isOlder(resource, modifiedSince)) records.push(toRecord(resource));
    } else if (isJsonObject(item))
      unreadable.push({ remoteId: null, code: 'no_id', message: `${place} has no id.` });
    else unreadable.push({ remoteId: null, code: 'not_an_object', message: `${place} is not an object.` });
  });
  return { records, unreadable };
}

/** False if the resource has no lastModified. */
function isOlder(resource: Resource, instant: Date): boolean {
  const at = lastModified(resource);
  return at !== null && at < instant;
}

function lastModified({ attributes: { meta } }: Resource): Date | null {
  const text = isJsonObject(meta) ? meta['lastModified'] : undefined;
  const at = new Date(typeof text === 'string' ? text : Number.NaN);
  return Number.isNaN(at.getTime()) ? null : at;
}

function toRecord(resource: Resource): RemoteRecord {
  const { id, version, externalId, attributes } = resource;
  const modifiedAt = lastModified(resource);
  // The order of lists has no meaning, so another order of the service is no change.
  const fields: JsonObject = Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => !ABOUT_IT.includes(name))
      .map(([name, value]) => [name, withSortedLists(value)]),
  );
  return { remoteId: id, remoteVersion: version, fields, externalId, isDeleted: false, modifiedAt };
}

function dateOf({ headers }: HttpResponse): Date | null {
  const ms = Date.parse(headers['date'] ?? '');
  return Number.isNaN(ms) ? null : new Date(ms);
}

function writeCursor({ startIndex, isFiltered, isSorted, head, cursor, size }: Position): string {
  return JSON.stringify([startIndex, isFiltered, isSorted, head, cursor, size]);
}

function readCursor(text: string, pageSize: number): Position {
  try {
    const [startIndex, isFiltered, isSorted, head, cursor = null, size = pageSize] = JSON.parse(
      text,
    ) as unknown[];
    const isPosition =
      Number.isInteger(startIndex) &&
      Number.isInteger(size) &&
      typeof isFiltered === 'boolean' &&
      typeof isSorted === 'boolean';
    const isText = (value: unknown): value is string | null => typeof value === 'string' || value === null;
    if (isPosition && isText(head) && isText(cursor))
      return { startIndex: startIndex as number, isFiltered, isSorted, head, cursor, size: size as number };
  } catch {
    // reported below
  }
  throw refusal(
    'unknown_cursor',
    'The cursor is not valid for this connector. Start a full sync of the record type.',
  );
}

function refusal(code: string, message: string): RecordRejected {
  const explanation = 'The record type cannot be read. Compare the configuration with the service.';
  return new RecordRejected(message, [{ field: null, remoteField: null, code, message, explanation }]);
}
