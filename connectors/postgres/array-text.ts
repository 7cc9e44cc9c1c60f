/**
 * PostgreSQL's text format of arrays: `{1,NULL,"a \"b\"",{2,3}}`, optionally with bounds such as `[1:3]=`
 * (PostgreSQL documentation, 8.15.6).
 */
import type { JsonValue } from '../../domain/json';

/** Parses an array and decodes each element with `decode`. Undefined if the text is not an array. */
export function parseArrayText(
  text: string,
  delimiter: string,
  decode: (item: string) => JsonValue,
): JsonValue[] | undefined {
  const start = text.startsWith('[') ? text.indexOf('=') + 1 : 0;
  if (text[start] !== '{') return undefined;
  const [list, listEnd] = readList(start);
  return listEnd === text.length ? list : undefined;

  /** Parses from `{` to the end of its `}`. PostgreSQL nests arrays at most six levels deep. */
  function readList(from: number): [JsonValue[], number] {
    const items: JsonValue[] = [];
    let at = from + 1;
    while (at < text.length && text[at] !== '}') {
      const [item, next] = readItem(at);
      items.push(item);
      at = text[next] === delimiter ? next + 1 : next;
    }
    return [items, at + 1];
  }

  function readItem(from: number): [JsonValue, number] {
    if (text[from] === '{') return readList(from);
    if (text[from] === '"') return readQuoted(from);
    let end = from;
    while (end < text.length && text[end] !== delimiter && text[end] !== '}') end += 1;
    const item = text.slice(from, end);
    return [item === 'NULL' ? null : decode(item), end];
  }

  function readQuoted(from: number): [JsonValue, number] {
    let item = '';
    let at = from + 1;
    for (; at < text.length && text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1;
      item += text[at] ?? '';
    }
    return [decode(item), at + 1];
  }
}
