/**
 * The single values of a REST integration's configuration: texts, pointers, addresses and headers. Each
 * schema refuses values that could change the meaning of the text around them. `config.ts` combines them.
 */
import { z } from 'zod';
import type { JsonValue } from '../../../domain/json';
import { toPath } from '../../../domain/records/place';
import { isPointer, isSafePath } from '../json-pointer';
import { problemOfPath } from '../http/templates';

export const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
export const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** Set by the HTTP client itself; setting them here could split one request into two. */
const RESERVED_HEADERS = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);

export const Text = z.string().max(4000);
export const JsonPointer = Text.refine(
  isPointer,
  'A JSON Pointer: empty for the whole, or /key/key (RFC 6901).',
);
/** `email` or `/name/given`, like `to` in a mapping. */
export const Destination = Text.min(1).refine(
  (to) => isSafePath(toPath(to)) && (!to.startsWith('/') || isPointer(to)),
  'A key, or a JSON Pointer.',
);
export const CharacterSet = z.string().min(1).max(200);
export const Status = z.int().min(100).max(599);
export const Json: z.ZodType<JsonValue> = z.json();
export const JsonObject = z.record(z.string().max(200), Json);

export const Headers = z.record(
  z
    .string()
    .regex(HEADER_NAME, 'The name of a header.')
    .refine((name) => !RESERVED_HEADERS.has(name.toLowerCase()), 'This header cannot be set.'),
  Text.regex(/^[\x20-\x7e]*$/, 'A header can only contain printable ASCII characters.'),
);

export const HeaderName = z.string().regex(HEADER_NAME, 'The name of a header.');
/** A query parameter's name is percent-encoded, so it may be anything visible: `$skip`, `page[number]`. */
export const parameterName = (what: string) =>
  z.string(`Set the parameter for ${what}.`).regex(/^[!-~]{1,100}$/, 'The name of a parameter.');
/**
 * Where parameters go: into the query, or into the body of a search by POST (then a key or a JSON Pointer).
 */
export const parameterPlace = { in: z.enum(['query', 'body']).default('query') };

export const AbsoluteUrl = Text.superRefine((url, issue) => {
  const problem = problemOfUrl(url);
  if (problem !== undefined) issue.addIssue({ code: 'custom', message: problem });
});

/** A token endpoint may have a query (`…/token.php?request=token`). It is sent as it stands. */
export const TokenUrl = Text.superRefine((url, issue) => {
  const [address = '', query = ''] = url.split('?', 2);
  const problem =
    problemOfUrl(address) ?? (/^[\w.~%=&+-]*$/.test(query) ? undefined : 'The query is not usable.');
  if (problem !== undefined || url.split('?').length > 2)
    issue.addIssue({ code: 'custom', message: problem ?? 'The query is not usable.' });
});

export const PathTemplate = Text.superRefine((path, issue) => {
  const problem = problemOfPath(path);
  if (problem !== undefined) issue.addIssue({ code: 'custom', message: problem });
});

/** Zod silently drops `__proto__` from records; here it is refused at every level. */
export function refuseUnsafeKeys(value: unknown, issue: z.core.$RefinementCtx): unknown {
  const path = pathOfUnsafeKey(value);
  if (path)
    issue.addIssue({
      code: 'custom',
      message: 'The keys __proto__, constructor and prototype are not allowed.',
      input: value,
      path,
    });
  return value;
}

function pathOfUnsafeKey(value: unknown): string[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const path = isSafePath([key]) ? pathOfUnsafeKey(inner) : [];
    if (path) return [key, ...path];
  }
  return undefined;
}

function problemOfUrl(url: string): string | undefined {
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url)) return 'Enter an absolute http or https URL.';
  const { username, password, search, hash } = new URL(url);
  if (username !== '' || password !== '')
    return 'Enter the URL without user name and password: they belong to the credentials.';
  if (search !== '' || hash !== '' || /[?#{}]/.test(url))
    return 'Enter the URL without query, fragment and braces.';
  return undefined;
}
