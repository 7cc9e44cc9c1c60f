/** The members of a list's items that reading needs. The others are dropped before the page is parsed. */
import { isSelector, parsePlace } from '../../../domain/records/place';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import type { KeptMembers } from '../../http';
import type { RecordTypeConfig } from '../config/config';
import type { DeletedListConfig, ListConfig, PagingConfig } from '../config/config-read';
import { externalIdPointer } from '../http/calls';
import { pathOf } from '../json-pointer';
import { idPointer } from './read-items';

type Path = readonly string[];

/** Records that are also pushed are compared as a whole; without fields, everything is copied. */
export function keptOfList(
  list: ListConfig,
  type: RecordTypeConfig,
  mapping: RecordTypeMapping | undefined,
): KeptMembers | undefined {
  if (mapping?.direction !== 'pull' || mapping.fields.length === 0) return undefined;
  const pointers = [
    list.id ?? idPointer(type),
    externalIdPointer(type),
    list.version ?? (typeof type.version === 'string' ? type.version : undefined),
    type.tombstone?.at,
    list.modified?.at,
  ];
  const inRecord = [
    ...pointers.flatMap((pointer) => (pointer === undefined ? [] : [pathOf(pointer)])),
    ...mapping.fields.map(({ to }) => keysBefore(to)),
  ];
  const record = pathOf(list.item_at);
  const members = [...inRecord.map((path) => [...record, ...path]), ...pagingPaths(list.paging)];
  return keptOf(list, members);
}

export const keptOfDeletedList = (
  list: DeletedListConfig,
  type: RecordTypeConfig,
): KeptMembers | undefined => {
  const id = typeof list.id === 'object' ? list.id.at : (list.id ?? idPointer(type));
  return keptOf(list, [pathOf(`${list.item_at}${id}`), ...pagingPaths(list.paging)]);
};

function keptOf(list: ListConfig | DeletedListConfig, members: Path[]): KeptMembers | undefined {
  const items = pathOf(list.items);
  const isInItems = (path: Path) =>
    path.length > items.length && items.every((key, depth) => key === path[depth]);
  if (members.some((path) => path.length === 0) || aroundPaths(list).some(isInItems)) return undefined;
  return { items, itemsAs: list.items_as, members };
}

/** Values of the answer, which some servers repeat in each item. */
function aroundPaths(list: ListConfig | DeletedListConfig): Path[] {
  const {
    at,
    last,
    total_pages: pages,
  } = list.paging as { at?: string; last?: object; total_pages?: object };
  const { total, as_of: asOf, sync_token: syncToken } = list as Partial<ListConfig>;
  return [{ at }, last, pages, total, asOf, syncToken].flatMap((place) =>
    place !== undefined && 'at' in place && typeof place.at === 'string' ? [pathOf(place.at)] : [],
  );
}

/** Values of the last item of a page. */
function pagingPaths(paging: PagingConfig): Path[] {
  if (paging.type === 'keyset') return Object.values(paging.after).map(pathOf);
  if (paging.type === 'cursor' && paging.at === undefined && paging.header === undefined)
    return [pathOf(paging.last_item ?? '')];
  return [];
}

/** The keys in front of a selector; the list that it selects from is kept as a whole. */
function keysBefore(to: string): Path {
  const place = parsePlace(to);
  const selector = place.findIndex(isSelector);
  return (selector < 0 ? place : place.slice(0, selector)) as Path;
}
