/**
 * Pages of a list, by `startIndex` (RFC 7644 3.4.2.4), or by cursors where the service prefers them (RFC
 * 9865).
 */
import type { Features } from './responses';

export interface Paging {
  /** The index of the next resource, counted from 1. */
  startIndex: number;
  /** The cursor of the next page, empty for the first one; null for a service that pages by `startIndex`. */
  cursor: string | null;
}

export function firstPage({ pagesByCursor }: Features): Paging {
  return { startIndex: 1, cursor: pagesByCursor ? '' : null };
}

export function pageQuery({ startIndex, cursor }: Paging, count: number): Record<string, string> {
  return cursor === null
    ? { startIndex: String(startIndex), count: String(count) }
    : { cursor, count: String(count) };
}

/** null after the last page. */
export function nextPage(
  { startIndex: before, cursor }: Paging,
  {
    items,
    total,
    nextCursor,
  }: { items: readonly unknown[]; total: number | null; nextCursor: string | null },
): Paging | null {
  const startIndex = before + items.length;
  if (cursor !== null) return nextCursor === null ? null : { startIndex, cursor: nextCursor };
  return items.length === 0 || (total !== null && startIndex > total) ? null : { startIndex, cursor };
}
