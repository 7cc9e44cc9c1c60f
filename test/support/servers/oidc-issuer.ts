/**
 * A minimal OpenID provider that signs in the person the test names.
 * It checks PKCE and the client's secret, as real providers do.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OidcIssuer {
  url: string;
  clientId: string;
  clientSecret: string;
  /** What the next ID token says beside what it must. */
  claims: Record<string, unknown>;
  /** `broken`: answers 500. `no_keys`: only its keys cannot be fetched. */
  state: 'well' | 'broken' | 'no_keys';
  /** What the metadata allow. */
  algorithms: string[];
  /** Signs the ID token; RS256 with the published key unless a test replaces it. */
  signToken: (claims: Record<string, unknown>) => string;
  /** The published key. */
  publicKey: KeyObject;
  /** Publishes another key and signs with it. */
  rotateKey(): void;
  /** Requests for tokens, as they came. */
  asked: URLSearchParams[];
  /** What a browser does with the address it is sent to; answers where it is sent back to. */
  visit(address: string): Promise<URL>;
  close(): Promise<void>;
}

export const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** RS256. */
export function signedBy(key: KeyObject, claims: object, header: object = {}): string {
  const text = `${encode({ alg: 'RS256', ...header })}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

export async function startOidcIssuer(): Promise<OidcIssuer> {
  let rotations = 0;
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
    if (pathname === '/jwks' && issuer.state === 'no_keys') return { status: 500 };
    if (pathname === '/jwks') {
      const key = issuer.publicKey.export({ format: 'jwk' });
      return { status: 200, body: { keys: [{ ...key, kid: `k${rotations}`, alg: 'RS256', use: 'sig' }] } };
    }
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
    id_token_signing_alg_values_supported: issuer.algorithms,
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
      sub: `subject of ${String(issuer.claims.email)}`,
      iat: now,
      exp: now + 300,
      nonce: known.nonce,
      ...issuer.claims,
    };
    const idToken = issuer.signToken(claims);
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
    algorithms: ['RS256'],
    signToken: () => '',
    publicKey: undefined as unknown as KeyObject,
    rotateKey() {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      rotations += 1;
      const kid = `k${rotations}`;
      issuer.publicKey = publicKey;
      issuer.signToken = (claims) => signedBy(privateKey, claims, { kid });
    },
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
  issuer.rotateKey();
  return issuer;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
