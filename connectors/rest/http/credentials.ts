/** Credentials by name: reads them, adds them to requests, and redacts them in responses. */
import type { ConnectorContext, HttpResponse } from '../../connector';
import { Unauthorized } from '../../errors';
import { hiding } from '../../redaction';
import type { RestConfig } from '../config/config';
import type { AuthConfig, RestCredentials } from '../config/config-auth';
import { fillText } from './templates';

export type RestContext = ConnectorContext<RestConfig, RestCredentials>;

/** `Authorization: Basic` (RFC 7617), in UTF-8. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

type BasicAuth = Extract<AuthConfig, { type: 'basic' }>;

/** For APIs whose key is the user name, or the password, or a part of one. */
export function basicTexts({ username = '{username}', password = '{password}' }: BasicAuth) {
  return { username, password };
}

export function basicOf(auth: BasicAuth, credentials: RestCredentials): string {
  const credential = (name: string) => credentialOf(credentials, name);
  const { username, password } = basicTexts(auth);
  return basic(fillText(username, credential), fillText(password, credential));
}

/** A credential by name. Throws Unauthorized if it is missing, because a user has to enter it. */
export function credentialOf(credentials: RestCredentials, name: string): string {
  const value = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
  if (value === undefined)
    throw new Unauthorized(`The credential "${name}" that the configuration uses is missing.`);
  return value;
}

/** The response without secrets, because refusals are shown to users. */
export function redacted(response: HttpResponse, secrets: readonly string[]): HttpResponse {
  const without = hiding(secrets);
  const headers = Object.entries(response.headers).map(([name, value]) => [name, without(value)]);
  return { ...response, headers: Object.fromEntries(headers), text: without(response.text) };
}

/**
 * The secrets of an integration that must not appear in an error: credentials, also in Basic form, and the
 * current token.
 */
export function secretsOf({
  config: { auth },
  credentials,
  tokens,
  accessTokens,
}: Pick<RestContext, 'config' | 'credentials' | 'tokens' | 'accessTokens'>): string[] {
  const isBasic = auth.type === 'basic' && Object.keys(credentials).length > 0;
  const token = tokens.get();
  return [
    ...Object.values(credentials),
    ...(isBasic ? [basicOf(auth, credentials).slice('Basic '.length)] : []),
    ...(token ? [token.value] : []),
    ...(accessTokens?.known() ?? []),
  ];
}
