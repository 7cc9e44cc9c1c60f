/**
 * Where in a dataset reading goes on, as the text that is kept between two pages: whatever another process
 * needs beside the configuration. Where the third party gives the next place, the text depends on nothing
 * else, so that one that comes again shows.
 */
import { isJsonObject } from '../../../domain/json';
import { parseJson } from '../json-pointer';

export interface Place {
  /** First the records, then what was deleted. */
  phase: 'list' | 'deleted_list';
  /** A page number, an offset or a cursor; absent: the first page. */
  at?: number | string;
  /** How many items came before, where pages are counted. */
  seen?: number;
  /** The address of the page, where they give addresses. */
  url?: string;
}

export const BEGINNING: Place = { phase: 'list' };

export function writePlace(place: Place): string {
  return JSON.stringify(place);
}

/** Undefined for a text that no reading has written. */
export function readPlace(text: string): Place | undefined {
  const place = parseJson(text);
  if (!isJsonObject(place)) return undefined;
  const { phase, at, seen, url } = place;
  if (phase !== 'list' && phase !== 'deleted_list') return undefined;
  return {
    phase,
    ...((typeof at === 'number' || typeof at === 'string') && { at }),
    ...(typeof seen === 'number' && { seen }),
    ...(typeof url === 'string' && { url }),
  };
}

export function isFirst({ at, url }: Place): boolean {
  return at === undefined && url === undefined;
}
