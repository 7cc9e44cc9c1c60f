/**
 * The two calls of a token endpoint: a code or a refresh token for an access token (RFC 6749, by
 * openid-client, over the HTTP client of the connectors). Answers that providers send and the library refuses
 * are put into their standard form first. No message quotes a token, a code or a secret.
 */
import type { Configuration } from 'openid-client';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json';
import { asksToSlowDown, requestedWaitMs } from '../../domain/rate-limit/slow-down';
import { clockMs } from '../clock';
import { type ConnectorError, RateLimited, Unavailable } from '../errors';
import { excerpt, formOf } from '../http-errors';
import type { HttpClient, HttpResponse } from '../http';

export interface TokenEndpoint {
  tokenUrl: string;
  issuer?: string | undefined;
  clientAuth: 'basic' | 'body' | 'none';
  clientId: string;
  /** null = a public client. */
  clientSecret: string | null;
  /** Further form fields. */
  parameters: Readonly<Record<string, string>>;
}

export interface IssuedTokens {
  accessToken: string;
  /** null: the provider sent none, so an earlier one stays valid. */
  refreshToken: string | null;
  /** From the receipt of the answer; null = the answer does not say. */
  expiresInSeconds: number | null;
  scopes: string | null;
  /** The whole answer, which may name the account. */
  answer: JsonObject;
}

export type TokenAnswer =
  | { kind: 'tokens'; tokens: IssuedTokens }
  /** The code or the refresh token is not accepted. `words` are for people. */
  | { kind: 'refused'; words: string }
  /** `isUnknown`: the provider may have issued tokens that have not arrived. */
  | { kind: 'failed'; error: ConnectorError; isUnknown: boolean };

export interface CodeToExchange {
  code: string;
  /** null = the consent was asked for without PKCE. */
  verifier: string | null;
  redirectUri: string;
  /** The issuer that the answer names (RFC 9207). */
  iss: string | null;
}

/** Nothing longer is an answer with tokens. */
const BYTES_MAX = 256 * 1_024;
/** They concern the app and no single account, so no new consent is needed. */
const OF_THE_APP = new Set(['invalid_client', 'unauthorized_client']);
const LATER = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);

const loadClient = () => import('openid-client');

/** Refuses an answer of another issuer before anything is sent. */
export async function exchangeCode(
  http: HttpClient,
  endpoint: TokenEndpoint,
  { code, verifier, redirectUri, iss }: CodeToExchange,
): Promise<TokenAnswer> {
  if (iss !== null && endpoint.issuer !== undefined && iss !== endpoint.issuer)
    return { kind: 'refused', words: 'The answer came from another issuer than the configured one.' };
  const { authorizationCodeGrant } = await loadClient();
  const answerUrl = new URL(redirectUri);
  answerUrl.searchParams.set('code', code);
  return call(http, endpoint, [code, verifier], (configuration) =>
    authorizationCodeGrant(
      configuration,
      answerUrl,
      verifier === null ? {} : { pkceCodeVerifier: verifier },
      { ...endpoint.parameters },
    ),
  );
}

export async function refreshTokens(
  http: HttpClient,
  endpoint: TokenEndpoint,
  refreshToken: string,
): Promise<TokenAnswer> {
  const { refreshTokenGrant } = await loadClient();
  return call(http, endpoint, [refreshToken], (configuration) =>
    refreshTokenGrant(configuration, refreshToken, { ...endpoint.parameters }),
  );
}

type Granted = Record<string, unknown> & { access_token: string };

async function call(
  http: HttpClient,
  endpoint: TokenEndpoint,
  secrets: readonly (string | null)[],
  grant: (configuration: Configuration) => Promise<Granted>,
): Promise<TokenAnswer> {
  const client = await loadClient();
  const exchange = new Exchange(http, [...secrets, endpoint.clientSecret]);
  const { clientAuth, clientId, clientSecret } = endpoint;
  const secret = clientSecret ?? '';
  const authentication = {
    basic: () => client.ClientSecretBasic(secret),
    body: () => client.ClientSecretPost(secret),
    none: () => client.None(),
  }[clientSecret === null ? 'none' : clientAuth]();
  const server = {
    issuer: endpoint.issuer ?? new URL(endpoint.tokenUrl).origin,
    token_endpoint: endpoint.tokenUrl,
  };
  const configuration = new client.Configuration(server, clientId, undefined, authentication);
  // The egress policy decides about http; the HTTP client limits the time.
  client.allowInsecureRequests(configuration);
  configuration.timeout = 0;
  configuration[client.customFetch] = (url, options) => exchange.send(url, options);
  try {
    const granted = await grant(configuration);
    return { kind: 'tokens', tokens: tokensOf(granted) };
  } catch (error) {
    return exchange.failure ?? exchange.unexpected(error);
  }
}

/** One request, and what its answer means beyond what the library tells. */
class Exchange {
  failure: TokenAnswer | undefined;
  readonly #http: HttpClient;
  readonly #secrets: string[];

  constructor(http: HttpClient, secrets: readonly (string | null)[]) {
    this.#http = http;
    this.#secrets = secrets.filter((secret): secret is string => secret !== null && secret !== '');
  }

