/**
 * Calls with credentials. Only one request for a token runs at a time. A token is renewed before it expires,
 * and once after the third party has refused it, so that wrong credentials cost two calls and not two per
 * record. Secrets are removed from quoted responses.
 */
import type { AccessToken, HttpRequest, HttpResponse } from '../../connector';
import { asksToSlowDown } from '../../../domain/rate-limit/slow-down';
import { Unauthorized } from '../../errors';
import type { AuthConfig } from '../config/config-auth';
import { type RestContext, basicOf, credentialOf, redacted, secretsOf } from './credentials';
import { withFormBody } from './form-body';
import { type Token, fetchToken } from './token';
import { UnusableValue, fillHeader, fillText } from './templates';
import { OAUTH1_SECRETS, oauth1Header } from '../signing/oauth1';
import { KeyProblem } from '../signing/pem';
import { signatureHeaders, thisMoment } from '../signing/signed-request';

export interface Session {
  /**
   * Sends a request with the credentials. Throws Unavailable, and Unauthorized or RateLimited if no token can
   * be obtained.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** A response without secrets, which can be shown to users. */
  quotable(response: HttpResponse): HttpResponse;
}

/**
 * Opens a session for one batch or check. Fetches a required token at once, so that refused credentials stop
 * the batch before it starts.
 */
export async function openSession(context: RestContext): Promise<Session> {
  const { auth } = context.config;
  const quotable = (response: HttpResponse) => redacted(response, secretsOf(context));
  if (auth.type === 'oauth2_authorization_code') return openAccountSession(context, auth, quotable);
  if (!isByToken(auth)) {
    return {
      quotable,
      send: async (request) =>
        context.http.send(inCredentialsWords(() => withCredentials(withFormBody(request), context))),
    };
  }
  const tokens = new Tokens(context);
  await tokens.current();
  return { quotable, send: (request) => sendWithToken(withFormBody(request), context, auth, tokens) };
}

const isByToken = ({ type }: AuthConfig): boolean =>
  type === 'oauth2_client_credentials' || type === 'oauth2_jwt_bearer' || type === 'login';

/** The tokens belong to a row that all workers share (ConnectorContext.accessTokens). */
async function openAccountSession(
  context: RestContext,
  auth: Extract<AuthConfig, { type: 'oauth2_authorization_code' }>,
  quotable: Session['quotable'],
): Promise<Session> {
  const tokens = context.accessTokens;
  if (tokens === undefined) throw new Unauthorized('No account is connected.');
  await tokens.current();
  return {
    quotable,
    async send(given) {
      const request = withFormBody(given);
      const send = (token: AccessToken) =>
        context.http.send(inCredentialsWords(() => withTokenHeader(request, auth, token.value)));
      const token = await tokens.current();
      const response = await send(token);
      if (response.status !== 401) return response;
      const renewed = await tokens.renew(token);
      return renewed === undefined ? response : send(renewed);
    },
  };
}

async function sendWithToken(
  request: HttpRequest,
  context: RestContext,
  auth: AuthConfig,
  tokens: Tokens,
): Promise<HttpResponse> {
  const send = async (token: Token) =>
    context.http.send(inCredentialsWords(() => withToken(request, auth, token)));
  const token = await tokens.current();
  const response = await send(token);
  const renewOn = auth.type === 'login' ? auth.renew_on : [401];
  const isRefused = renewOn.includes(response.status) && !asksToSlowDown(response);
  if (!isRefused) {
    tokens.wasAccepted(token);
    return response;
  }
  const renewed = await tokens.renew(token, response.status);
  return renewed ? send(renewed) : response;
}

/** The token of an integration: the stored one, or a new one that concurrent callers share. */
class Tokens {
  private fetching: Promise<Token> | undefined;
  private latest: Token | undefined;
  private isLatestProven = false;

  constructor(private readonly context: RestContext) {}

  async current(): Promise<Token> {
    const stored = this.context.tokens.get();
    if (stored && (stored.expiresAt === null || stored.expiresAt > Date.now())) return stored;
    return this.fetch();
  }

