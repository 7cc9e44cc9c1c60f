/**
 * The position in a dataset as a text, stored between two pages. With the configuration it is all that
 * another process needs to continue. If the third party provides the next position, the text contains nothing
 * else, so that a repeated position is recognized.
 */
import { isJsonObject } from '../../../domain/json';
import { parseJson } from '../json-pointer';

export interface Place {
  /** The records come first (all of them, or the changed ones), then the deleted ones. */
  phase: 'list' | 'changes' | 'deleted_list';
  /** A page number, an offset or a cursor; absent: the first page. */
  at?: number | string;
  /** Number of items before this page, for paging by offset. */
  seen?: number;
  /** The address of the page, for paging by address. */
  url?: string;
  /** Where the window of the list begins, if it is not the first one. In milliseconds since 1970. */
  since?: number;
  /** For lists per parent: the id of the parent whose list is read. */
  parent?: string;
  /** The parents behind it. */
  parents?: Parents;
  /** When the pass began, for intervals that end then. In milliseconds since 1970. */
  now?: number;
}

export interface Parents {
  waiting: string[];
  /** The next page of parents; null = there is none. */
  next: Pick<Place, 'at' | 'seen' | 'url'> | null;
  /** Parents in a row that did not exist; null = one did. */
  missing?: number | null;
}

/** Longer cursors, addresses and tokens are refused: they are kept, and sent in an address. */
export const POSITION_LENGTH_MAX = 16_384;

export const BEGINNING: Place = { phase: 'list' };

export function writePlace(place: Place): string {
  return JSON.stringify(place);
}

/** Undefined for a text that is not a stored position. */
export function readPlace(text: string): Place | undefined {
  const place = parseJson(text);
  if (!isJsonObject(place)) return undefined;
  const { phase, at, seen, url, since, now, parent, parents } = place;
  if (phase !== 'list' && phase !== 'changes' && phase !== 'deleted_list') return undefined;
  return {
    phase,
    ...((typeof at === 'number' || typeof at === 'string') && { at }),
    ...(typeof seen === 'number' && { seen }),
    ...(typeof url === 'string' && { url }),
    ...(typeof since === 'number' && { since }),
    ...(typeof now === 'number' && { now }),
    ...(typeof parent === 'string' && { parent }),
    ...(isJsonObject(parents) && { parents: parents as unknown as Parents }),
  };
}

export function isFirst({ at, url }: Place): boolean {
  return at === undefined && url === undefined;
}
