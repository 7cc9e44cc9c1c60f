/**
 * The calls that return a token: the client credentials grant of OAuth 2 (RFC 6749 4.4), signed assertions
 * (RFC 7523), and a third party's own login. A refusal (400, 401, 403, 404, or a response without a token) is
 * Unauthorized, because a user has to correct the credentials or the configuration. Other failures (5xx, 429,
 * an HTML page, no response) are retried.
 */
import type { JsonObject, JsonValue } from '../../../domain/json';
import { clockMs } from '../../clock';
import type { HttpRequest, HttpResponse } from '../../connector';
import { type ConnectorError, RecordRejected, Unauthorized, WrongAddress } from '../../errors';
import { formEncoded } from '../../redaction';
import { errorFromResponse, isSuccess, isUnreadable } from '../../http-errors';
import { rulesFor, unreadable } from './response-rules';
import { wordsByRules, wordsOf } from './error-mapping';
import type { ErrorsConfig } from '../config/config';
import type { AuthConfig } from '../config/config-auth';
import { parseJson, readAt } from '../json-pointer';
import { type RestContext, basic, credentialOf, redacted, secretsOf } from './credentials';
import { type JwtBearerConfig, signAssertion } from '../signing/jwt-assertion';
import { fillHeader, fillJson, fillUrl } from './templates';

export interface Token {
  value: string;
  /** When to stop using the token, in milliseconds since 1970: shortly before it expires. Null: unknown. */
  expiresAt: number | null;
}

type OAuth2 = Extract<AuthConfig, { type: 'oauth2_client_credentials' }>;
type Login = Extract<AuthConfig, { type: 'login' }>;

/** A token is renewed this long before it expires, or after nine tenths of its lifetime if that is later. */
const EXPIRY_MARGIN_MS = 30_000;
const FORM = 'application/x-www-form-urlencoded';
/**
 * The locations of the reason in an OAuth 2 error, the most specific first (RFC 6749 5.2). Used after the
 * configuration's own `errors`.
 */
const OAUTH2_ERRORS: readonly ErrorsConfig[] = [{ message: '/error_description' }, { message: '/error' }];

export async function fetchToken(context: RestContext): Promise<Token> {
  const { auth } = context.config;
  if (auth.type === 'login') return logIn(auth, context);
  if (auth.type === 'oauth2_client_credentials') return askForToken(auth, context);
  if (auth.type === 'oauth2_jwt_bearer') return assertForToken(auth, context);
  throw new Error(`No token is needed for ${auth.type}.`);
}

async function askForToken(auth: OAuth2, context: RestContext): Promise<Token> {
  const clientId = credentialOf(context.credentials, 'client_id');
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...auth.parameters });
  if (auth.scope !== undefined) form.set('scope', auth.scope);
  if (auth.client_auth === 'none') form.set('client_id', clientId);
  if (auth.client_auth === 'none') return grant(form, auth, context);
  const clientSecret = credentialOf(context.credentials, 'client_secret');
  // RFC 6749 2.3.1: both are form-encoded before they become user name and password.
  if (auth.client_auth === 'basic') {
    const authorization = basic(formEncoded(clientId), formEncoded(clientSecret));
    return grant(form, auth, context, { authorization }, authorization.slice('Basic '.length));
  }
  form.set('client_id', clientId);
  form.set('client_secret', clientSecret);
  return grant(form, auth, context);
}

