/** Requests with an HMAC over a text that the configuration builds from a closed list of their parts. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { clockMs } from '../../clock';
import type { AuthConfig } from '../config/config-auth';
import type { HttpRequest } from '../../http';
import { fillHashed, fillHeader, textVariables, type Variables } from '../http/templates';
import { KeyProblem } from './pem';

export type SignatureConfig = Extract<AuthConfig, { type: 'signature' }>;

export interface Moment {
  now: Date;
  nonce: string;
}

export const thisMoment = (): Moment => ({
  now: new Date(clockMs()),
  nonce: randomBytes(16).toString('hex'),
});

const sha256 = (text: string) => createHash('sha256').update(text);

/** The parts of a request; other names in the templates are credentials. */
const PARTS: Readonly<Record<string, (request: HttpRequest, url: URL, moment: Moment) => string>> = {
  method: ({ method }) => method,
  url: (_request, url) => url.href,
  host: (_request, url) => url.host,
  path: (_request, url) => url.pathname,
  query: (_request, url) => url.search.slice(1),
  path_and_query: (_request, url) => url.pathname + url.search,
  body: ({ body }) => body ?? '',
  body_sha256_hex: ({ body }) => sha256(body ?? '').digest('hex'),
  body_sha256_base64: ({ body }) => sha256(body ?? '').digest('base64'),
  content_type: ({ headers }) => headers?.['content-type'] ?? '',
  date: (_request, _url, { now }) => now.toUTCString(),
  date_iso: (_request, _url, { now }) => now.toISOString(),
  timestamp: (_request, _url, { now }) => String(Math.floor(now.getTime() / 1_000)),
  timestamp_ms: (_request, _url, { now }) => String(now.getTime()),
  nonce: (_request, _url, { nonce }) => nonce,
};

/** The names of the credentials in the templates. */
export const credentialsOfSignature = ({ signed_text: text, headers }: SignatureConfig): string[] =>
  ['secret', ...textVariables(text), ...Object.values(headers).flatMap(textVariables)].filter(
    (name) => name !== 'signature' && !Object.hasOwn(PARTS, name),
  );

/** Throws KeyProblem. */
export function signingSecret({ secret_encoding: encoding }: SignatureConfig, secret: string): Buffer {
  if (encoding === 'text') return Buffer.from(secret);
  const decoded = Buffer.from(secret, encoding);
  const isWhole =
    encoding === 'hex'
      ? decoded.length * 2 === secret.length
      : /^[A-Za-z0-9+/_-]+={0,2}$/.test(secret) && decoded.length > 0;
  if (!isWhole) throw new KeyProblem(`The secret is not in ${encoding} form.`);
  return decoded;
}

/** The headers that carry the signature. Throws KeyProblem, and UnusableValue as `fillHeader` does. */
export function signatureHeaders(
  auth: SignatureConfig,
  request: HttpRequest,
  credential: (name: string) => string,
  moment: Moment = thisMoment(),
): Record<string, string> {
  const url = new URL(request.url);
  const valueOf: Variables = (name) =>
    Object.hasOwn(PARTS, name) ? PARTS[name]?.(request, url, moment) : credential(name);
  const signature = createHmac(auth.algorithm, signingSecret(auth, credential('secret')))
    .update(fillHashed(auth.signed_text, valueOf))
    .digest(auth.encoding);
  const withSignature: Variables = (name) => (name === 'signature' ? signature : valueOf(name));
  return Object.fromEntries(
    Object.entries(auth.headers).map(([name, template]) => [name, fillHeader(template, withSignature)]),
  );
}
