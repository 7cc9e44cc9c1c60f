/**
 * The number of values and the depth of a JSON text, before it is parsed: the three bytes of `{},` become 64
 * in memory. Other texts are not looked at.
 */
export const JSON_VALUES_MAX = 500_000;
export const JSON_DEPTH_MAX = 200;

const [QUOTE, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d];
const BACKSLASH = 0x5c;

/** Counts until the text is too deep. */
export function shapeOf(text: string): { values: number; isTooDeep: boolean } {
  if (!/^\s*[[{]/.test(text)) return { values: 0, isTooDeep: false };
  let [values, depth] = [0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA) values += 1;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      values += 1;
      depth += 1;
      if (depth > JSON_DEPTH_MAX) return { values, isTooDeep: true };
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth -= 1;
  }
  return { values, isTooDeep: false };
}

/** The place of the closing quote. */
function endOfString(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close >= 0; close = text.indexOf('"', close + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return close;
  }
  return text.length;
}
