/**
 * A minimal OpenID provider that signs in the person the test names.
 * It checks PKCE and the client's secret, as real providers do.
 */
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OidcIssuer {
  url: string;
  clientId: string;
  clientSecret: string;
  /** What the next ID token says beside what it must. */
  claims: Record<string, unknown>;
  /** `broken`: answers 500. */
  state: 'well' | 'broken';
  /** Requests for tokens, as they came. */
  asked: URLSearchParams[];
  /** What a browser does with the address it is sent to; answers where it is sent back to. */
  visit(address: string): Promise<URL>;
  close(): Promise<void>;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export async function startOidcIssuer(): Promise<OidcIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const codes = new Map<string, { challenge: string; nonce: string; redirectUri: string }>();
  const server = createServer((request, response) => {
    void answer(request).then(({ status, body, location }) => {
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(location === undefined ? {} : { location }),
      });
      response.end(JSON.stringify(body ?? {}));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(
    request: IncomingMessage,
  ): Promise<{ status: number; body?: object; location?: string }> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    if (issuer.state === 'broken') return { status: 500 };
    if (pathname === '/.well-known/openid-configuration') return { status: 200, body: configuration() };
    if (pathname === '/jwks')
      return {
        status: 200,
        body: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }] },
      };
    if (pathname === '/authorize') return { status: 302, location: authorize(searchParams) };
    if (pathname === '/token') return token(new URLSearchParams(await textOf(request)));
    return { status: 404 };
  }

  const configuration = () => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
  });

  function authorize(asked: URLSearchParams): string {
    const code = randomUUID();
    const redirectUri = asked.get('redirect_uri') ?? '';
    codes.set(code, {
      challenge: asked.get('code_challenge') ?? '',
      nonce: asked.get('nonce') ?? '',
      redirectUri,
    });
    return `${redirectUri}?${new URLSearchParams({ code, state: asked.get('state') ?? '' }).toString()}`;
  }

  function token(asked: URLSearchParams): { status: number; body: object } {
    issuer.asked.push(asked);
    const known = codes.get(asked.get('code') ?? '');
    codes.delete(asked.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(asked.get('code_verifier') ?? '')
      .digest('base64url');
    const isClient =
      asked.get('client_id') === issuer.clientId && asked.get('client_secret') === issuer.clientSecret;
    if (
      known === undefined ||
      known.challenge !== challenge ||
      known.redirectUri !== asked.get('redirect_uri') ||
      !isClient
    )
      return { status: 400, body: { error: 'invalid_grant' } };
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: url,
      aud: issuer.clientId,
      sub: 'subject-1',
      iat: now,
      exp: now + 300,
      nonce: known.nonce,
      ...issuer.claims,
    };
    const signed = `${encode({ alg: 'RS256', kid: 'k1' })}.${encode(claims)}`;
    const idToken = `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
    return {
      status: 200,
      body: { access_token: randomUUID(), token_type: 'bearer', expires_in: 300, id_token: idToken },
    };
  }

  const issuer: OidcIssuer = {
    url,
    clientId: 'syncline',
    clientSecret: 'secret-of-the-client',
    claims: {},
    state: 'well',
    asked: [],
    async visit(address) {
      const response = await fetch(address, { redirect: 'manual' });
      return new URL(response.headers.get('location') ?? '');
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
