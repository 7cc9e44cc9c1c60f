/**
 * Bodies that carry their signature: only a member is signed, as it was sent. The rest proves nothing, so
 * events are read from signed members alone.
 */
import { endOfString } from '../../parse-json';

/**
 * The text of a member of the object, without the white space around it. undefined if the object has no such
 * member, or several: their readers would choose differently. @param text a valid JSON object
 */
export function onlyMember(text: string, name: string): string | undefined {
  const found: string[] = [];
  let depth = 0;
  let key: string | undefined;
  let start = 0;
  for (let at = 0; at < text.length;) {
    const sign = text[at];
    const end = sign === '"' ? endOfString(text, at) : at + 1;
    if (depth === 1 && key === undefined && sign === '"') key = text.slice(at, end);
    else if (depth === 1 && sign === ':') start = end;
    else if (depth === 1 && (sign === ',' || sign === '}')) {
      if (key !== undefined && JSON.parse(key) === name) found.push(text.slice(start, at).trim());
      key = undefined;
    }
    if (sign === '{' || sign === '[') depth += 1;
    else if (sign === '}' || sign === ']') depth -= 1;
    at = end;
  }
  return found.length === 1 ? found[0] : undefined;
}
