/**
 * An authorization server that rotates refresh tokens and detects their reuse, and an API that accepts its
 * access tokens. Scripted answers make it slow, lose what it has done, do it twice, or talk nonsense.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface IssuerRules {
  isRotating: boolean;
  /** So long a replaced refresh token is accepted again. After that its use ends the account. */
  graceMs: number;
  expiresIn: unknown;
}

/**
 * What happens to one call of the token endpoint; `lose`: it is done, and the answer is not sent; `double`: a
 * proxy sends the request twice, and the answer to the first one arrives.
 */
export type Mishap =
  | 'lose'
  | 'double'
  | 'slow'
  | 'html'
  | 'fail'
  | 'limit'
  | 'busy'
  | 'wrong_client'
  | 'no_token';

/** What one consent has led to. */
interface Grant {
  refreshToken: string;
  isRevoked: boolean;
}

export class HostileIssuer {
  readonly mishaps: Mishap[] = [];
  /** Everything secret that was ever issued or received. */
  readonly secrets = new Set<string>();
  rotations = 0;
  tokenCalls = 0;
  account = 'account-1';
  /** Of the API calls with an accepted token: the header X-Company. */
  readonly companies: { url: string | undefined; company: string | undefined }[] = [];
  /** For calls without a scripted mishap. */
  chooseMishap: () => Mishap | undefined = () => undefined;
  /** By access token, and by each refresh token that was ever issued. */
  #accepted = new Map<string, Grant>();
  #grants = new Map<string, Grant>();
  #replaced = new Map<string, number>();
  #codes = new Map<string, { challenge: string; redirectUri: string }>();

  private constructor(
    readonly rules: IssuerRules,
    private readonly server: ReturnType<typeof createServer>,
  ) {}

  static async start(rules: Partial<IssuerRules> = {}): Promise<HostileIssuer> {
    const server = createServer();
    const issuer = new HostileIssuer(
      { isRotating: true, graceMs: 60_000, expiresIn: 3600, ...rules },
      server,
    );
    server.on('request', (request, response) => void issuer.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  /** The consent page: what the browser would bring back. */
  consent({ challenge, redirectUri }: { challenge: string; redirectUri: string }): string {
    const code = this.#secret('code');
    this.#codes.set(code, { challenge, redirectUri });
    return code;
  }

  /** Tokens without a consent. */
  issue(): { accessToken: string; refreshToken: string } {
    const grant = { refreshToken: '', isRevoked: false };
    this.#rotate(grant);
    return { accessToken: this.#access(grant), refreshToken: grant.refreshToken };
  }

  /** All consents until now. */
  revoke(): void {
    for (const grant of this.#grants.values()) grant.isRevoked = true;
  }

  forgetAccessTokens(): void {
    this.#accepted.clear();
  }

  accepts(accessToken: string): boolean {
    return this.#accepted.get(accessToken)?.isRevoked === false;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url?.startsWith('/authorize?') === true) return this.#agree(request, response);
    if (request.url !== '/token') return this.#api(request, response);
    this.tokenCalls += 1;
    const mishap = this.mishaps.shift() ?? this.chooseMishap();
    const refusal = beforeWork(mishap);
    if (refusal !== undefined) return answer(response, ...refusal);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const [status, body] = this.#grant(form);
    if (mishap === 'double') this.#grant(form);
    if (mishap === 'lose') return void response.destroy();
    if (mishap === 'slow') await sleep(1_500);
    if (mishap === 'html') return answer(response, 200, '<html>Maintenance</html>');
    if (mishap === 'no_token') return answer(response, 200, { token_type: 'bearer' });
    answer(response, status, body);
  }

  /** A person who is signed in and has agreed before: the browser goes back at once. */
  #agree({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const { searchParams: asked } = new URL(url, this.url);
    const redirectUri = asked.get('redirect_uri') ?? '';
    const back = new URL(redirectUri);
    back.searchParams.set(
      'code',
      this.consent({ challenge: asked.get('code_challenge') ?? '', redirectUri }),
    );
    back.searchParams.set('state', asked.get('state') ?? '');
    response.writeHead(302, { location: back.href }).end();
  }

  #api({ url, headers }: IncomingMessage, response: ServerResponse): void {
    const token = (headers.authorization ?? '').replace('Bearer ', '');
    // It quotes the token, as some servers do.
    if (!this.accepts(token)) return answer(response, 401, { message: `The token ${token} is not valid.` });
    this.companies.push({ url, company: headers['x-company'] as string | undefined });
    answer(response, 200, {
      id: this.account,
      name: 'Ada & Sons',
      items: [],
      companies: [{ id: 1, name: 'Ada & Sons' }, { id: 'two' }, { name: 'without an id' }],
      none: [],
    });
  }

  #grant(form: URLSearchParams): [number, object] {
    if (form.get('grant_type') === 'authorization_code') return this.#exchange(form);
    const token = form.get('refresh_token') ?? '';
    const grant = this.#grants.get(token);
    const replacedAt = this.#replaced.get(token);
    const isReplaced = replacedAt !== undefined && Date.now() - replacedAt <= this.rules.graceMs;
    if (grant === undefined || grant.isRevoked || (token !== grant.refreshToken && !isReplaced)) {
      if (grant !== undefined) grant.isRevoked = true;
      return [400, { error: 'invalid_grant', error_description: `Token ${token} is not active` }];
    }
    this.rotations += 1;
    if (!this.rules.isRotating) return [200, this.#answer(grant)];
    // A token that is used again within the grace replaces the one that it got before.
    this.#replaced.set(grant.refreshToken, this.#replaced.get(grant.refreshToken) ?? Date.now());
    this.#rotate(grant);
    return [200, { ...this.#answer(grant), refresh_token: grant.refreshToken }];
  }

  #exchange(form: URLSearchParams): [number, object] {
    const code = form.get('code') ?? '';
    const given = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (given?.challenge !== challenge || given.redirectUri !== form.get('redirect_uri'))
      return [400, { error: 'invalid_grant', error_description: `Code ${code} is not valid` }];
    const { refreshToken } = this.issue();
    const grant = this.#grants.get(refreshToken) as Grant;
    return [200, { ...this.#answer(grant), refresh_token: refreshToken, scope: 'contacts' }];
  }

  #answer(grant: Grant): object {
    const { expiresIn } = this.rules;
    const lifetime = expiresIn === undefined ? {} : { expires_in: expiresIn };
    return { access_token: this.#access(grant), token_type: 'Bearer', ...lifetime };
  }

  #access(grant: Grant): string {
    const token = this.#secret('access');
    this.#accepted.set(token, grant);
    return token;
  }

  #rotate(grant: Grant): void {
    grant.refreshToken = this.#secret('refresh');
    this.#grants.set(grant.refreshToken, grant);
  }

  #secret(kind: string): string {
    const secret = `${kind}-${randomBytes(18).toString('base64url')}`;
    this.secrets.add(secret);
    return secret;
  }
}

function beforeWork(mishap: Mishap | undefined): [number, object] | undefined {
  if (mishap === 'fail') return [500, { error: 'server_error' }];
  if (mishap === 'limit') return [429, {}];
  if (mishap === 'busy') return [400, { error: 'temporarily_unavailable' }];
  if (mishap === 'wrong_client') return [401, { error: 'invalid_client' }];
  return undefined;
}

function answer(response: ServerResponse, status: number, body: object | string): void {
  const isText = typeof body === 'string';
  response
    .writeHead(status, {
      'content-type': isText ? 'text/html' : 'application/json',
      ...(status === 429 ? { 'retry-after': '7' } : {}),
    })
    .end(isText ? body : JSON.stringify(body));
}
