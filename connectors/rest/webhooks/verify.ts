/** Whether a call was sent by who knows the secret: by a signature over it, or by the secret itself. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isJsonObject, type JsonValue } from '../../../domain/json';
import type { IncomingCall } from '../../incoming';
import type { HmacConfig, TokenConfig, WebhooksConfig } from '../config/config-webhooks';
import { parseJson, readAt } from '../json-pointer';
import { onlyMember } from './signed-members';

/** A header may carry the signatures of several secrets while one is replaced. */
const PARTS_MAX = 20;
const SIGNATURES_LENGTH_MAX = 4_096;
const VARIABLE = /\{(body|timestamp|method|url|header:[^{}\s]+|member:[^{}\s]+)\}/;
const MEMBER = 'member:';
const EPOCH_MS = { epoch_s: 1_000, epoch_ms: 1 } as const;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What the call proves to have said: its body, undefined if that is no JSON, or the signed members of it. */
interface Verified {
  body: JsonValue | undefined;
}

/** undefined = it is not verified. */
export function verifiedBody(
  { verify }: WebhooksConfig,
  call: IncomingCall,
  secret: string | null,
): Verified | undefined {
  if (secret === null || secret === '') return undefined;
  if (verify.type === 'token')
    return hasToken(verify, call, secret) ? { body: jsonOf(call.body) } : undefined;
  // Otherwise a call is parsed only once it is verified.
  const isProvedInside = verify.header === undefined || verify.signed.includes(`{${MEMBER}`);
  const json = isProvedInside ? jsonOf(call.body) : undefined;
  const members = membersSigned(verify, call, json);
  if (members === undefined || !isSigned(verify, call, { secret, members, json })) return undefined;
  if (members.size === 0) return { body: json ?? jsonOf(call.body) };
  return { body: Object.fromEntries([...members].map(([name, text]) => [name, parseJson(text) ?? null])) };
}

/** undefined = the body is no JSON. */
function jsonOf(body: Buffer): JsonValue | undefined {
  try {
    return parseJson(utf8.decode(body));
  } catch {
    return undefined;
  }
}

/** The variables of `signed`, in their order. */
export const variablesOfSigned = (signed: string): string[] =>
  signed.split(VARIABLE).filter((_text, index) => index % 2 === 1);

/** By name, as they were sent. undefined = the body lacks one. */
function membersSigned(
  { signed }: HmacConfig,
  { body }: IncomingCall,
  json: JsonValue | undefined,
): Map<string, string> | undefined {
  const names = variablesOfSigned(signed)
    .filter((name) => name.startsWith(MEMBER))
    .map((name) => name.slice(MEMBER.length));
  if (names.length === 0) return new Map();
  if (!isJsonObject(json)) return undefined;
  const text = utf8.decode(body);
  const found = names.map((name) => [name, onlyMember(text, name)] as const);
  const members = found.filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
  return members.length === names.length ? new Map(members) : undefined;
}

interface Signed {
  secret: string;
  members: ReadonlyMap<string, string>;
  json: JsonValue | undefined;
}

function isSigned(verify: HmacConfig, call: IncomingCall, { secret, members, json }: Signed): boolean {
  const signatures = partsOf(signatureIn(verify, call, json), verify).map((text) =>
    bytesOf(text, verify.encoding),
  );
  const timestamp = verify.timestamp === undefined ? undefined : timestampOf(verify.timestamp, call);
  if (signatures.length === 0 || timestamp === null) return false;
  const key = keyOf(verify, secret);
  const parts = verify.signed.split(VARIABLE).map((text, index) => {
    if (index % 2 === 0) return text;
    return text.startsWith(MEMBER) ? members.get(text.slice(MEMBER.length)) : valueOf(text, call, timestamp);
  });
  if (key === undefined || parts.includes(undefined)) return false;
  const hmac = createHmac(verify.algorithm, key);
  for (const part of parts) hmac.update(part ?? '');
  const expected = hmac.digest();
  // Every signature is compared, whichever fits.
  return signatures.map((signature) => isSame(signature, expected)).includes(true);
}

function signatureIn(
  { header, at = '' }: HmacConfig,
  call: IncomingCall,
  json: JsonValue | undefined,
): string | undefined {
  if (header !== undefined) return onlyValue(call, header);
  const value = readAt(json, at);
  return typeof value === 'string' ? value : undefined;
}

