/** Requests signed by OAuth 1.0a (RFC 5849) with HMAC, as NetSuite's token-based authentication wants. */
import { createHmac } from 'node:crypto';
import type { HttpRequest } from '../../http';

/** The names of the credentials. */
export const OAUTH1_SECRETS = ['consumer_key', 'consumer_secret', 'token', 'token_secret'] as const;

interface OAuth1Secrets {
  consumerKey: string;
  consumerSecret: string;
  token: string;
  tokenSecret: string;
}

interface OAuth1Options {
  method: 'HMAC-SHA256' | 'HMAC-SHA1';
  realm?: string | undefined;
  /** Seconds since 1970. */
  timestamp: number;
  nonce: string;
}

/** The value of the header Authorization. */
export function oauth1Header(request: HttpRequest, secrets: OAuth1Secrets, options: OAuth1Options): string {
  const parameters: Record<string, string> = {
    oauth_consumer_key: secrets.consumerKey,
    oauth_nonce: options.nonce,
    oauth_signature_method: options.method,
    oauth_timestamp: String(options.timestamp),
    oauth_token: secrets.token,
    oauth_version: '1.0',
  };
  const key = [secrets.consumerSecret, secrets.tokenSecret].map(encoded).join('&');
  const signature = createHmac(options.method === 'HMAC-SHA1' ? 'sha1' : 'sha256', key)
    .update(signatureBase(request, Object.entries(parameters)))
    .digest('base64');
  const realm = options.realm === undefined ? [] : [`realm="${options.realm}"`];
  const own = Object.entries({ ...parameters, oauth_signature: signature });
  return `OAuth ${[...realm, ...own.map(([name, value]) => `${name}="${encoded(value)}"`)].join(', ')}`;
}

/** RFC 5849, 3.4.1: the method, the address, and all parameters of query, form and protocol. */
export function signatureBase(
  { method, url, headers, body }: HttpRequest,
  protocol: readonly (readonly [string, string])[],
): string {
  const { origin, pathname, searchParams } = new URL(url);
  const type = headers?.['content-type'] ?? '';
  const form = /^application\/x-www-form-urlencoded\b/i.test(type) ? [...new URLSearchParams(body)] : [];
  const pairs = [...searchParams, ...form, ...protocol]
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .toSorted(([name, value], [otherName, otherValue]) =>
      name === otherName ? compare(value, otherValue) : compare(name, otherName),
    )
    .map(([name, value]) => `${name}=${value}`);
  return [method, `${origin}${pathname}`, pairs.join('&')].map(encoded).join('&');
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** RFC 5849, 3.6. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
