/**
 * Parses JSON of third parties. Numbers too long for a double become text, because third parties use such
 * numbers as ids.
 */
import type { JsonValue } from '../domain/json';

/** Finds numbers that a double cannot represent. Long fractions and strings of digits are left unchanged. */
const LONG_NUMBER = /(?:^|[[:,\s])-?\d{16}/;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Undefined for invalid JSON, including an empty body. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(LONG_NUMBER.test(text) ? keepLongNumbers(text) : text) as JsonValue;
  } catch {
    return undefined;
  }
}

/**
 * Skips strings, so that digits inside them stay unchanged. Uses no regular expression, because a long text
 * of escapes would exhaust its stack.
 */
function keepLongNumbers(text: string): string {
  const parts: string[] = [];
  for (let from = 0; from < text.length;) {
    const quote = text.indexOf('"', from);
    const open = quote < 0 ? text.length : quote;
    parts.push(
      text
        .slice(from, open)
        .replaceAll(NUMBER, (token) =>
          /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
        ),
    );
    from = endOfString(text, open);
    parts.push(text.slice(open, from));
  }
  return parts.join('');
}

/** Behind the quote that closes the string which opens there; the end of the text if none does. */
export function endOfString(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close >= 0; close = text.indexOf('"', close + 1)) {
    let backslashes = 0;
    while (text[close - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return close + 1;
  }
  return text.length;
}
