/** Credentials by name: reads them, adds them to requests, and redacts them in responses. */
import type { ConnectorContext, HttpResponse } from '../../connector';
import { Unauthorized } from '../../errors';
import type { RestConfig } from '../config/config';
import type { RestCredentials } from '../config/config-auth';

export type RestContext = ConnectorContext<RestConfig, RestCredentials>;

/** Short values are not redacted, because that would make responses unreadable. */
const SECRET_LENGTH_MIN = 6;

/** `Authorization: Basic` (RFC 7617), in UTF-8. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A credential by name. Throws Unauthorized if it is missing, because a user has to enter it. */
export function credentialOf(credentials: RestCredentials, name: string): string {
  const value = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
  if (value === undefined)
    throw new Unauthorized(`The credential "${name}" that the configuration uses is missing.`);
  return value;
}

/**
 * The response without secrets, plain or JSON-escaped, because refusals are shown to users.
 */
export function redacted(response: HttpResponse, secrets: readonly string[]): HttpResponse {
  const forms = secrets
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN);
  return { ...response, text: forms.reduce((text, secret) => text.replaceAll(secret, '•••'), response.text) };
}

/**
 * The secrets of an integration that must not appear in an error: credentials, also in Basic form, and the
 * current token.
 */
export function secretsOf({
  credentials,
  tokens,
  accessTokens,
}: Pick<RestContext, 'credentials' | 'tokens' | 'accessTokens'>): string[] {
  const { username, password } = credentials;
  const recordSync =
    username === undefined || password === undefined
      ? []
      : [basic(username, password).slice('Basic '.length)];
  const token = tokens.get();
  return [
    ...Object.values(credentials),
    ...recordSync,
    ...(token ? [token.value] : []),
    ...(accessTokens?.known() ?? []),
  ];
}
