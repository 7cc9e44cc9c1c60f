/**
 * Lists of which the third party serves only the first records of a search, such as 10,000. They are sorted
 * by the time of modification: behind the window, the list is requested again from the time of the last
 * record on. The records of that time are left to the next window, so none is read twice.
 */
import type { JsonValue } from '../../../../domain/json';
import type { ListConfig } from '../../config/config-read';
import { readAt } from '../../json-pointer';
import type { Place } from '../read-position';
import { readInstant, writeInstant } from '../time-format';
import type { ReadingWay, Step } from './way';

export function byWindow(list: ListConfig | undefined): ReadingWay {
  const { paging, modified, modified_since: filter } = list ?? {};
  if (paging === undefined || !('window' in paging) || paging.window === undefined) return {};
  if (list === undefined || modified === undefined || filter === undefined) return {};
  const { window, size } = paging;
  return {
    behind(step, place) {
      const { next, items } = step;
      if (!next.ok || next.place === null) return step;
      if ((next.place.seen ?? 0) + (size ?? items.length) <= window) return step;
      return nextWindow({ item_at: list.item_at, modified, filter, window }, place, items);
    },
  };
}

interface Sorted extends Pick<ListConfig, 'item_at'> {
  modified: NonNullable<ListConfig['modified']>;
  filter: NonNullable<ListConfig['modified_since']>;
  window: number;
}

function nextWindow(
  { item_at: itemAt, modified, filter, window }: Sorted,
  place: Place,
  items: JsonValue[],
): Step {
  const timeOf = (item: JsonValue | undefined): Date | null =>
    readInstant(readAt(item, `${itemAt}${modified.at}`), modified.format);
  /** As the request of the next window writes it, which may be less exact. */
  const written = (time: Date | null): string | null =>
    time === null ? null : writeInstant(time, filter.format, filter.zone);
  const last = timeOf(items.at(-1));
  if (last === null) {
    const problem = 'the last record of the window has no time of modification, so it cannot be continued.';
    return { next: { ok: false, problem }, items };
  }
  if (place.since !== undefined && written(new Date(place.since)) === written(last)) {
    const problem =
      `more than ${window} records were modified at ${written(last)}, and the third party serves no ` +
      'more of one search.';
    return { next: { ok: false, problem }, items };
  }
  if (place.since !== undefined && last.getTime() < place.since) {
    const problem = 'the list is not sorted by the time of modification, so its window cannot be continued.';
    return { next: { ok: false, problem }, items };
  }
  return {
    next: { ok: true, place: { phase: place.phase, since: last.getTime() } },
    items: items.filter((item) => written(timeOf(item)) !== written(last)),
  };
}
