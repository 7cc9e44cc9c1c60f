/** Headers that an endpoint's owner may send with each delivery. */

export const RECEIVER_HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** Visible ASCII with blanks inside: no CR or LF, which would begin another header. */
export const RECEIVER_HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
export const RECEIVER_HEADER_VALUE_MAX = 4_096;

/** Of the connection, of the body, or written by Syncline. */
const REFUSED = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);
const REFUSED_BEGINNINGS = ['proxy-', 'webhook-', 'sec-'];

export const RECEIVER_HEADERS_MAX = 20;

/** Why the header cannot be sent; undefined = it can. The reason does not contain the value. */
export function whyHeaderIsRefused(name: string, value: string): string | undefined {
  const key = name.toLowerCase();
  if (!RECEIVER_HEADER_NAME.test(name)) return 'is not the name of a header';
  if (REFUSED.has(key) || REFUSED_BEGINNINGS.some((beginning) => key.startsWith(beginning)))
    return 'is a header that Syncline or the connection sets';
  if (value.length > RECEIVER_HEADER_VALUE_MAX || !RECEIVER_HEADER_VALUE.test(value))
    return `has a value that is not 1 to ${RECEIVER_HEADER_VALUE_MAX} visible ASCII characters`;
  return undefined;
}