function valueOf(variable: string, call: IncomingCall, timestamp: string | undefined) {
  if (variable === 'body') return call.body;
  if (variable === 'timestamp') return timestamp;
  if (variable === 'method') return call.method;
  if (variable === 'url') return call.url;
  return onlyValue(call, variable.slice('header:'.length));
}

/** As it was sent, because it is signed as it was sent. null = missing, unreadable, or too far from now. */
function timestampOf(config: NonNullable<HmacConfig['timestamp']>, call: IncomingCall): string | null {
  const [text, ...others] = partsOf(onlyValue(call, config.header), config);
  if (text === undefined || others.length > 0) return null;
  const at = instantOf(text, config.format);
  return Math.abs(call.now.getTime() - at) <= config.tolerance_seconds * 1_000 ? text : null;
}

/** NaN is no instant, and is near none. */
function instantOf(text: string, format: 'epoch_s' | 'epoch_ms' | 'iso'): number {
  if (format === 'iso')
    return /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : NaN;
  return /^\d{1,16}$/.test(text) ? Number(text) * EPOCH_MS[format] : NaN;
}

function keyOf({ secret_encoding: encoding }: HmacConfig, secret: string): Buffer | undefined {
  const text = secret.replace(/^whsec_/, '');
  return encoding === 'text' ? Buffer.from(secret) : bytesOf(text, encoding);
}

/** Every place must have the secret: an item of a body without it could be forged. */
function hasToken(verify: TokenConfig, call: IncomingCall, secret: string): boolean {
  const { prefix, encoding } = verify;
  const expected = Buffer.from(secret);
  const same = tokensOf(verify, call).map((value) => {
    if (typeof value !== 'string' || !value.startsWith(prefix)) return false;
    const given = value.slice(prefix.length);
    return isSame(encoding === 'text' ? Buffer.from(given) : bytesOf(given, encoding), expected);
  });
  return same.length > 0 && !same.includes(false);
}

function tokensOf(verify: TokenConfig, call: IncomingCall): (JsonValue | undefined)[] {
  const { header, parameter, at, items = '' } = verify;
  if (header !== undefined) return [onlyValue(call, header)];
  if (at === undefined) return [parameterOf(call, parameter ?? '')];
  const found = readAt(jsonOf(call.body), items);
  return Array.isArray(found) ? found.map((item) => readAt(item, at)) : [readAt(found, at)];
}

/** The parts of the text that begin with the prefix, without it. */
function partsOf(
  value: string | undefined,
  { prefix, separator }: Pick<HmacConfig, 'prefix' | 'separator'>,
): string[] {
  if (value === undefined || value.length > SIGNATURES_LENGTH_MAX) return [];
  const parts = separator === undefined ? [value] : value.split(separator).map((part) => part.trim());
  return parts
    .filter((part) => part.startsWith(prefix))
    .slice(0, PARTS_MAX)
    .map((part) => part.slice(prefix.length));
}

/** undefined also if the header came twice: proxies and receivers would choose differently. */
function onlyValue({ headers }: IncomingCall, name: string): string | undefined {
  const key = name.toLowerCase();
  const values = Object.hasOwn(headers, key) ? (headers[key] ?? []) : [];
  return values.length === 1 ? values[0] : undefined;
}

/** undefined also if it came twice. */
export function parameterOf({ url }: IncomingCall, name: string): string | undefined {
  // A request may have a host before its path, and then the whole is no URL.
  const start = url.indexOf('?');
  const values = new URLSearchParams(start < 0 ? '' : url.slice(start)).getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

export { onlyValue as headerOf };

/** Buffer leaves out what is no hex or base64, so the text is checked. undefined fits nothing. */
function bytesOf(text: string, encoding: 'hex' | 'base64'): Buffer | undefined {
  const isWellFormed =
    encoding === 'hex' ? /^(?:[0-9a-f]{2})+$/i.test(text) : /^[A-Za-z0-9+/_-]+={0,2}$/.test(text);
  return isWellFormed ? Buffer.from(text, encoding) : undefined;
}

/** In a time that tells nothing about where they differ. */
function isSame(given: Buffer | undefined, expected: Buffer): boolean {
  return given !== undefined && given.length === expected.length && timingSafeEqual(given, expected);
}