async function assertForToken(auth: JwtBearerConfig, context: RestContext): Promise<Token> {
  const credential = (name: string) => credentialOf(context.credentials, name);
  const assertion = await signAssertion(auth, credential('private_key'), credential);
  const form = new URLSearchParams({
    ...auth.parameters,
    ...(auth.scope === undefined ? {} : { scope: auth.scope }),
    ...(auth.assertion_as === 'grant'
      ? { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
      : {
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        }),
  });
  return grant(form, auth, context, {}, assertion);
}

async function grant(
  form: URLSearchParams,
  { token_url: url }: { token_url: string },
  context: RestContext,
  own: Record<string, string> = {},
  ...secrets: string[]
): Promise<Token> {
  const headers = { 'content-type': FORM, accept: 'application/json', ...own };
  const request: HttpRequest = { method: 'POST', url, headers, body: form.toString() };
  const { response, body } = await exchange(request, context, secrets);
  const value = readAt(body, '/access_token');
  if (typeof value !== 'string' || value === '')
    throw withoutToken(
      context,
      redacted(response, secrets),
      body,
      'The response of the token endpoint has no access_token.',
    );
  return { value, expiresAt: expiryAfter(readAt(body, '/expires_in')) };
}

async function logIn(auth: Login, context: RestContext): Promise<Token> {
  const credential = (name: string) => credentialOf(context.credentials, name);
  const request: HttpRequest = {
    method: auth.method,
    url: auth.url ?? fillUrl(context.config.base_url, auth.path ?? '/', credential),
    headers: { accept: 'application/json' },
  };
  for (const [name, template] of Object.entries({ ...context.config.headers, ...auth.headers }))
    request.headers![name] = fillHeader(template, credential);
  const body = auth.body === undefined ? undefined : (fillJson(auth.body, credential) as JsonObject);
  if (body !== undefined) {
    request.headers!['content-type'] = auth.send_as === 'form' ? FORM : 'application/json';
    request.body = auth.send_as === 'form' ? formOf(body) : JSON.stringify(body);
  }
  const { response, body: answer } = await exchange(request, context);
  const value = tokenIn(response, answer, auth);
  if (value === undefined)
    throw withoutToken(
      context,
      response,
      answer,
      `The login was answered ${response.status}, but without a token where the configuration expects it.`,
    );
  return { value, expiresAt: expiryOf(auth, answer) };
}

async function exchange(
  request: HttpRequest,
  context: RestContext,
  secrets: readonly string[] = [],
): Promise<{ response: HttpResponse; body: JsonValue | undefined }> {
  const response = await context.http.send(request).catch((error: unknown) => {
    throw error instanceof WrongAddress ? new Unauthorized(error.message) : error;
  });
  if (!isSuccess(response)) throw refusalOf(redacted(response, [...secretsOf(context), ...secrets]), context);
  return { response, body: parseJson(response.text) };
}

function refusalOf(response: HttpResponse, { config }: RestContext): ConnectorError {
  const error = errorFromResponse(response, () => ({ message: '' }));
  if (!(error instanceof RecordRejected || error instanceof Unauthorized)) return error;
  if (error instanceof WrongAddress) return new Unauthorized(`The login cannot be used. ${error.message}`);
  const body = parseJson(response.text);
  const rules = errorsOf(config).find((errors) => wordsByRules(body, errors) !== '') ?? {};
  return new Unauthorized(
    `The third party refused the login (${response.status}). ${wordsOf(response, body, rules)}`.trim(),
  );
}

/**
 * An HTML page (maintenance, a proxy) does not concern the credentials. Of a response with a success status
 * only the error message is quoted, because the rest may be a secret.
 */
function withoutToken(
  context: RestContext,
  response: HttpResponse,
  body: JsonValue | undefined,
  message: string,
): ConnectorError {
  const shown = redacted(response, secretsOf(context));
  if (isUnreadable(response, body)) return unreadable(shown);
  const said = errorsOf(context.config).map((errors) => wordsByRules(parseJson(shown.text), errors));
  return new Unauthorized(`${message} ${said.find((text) => text !== '') ?? ''}`.trim());
}

/** The locations of the reason in a refused login, in the order in which they are tried. */
function errorsOf(config: RestContext['config']): readonly ErrorsConfig[] {
  return [rulesFor(config).errors, ...(config.auth.type === 'login' ? [] : OAUTH2_ERRORS)];
}

function tokenIn(
  { headers }: HttpResponse,
  body: JsonValue | undefined,
  { token }: Login,
): string | undefined {
  if (typeof token === 'string') {
    const value = readAt(body, token);
    return typeof value === 'string' && value !== '' ? value : undefined;
  }
  if ('header' in token) return headers[token.header.toLowerCase()] || undefined;
  const cookies = (headers['set-cookie'] ?? '').split(/[,;] */);
  return (
    cookies.find((cookie) => cookie.startsWith(`${token.cookie}=`))?.slice(token.cookie.length + 1) ||
    undefined
  );
}

function expiryOf(auth: Login, body: JsonValue | undefined): number | null {
  if (auth.expires_in !== undefined) return expiryAfter(readAt(body, auth.expires_in));
  if (auth.expires_at !== undefined) return expiryAt(readAt(body, auth.expires_at));
  return expiryAfter(auth.lifetime_seconds);
}

/** Seconds from now, as a number or a text of digits. */
function expiryAfter(seconds: JsonValue | undefined): number | null {
  const lifetimeMs =
    typeof seconds === 'number' || typeof seconds === 'string'
      ? Number(seconds || Number.NaN) * 1000
      : Number.NaN;
  if (!Number.isFinite(lifetimeMs) || lifetimeMs <= 0) return null;
  return Date.now() + lifetimeMs - Math.min(EXPIRY_MARGIN_MS, lifetimeMs / 10);
}

/** An ISO instant, or seconds or milliseconds since 1970. */
function expiryAt(instant: JsonValue | undefined): number | null {
  if (typeof instant === 'number')
    return expiryAfter((instant > 1e11 ? instant - clockMs() : instant * 1000 - clockMs()) / 1000);
  const atMs = typeof instant === 'string' ? Date.parse(instant) : Number.NaN;
  return Number.isNaN(atMs) ? null : expiryAfter((atMs - clockMs()) / 1000);
}

function formOf(body: JsonObject): string {
  return new URLSearchParams(
    Object.entries(body).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ).toString();
}