  wasAccepted(token: Token): void {
    if (token.value === this.latest?.value) this.isLatestProven = true;
  }

  /**
   * Another token than the refused one, or undefined if a new token would not help: a token that this session
   * fetched was refused at its first use (the credentials do not suffice), or a 403 for such a token concerns
   * the record.
   */
  async renew(refused: Token, status: number): Promise<Token | undefined> {
    const stored = this.context.tokens.get();
    if (stored && stored.value !== refused.value) return stored;
    if (this.fetching) return this.fetching;
    const isFresh = refused.value === this.latest?.value;
    if (isFresh && (status === 403 || !this.isLatestProven)) return undefined;
    this.context.tokens.clear();
    return this.fetch();
  }

  private fetch(): Promise<Token> {
    this.fetching ??= this.fetchOnce().finally(() => {
      this.fetching = undefined;
    });
    return this.fetching;
  }

  private async fetchOnce(): Promise<Token> {
    const token = await inCredentialsWords(() => fetchToken(this.context));
    this.context.tokens.set(token);
    this.latest = token;
    this.isLatestProven = false;
    return token;
  }
}

/** A user has to replace a credential that cannot be sent. */
function inCredentialsWords<Value>(work: () => Value): Value {
  const translated = (error: unknown) =>
    error instanceof UnusableValue
      ? new Unauthorized(`The credential ${error.message}`)
      : error instanceof KeyProblem
        ? new Unauthorized(error.message)
        : error;
  try {
    const value = work();
    if (!(value instanceof Promise)) return value;
    return value.catch((error: unknown) => {
      throw translated(error);
    }) as Value;
  } catch (error) {
    throw translated(error);
  }
}

function withToken(request: HttpRequest, auth: AuthConfig, token: Token): HttpRequest {
  if (auth.type !== 'login') return withHeaders(request, { authorization: `Bearer ${token.value}` });
  return withTokenHeader(request, auth, token.value);
}

function withTokenHeader(
  request: HttpRequest,
  { header, value }: { header: string; value: string },
  token: string,
): HttpRequest {
  return withHeaders(request, {
    [header]: fillHeader(value, (name) => (name === 'token' ? token : undefined)),
  });
}

function withCredentials(request: HttpRequest, { config: { auth }, credentials }: RestContext): HttpRequest {
  const credential = (name: string) => credentialOf(credentials, name);
  switch (auth.type) {
    case 'bearer':
      return withHeaders(request, { authorization: fillHeader('Bearer {token}', credential) });
    case 'basic':
      return withHeaders(request, { authorization: basicOf(auth, credentials) });
    case 'header':
      return withHeaders(
        request,
        mapValues(auth.headers, (template) => fillHeader(template, credential)),
      );
    case 'query': {
      const url = new URL(request.url);
      for (const [name, template] of Object.entries(auth.parameters))
        url.searchParams.set(name, fillHeader(template, credential));
      return { ...request, url: url.href };
    }
    case 'oauth1':
      return withHeaders(request, { authorization: signOAuth1(request, auth, credential) });
    case 'signature':
      return withHeaders(request, signatureHeaders(auth, request, credential));
    default:
      return request;
  }
}

function signOAuth1(
  request: HttpRequest,
  { signature_method: method, realm }: Extract<AuthConfig, { type: 'oauth1' }>,
  credential: (name: string) => string,
): string {
  const [consumerKey, consumerSecret, token, tokenSecret] = OAUTH1_SECRETS.map(credential) as [
    string,
    string,
    string,
    string,
  ];
  const { now, nonce } = thisMoment();
  const inHeader = (name: string) => fillHeader(`{${name}}`, credential);
  return oauth1Header(
    request,
    { consumerKey, consumerSecret, token, tokenSecret },
    {
      method,
      realm: realm === undefined ? undefined : fillText(realm, inHeader, { refuse: '"\\' }),
      timestamp: Math.floor(now.getTime() / 1_000),
      nonce,
    },
  );
}

function withHeaders(request: HttpRequest, headers: Record<string, string>): HttpRequest {
  return { ...request, headers: { ...request.headers, ...headers } };
}

function mapValues(
  record: Record<string, string>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