  async send(url: string, { headers, body }: { headers: Record<string, string>; body?: unknown }) {
    const response = await this.#http
      .send({
        method: 'POST',
        url,
        headers,
        body: String(body as URLSearchParams),
        responseBytesMax: BYTES_MAX,
      })
      .catch((error: unknown) => this.#fail(toUnavailable(error), true));
    const answer = parse(response.text);
    const error = this.#errorIn(response, answer);
    if (error !== undefined) throw error;
    return Response.json(standardForm(answer as JsonObject));
  }

  /** For an error of the library: an answer that has no tokens where they belong. */
  unexpected(error: unknown): TokenAnswer {
    const { message } = error as Error;
    const words = `The answer of the token endpoint cannot be used: ${this.#quotable(message)}.`;
    return { kind: 'failed', error: new Unavailable(words), isUnknown: true };
  }

  #errorIn(response: HttpResponse, answer: JsonValue | undefined): Error | undefined {
    const { status, headers } = response;
    if (asksToSlowDown(response))
      return this.#failed(
        new RateLimited(
          `The token endpoint limits the rate of requests (${status}).`,
          requestedWaitMs(headers, clockMs()),
        ),
        status === 503,
      );
    if (status >= 300 && status < 400)
      return this.#failed(
        new Unavailable(`The token endpoint answered with a redirect (${status}).`, status),
        false,
      );
    if (status === 408 || status === 425 || status >= 500 || !isJsonObject(answer))
      return this.#failed(
        new Unavailable(`The token endpoint gave no usable answer (${formOf(response)}).`, status),
        true,
      );
    const code = errorCodeOf(answer, status);
    if (code === undefined) return undefined;
    if (isOfAGateway(answer, status))
      return this.#failed(
        new Unavailable(`The token endpoint gave no usable answer (${formOf(response)}).`, status),
        false,
      );
    const words = this.#quotable([code, textOf(answer.error_description ?? answer.message)].join(' ').trim());
    if (OF_THE_APP.has(code))
      return this.#failed(
        new Unavailable(
          `The provider does not accept the client id or secret of the OAuth app: ${words}. Correct the app.`,
          status,
        ),
        false,
      );
    if (LATER.has(code))
      return this.#failed(new Unavailable(`The provider answered: ${words}.`, status), false);
    this.failure = { kind: 'refused', words };
    return new Error(code);
  }

  #fail(error: ConnectorError, isUnknown: boolean): never {
    throw this.#failed(error, isUnknown);
  }

  #failed(error: ConnectorError, isUnknown: boolean): ConnectorError {
    this.failure = { kind: 'failed', error, isUnknown };
    return error;
  }

  #quotable(text: string): string {
    // Before the cut, which could leave a part of a secret.
    return excerpt(this.#secrets.reduce((quoted, secret) => quoted.replaceAll(secret, '•••'), text));
  }
}

const toUnavailable = (error: unknown): ConnectorError =>
  error instanceof Unavailable || error instanceof RateLimited
    ? error
    : new Unavailable(`The token endpoint cannot be reached. ${(error as Error).message}`);

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');

/** Some providers send errors with 200, or under a name of their own. */
function errorCodeOf(answer: JsonObject, status: number): string | undefined {
  const named = textOf(answer.error) || (status >= 400 ? textOf(answer.status) || textOf(answer.code) : '');
  if (named !== '' && (status >= 400 || typeof answer.access_token !== 'string')) return named;
  return status >= 400 ? `http_${status}` : undefined;
}

/**
 * A token endpoint refuses a grant by name, or at least with 400. Other statuses without a name are of a
 * gateway before it, or of a wrong address: no new consent is needed.
 */
function isOfAGateway(answer: JsonObject, status: number): boolean {
  if (status <= 400 || textOf(answer.error) !== '') return false;
  return status !== 401 || (textOf(answer.status) || textOf(answer.code)) === '';
}

/**
 * Identity is no business of a sync, so ID tokens are not looked at. A lifetime that is no number, an empty
 * refresh token and a missing `token_type` are as if absent.
 */
function standardForm({ id_token: _identity, ...answer }: JsonObject): JsonObject {
  const { expires_in: lifetime, refresh_token: refreshToken, scope } = answer;
  const seconds = typeof lifetime === 'string' && lifetime.trim() !== '' ? Number(lifetime) : lifetime;
  const isLifetime = typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0;
  const { expires_in: _lifetime, refresh_token: _token, scope: _scope, ...rest } = answer;
  return {
    ...rest,
    token_type: 'bearer',
    ...(isLifetime ? { expires_in: seconds } : {}),
    ...(typeof refreshToken === 'string' && refreshToken !== '' ? { refresh_token: refreshToken } : {}),
    ...(typeof scope === 'string'
      ? { scope }
      : Array.isArray(scope)
        ? { scope: scope.map(textOf).join(' ') }
        : {}),
  };
}

function tokensOf(granted: Granted): IssuedTokens {
  const answer = JSON.parse(JSON.stringify(granted)) as JsonObject;
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: lifetime, scope } = answer;
  return {
    accessToken: accessToken as string,
    refreshToken: textOf(refreshToken) || null,
    expiresInSeconds: typeof lifetime === 'number' ? lifetime : null,
    scopes: textOf(scope) || null,
    answer,
  };
}
