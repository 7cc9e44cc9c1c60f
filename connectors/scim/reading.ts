/**
 * Reads one page of resources (RFC 7644 3.4.2). Changed resources are requested by a filter on
 * `meta.lastModified`. If the server refuses the filter, everything is read and older resources are skipped
 * here. The cursor keeps how the first page was requested.
 */
import { type JsonObject, isJsonObject } from '../../domain/json';
import type { HttpResponse, ReadPage, ReadRequest, RemoteRecord, UnreadableRecord } from '../connector';
import { RecordRejected } from '../errors';
import type { ScimApi } from './api';
import type { ResourceTypeConfig, ScimConfig } from './config';
import { type Resource, readItems, toListedResource } from './responses';

/** Attributes that the server sets about the resource. */
const ABOUT_IT = ['id', 'externalId', 'meta', 'schemas'];
/** The server does not support this filter (400, RFC 7644 3.4.2.2), or any filter. */
const FILTER_REFUSED = [400, 501];

interface Position {
  startIndex: number;
  isFiltered: boolean;
  isSorted: boolean;
  /**
   * The id of the first resource of the previous page. A server that returns the same page again does not
   * support paging.
   */
  head: string | null;
}

export async function readResourcePage(
  request: ReadRequest,
  api: ScimApi,
  config: ScimConfig,
): Promise<ReadPage> {
  const type = findType(config, request.recordType);
  const position =
    request.cursor === null ? await beginning(request, api, config) : readCursor(request.cursor);
  const { response, isFiltered } = await askFor(request, position, type, api, config);
  const { items, total } = readItems(response);
  const { records, unreadable } = toRecords(items, position.startIndex, request.modifiedSince);
  const head = items.map(toListedResource).find((resource) => resource !== undefined)?.id ?? null;
  if (head !== null && head === position.head)
    throw refusal('paging_ignored', `${type.endpoint} returns the same page for every startIndex.`);
  const startIndex = position.startIndex + items.length;
  const isLast = items.length === 0 || (total !== null && startIndex > total);
  return {
    records,
    unreadable,
    nextCursor: isLast ? null : writeCursor({ ...position, startIndex, isFiltered, head }),
    asOf: dateOf(response),
    // The total of an unfiltered list does not count the changed resources.
    total:
      records.length + unreadable.length === items.length && (isFiltered || request.modifiedSince === null)
        ? total
        : null,
  };
}

export async function countResources(
  recordType: string,
  api: ScimApi,
  config: ScimConfig,
): Promise<number | null> {
  // count=0 would be correct (RFC 7644 3.4.2.4), but some servers read it as "all".
  return readItems(await api.list(findType(config, recordType), { startIndex: '1', count: '1' })).total;
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
  api: ScimApi,
  config: ScimConfig,
): Promise<Position> {
  const isFiltered = modifiedSince !== null && config.filter_modified;
  return {
    startIndex: 1,
    isFiltered,
    isSorted: !isFiltered && (await api.readFeatures()).canSort,
    head: null,
  };
}

async function askFor(
  request: ReadRequest,
  { startIndex, isFiltered, isSorted }: Position,
  type: ResourceTypeConfig,
  api: ScimApi,
  config: ScimConfig,
): Promise<{ response: HttpResponse; isFiltered: boolean }> {
  const page = {
    startIndex: String(startIndex),
    count: String(config.page_size),
    ...(isSorted ? { sortBy: 'id', sortOrder: 'ascending' } : {}),
  };
  if (isFiltered && request.modifiedSince !== null) {
    const filter = `meta.lastModified ge "${request.modifiedSince.toISOString()}"`;
    const response = await api.list(type, { filter, ...page }, request.cursor === null ? FILTER_REFUSED : []);
    if (!FILTER_REFUSED.includes(response.status)) return { response, isFiltered };
  }
  return { response: await api.list(type, page), isFiltered: false };
}

function toRecords(items: readonly unknown[], startIndex: number, modifiedSince: Date | null) {
  const [records, unreadable]: [RemoteRecord[], UnreadableRecord[]] = [[], []];
  items.forEach((item, index) => {
    const place = `Resource ${startIndex + index} of the list`;
    const resource = toListedResource(item);
    if (resource) {
      if (modifiedSince === null || !isOlder(resource, modifiedSince)) records.push(toRecord(resource));
    } else if (isJsonObject(item))
      unreadable.push({ remoteId: null, code: 'no_id', message: `${place} has no id.` });
    else unreadable.push({ remoteId: null, code: 'not_an_object', message: `${place} is not an object.` });
  });
  return { records, unreadable };
}

/** False if the resource has no lastModified. */
function isOlder({ attributes: { meta } }: Resource, instant: Date): boolean {
  const text = isJsonObject(meta) ? meta['lastModified'] : undefined;
  return typeof text === 'string' && Date.parse(text) < instant.getTime();
}

function toRecord({ id, version, attributes }: Resource): RemoteRecord {
  const fields: JsonObject = Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !ABOUT_IT.includes(name)),
  );
  const externalId = attributes['externalId'];
  const isTold = typeof externalId === 'string' && externalId !== '';
  return {
    remoteId: id,
    remoteVersion: version,
    fields,
    externalId: isTold ? externalId : null,
    isDeleted: false,
  };
}

function dateOf({ headers }: HttpResponse): Date | null {
  const ms = Date.parse(headers['date'] ?? '');
  return Number.isNaN(ms) ? null : new Date(ms);
}

function writeCursor({ startIndex, isFiltered, isSorted, head }: Position): string {
  return JSON.stringify([startIndex, isFiltered, isSorted, head]);
}

function readCursor(cursor: string): Position {
  try {
    const [startIndex, isFiltered, isSorted, head] = JSON.parse(cursor) as unknown[];
    const isPosition =
      Number.isInteger(startIndex) && typeof isFiltered === 'boolean' && typeof isSorted === 'boolean';
    if (isPosition && (typeof head === 'string' || head === null))
      return { startIndex: startIndex as number, isFiltered, isSorted, head };
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
