/** What the delivery log keeps of a request and its response: cut, and without secrets. */

const KEPT_CHARACTERS_MAX = 4 * 1024;
const BEGINNING_LENGTH_MIN = 4;
const HEADERS_KEPT_MAX = 30;
const HEADER_LENGTH_MAX = 200;

/** Response headers that can contain the receiver's secrets. */
const HEADERS_NOT_KEPT = new Set([
  'set-cookie',
  'set-cookie2',
  'authorization',
  'proxy-authenticate',
  'www-authenticate',
]);

/** Shorter values are no secrets, and would make other text unreadable. */
const SECRET_LENGTH_MIN = 6;

/**
 * What must not be kept of a response that repeats the request: the signing secrets, also without their
 * prefix, and of the receiver's own headers the values, tokens, and a decoded password.
 */
export function hiddenTexts(
  secrets: readonly string[],
  ownHeaders: Readonly<Record<string, string>>,
): string[] {
  const parts = Object.values(ownHeaders).flatMap((value) => {
    const [scheme, token = ''] = value.split(/ (.*)/s);
    const decoded = scheme?.toLowerCase() === 'basic' ? Buffer.from(token, 'base64').toString() : '';
    return [value, token, decoded, decoded.slice(decoded.indexOf(':') + 1)];
  });
  const signing = secrets.flatMap((secret) => [secret, secret.replace(/^whsec_/, '')]);
  return [...new Set([...signing, ...parts.filter((part) => part.length >= SECRET_LENGTH_MIN)])];
}

export function hiddenHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, '[hidden]']));
}

type ResponseHeaders = Record<string, string | string[] | undefined>;

/** What is kept of the headers of a receiver's responses, which are often equal to those before. */
export class KeptHeaders {
  private last: { headers: ResponseHeaders; kept: Readonly<Record<string, string>> } | undefined;

  constructor(private readonly hidden: readonly string[]) {}

  /** The same object for equal headers. */
  of(headers: ResponseHeaders): Readonly<Record<string, string>> {
    if (this.last === undefined || !areEqual(this.last.headers, headers))
      this.last = { headers, kept: keptHeaders(headers, this.hidden) };
    return this.last.kept;
  }
}

function areEqual(a: ResponseHeaders, b: ResponseHeaders): boolean {
  const names = Object.keys(a);
  // A header that was sent several times is a list, and two lists are never equal here.
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function keptHeaders(headers: ResponseHeaders, hidden: readonly string[]): Record<string, string> {
  const kept: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (value === undefined || HEADERS_NOT_KEPT.has(key)) continue;
    if (kept.length === HEADERS_KEPT_MAX) break;
    const text = redacted(Array.isArray(value) ? value.join(', ') : value, hidden);
    kept.push([key, text.slice(0, HEADER_LENGTH_MAX)]);
  }
  return Object.fromEntries(kept); // a header may be called __proto__
}

export function keptBody(chunks: readonly Buffer[], hidden: readonly string[]): string {
  if (chunks.length === 0) return '';
  // Redacted before it is cut: a part of a secret would not be recognized.
  return redacted(new TextDecoder().decode(Buffer.concat(chunks)), hidden).slice(0, KEPT_CHARACTERS_MAX);
}

/** Removes secrets that a receiver repeats, also if one is cut off at the end of the text. */
function redacted(text: string, hidden: readonly string[]): string {
  let clean = text;
  for (const secret of hidden) {
    if (clean.includes(secret)) clean = clean.replaceAll(secret, '[secret]');
    const started = lengthOfBeginning(clean, secret);
    if (started > 0) clean = `${clean.slice(0, -started)}[secret]`;
  }
  return clean;
}

/**
 * The length of the secret's beginning with which the text ends; 0 if it is shorter than
 * BEGINNING_LENGTH_MIN.
 */
function lengthOfBeginning(text: string, secret: string): number {
  const beginning = secret.slice(0, BEGINNING_LENGTH_MIN);
  let at = text.indexOf(beginning, Math.max(0, text.length - secret.length + 1));
  while (at !== -1) {
    if (secret.startsWith(text.slice(at))) return text.length - at;
    at = text.indexOf(beginning, at + 1);
  }
  return 0;
}
