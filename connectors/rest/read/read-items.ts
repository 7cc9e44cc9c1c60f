/**
 * Reads the items of a page as records. It runs for every record of every pass: pointers are parsed once per
 * page, records are not copied, and only records that may be too large are measured.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../../../domain/json';
import type { RemoteRecord, UnreadableRecord } from '../../connector';
import { testOf } from '../http/response-rules';
import { externalIdPointer } from '../http/calls';
import type { RecordTypeConfig } from '../config/config';
import type { DeletedListConfig, ListConfig } from '../config/config-read';
import { pathOf, readPath } from '../json-pointer';
import { singleValue } from '../push/find-remote-record';
import { readInstant } from './time-format';

/**
 * The size limit of records in the API. Larger records could be stored, but not shown or changed.
 */
const RECORD_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 32;
const TOO_DEEP = Infinity;

export interface ReadItems {
  records: RemoteRecord[];
  unreadable: UnreadableRecord[];
}

export function readItems(items: readonly JsonValue[], list: ListConfig, type: RecordTypeConfig): ReadItems {
  const read: ReadItems = { records: [], unreadable: [] };
  const [itemPath, idPath] = [pathOf(list.item_at), pathOf(list.id ?? idPointer(type))];
  const externalIdAt = externalIdPointer(type);
  const externalIdPath = externalIdAt === undefined ? undefined : pathOf(externalIdAt);
  const versionAt = list.version ?? (typeof type.version === 'string' ? type.version : undefined);
  const versionPath = versionAt === undefined ? undefined : pathOf(versionAt);
  const isTombstone = testOf(type.tombstone);
  const { modified } = list;
  const modifiedPath = modified && pathOf(modified.at);

  items.forEach((item, index) => {
    const fields = readPath(item, itemPath);
    if (!isJsonObject(fields)) {
      read.unreadable.push({
        remoteId: null,
        code: 'not_an_object',
        message: `Item ${index + 1} of the page is not an object.`,
      });
      return;
    }
    const remoteId = singleValue(readPath(fields, idPath));
    if (remoteId === undefined) {
      read.unreadable.push({
        remoteId: null,
        code: 'no_id',
        message: `Item ${index + 1} of the page has no usable id at ${idAt(list, type)}.`,
      });
      return;
    }
    const isDeleted = isTombstone(fields);
    const fault = isDeleted ? undefined : faultOf(fields);
    if (fault !== undefined) {
      read.unreadable.push({
        remoteId,
        code: fault.code,
        message: `${remoteId} (item ${index + 1} of the page) ${fault.problem}`,
      });
      return;
    }
    read.records.push({
      remoteId,
      remoteVersion: versionPath === undefined ? null : (singleValue(readPath(fields, versionPath)) ?? null),
      fields: isDeleted ? {} : fields,
      externalId:
        externalIdPath === undefined ? null : (singleValue(readPath(fields, externalIdPath)) ?? null),
      isDeleted,
      ...(modified &&
        modifiedPath && { modifiedAt: readInstant(readPath(fields, modifiedPath), modified.format) }),
    });
  });
  return read;
}

/** The items of a delete feed: ids of deleted records. An entry can be the id itself. */
export function readDeletedItems(
  items: readonly JsonValue[],
  list: DeletedListConfig,
  type: RecordTypeConfig,
): ReadItems {
  const read: ReadItems = { records: [], unreadable: [] };
  const id = typeof list.id === 'object' ? list.id : { at: list.id ?? idPointer(type) };
  const idPath = pathOf(`${list.item_at}${id.at}`);
  items.forEach((item, index) => {
    const value = singleValue(readPath(item, idPath));
    const remoteId = value === undefined ? undefined : shortened(value, id);
    if (remoteId === undefined || remoteId === '')
      read.unreadable.push({
        remoteId: null,
        code: 'no_id',
        message: `Item ${index + 1} of the page of deleted records has no usable id.`,
      });
    else read.records.push({ remoteId, remoteVersion: null, fields: {}, externalId: null, isDeleted: true });
  });
  return read;
}

function shortened(
  value: string,
  id: { cut_prefix?: string | undefined; take?: 'last_part' | undefined },
): string {
  const { cut_prefix: prefix, take } = id;
  const rest = prefix !== undefined && value.startsWith(prefix) ? value.slice(prefix.length) : value;
  return take === undefined ? rest : rest.replace(/^.*[/:#]/su, '');
}

/** If Syncline assigns ids, a list has them at /id by default. */
export function idPointer({ id }: RecordTypeConfig): string {
  if (typeof id === 'string') return id;
  return 'at' in id ? id.at : '/id';
}

function idAt(list: ListConfig, type: RecordTypeConfig): string {
  return list.id ?? idPointer(type);
}

function faultOf(fields: JsonObject): { code: string; problem: string } | undefined {
  const bytes = bytesAtMost(fields, DEPTH_MAX);
  // The depth is checked first, because a deeply nested value cannot be measured.
  if (bytes === TOO_DEEP) return { code: 'too_deep', problem: `is nested deeper than ${DEPTH_MAX} levels.` };
  if (bytes > RECORD_BYTES_MAX && Buffer.byteLength(JSON.stringify(fields)) > RECORD_BYTES_MAX)
    return { code: 'too_large', problem: `is larger than ${RECORD_BYTES_MAX / 1024} KB.` };
  return undefined;
}

/**
 * An upper bound of the size of the value's JSON: at most six bytes per character (an escape) and 24 per
 * number. TOO_DEEP beyond the maximum number of levels.
 */
function bytesAtMost(value: JsonValue | undefined, levels: number): number {
  if (typeof value === 'string') return 6 * value.length + 3;
  if (typeof value !== 'object' || value === null) return 25;
  if (levels === 0) return TOO_DEEP;
  let bytes = 2;
  if (Array.isArray(value)) for (const inner of value) bytes += bytesAtMost(inner, levels - 1);
  else for (const key in value) bytes += 6 * key.length + 4 + bytesAtMost(value[key], levels - 1);
  return bytes;
}
