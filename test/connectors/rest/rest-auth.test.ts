/**
 * How the REST connector proves who it is: every way of authentication, tokens that end, servers that refuse
 * or stumble.
 */
import type { PushItem } from '../../../connectors/connector';
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy, memoryTokens } from '../suite/given';
import { aContact, contactsConfig, errorOf, pushOne, restContext } from './rest-given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

const OAUTH2 = { client_id: 'client:1', client_secret: 's3cret&of=a+test' };

describe('authentication of the REST connector', () => {
  let server: ScriptedServer;
  /** What the API answers; the token calls are answered by `token`. */
  let api: (request: RecordedRequest) => ScriptedAnswer;
  let token: (request: RecordedRequest) => ScriptedAnswer;

  beforeEach(async () => {
    api = ({ method }) =>
      method === 'GET' ? { status: 200, body: { items: [] } } : { status: 201, body: { id: '1' } };
    token = () => ({
      status: 200,
      body: { access_token: `token-${tokenCalls().length}`, expires_in: 3600, token_type: 'Bearer' },
    });
    server = await startScriptedServer((request) =>
      request.path.startsWith('/token') ? token(request) : api(request),
    );
  });

  afterEach(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  const tokenCalls = () => server.requests.filter(({ path }) => path.startsWith('/token'));
  const apiCalls = () => server.requests.filter(({ path }) => !path.startsWith('/token'));
  const authorizations = () => apiCalls().map(({ headers }) => headers['authorization']);
  const contextWithAuth = (auth: unknown, credentials: Record<string, string>, tokens = memoryTokens()) =>
    restContext(contactsConfig(server.url, { auth }), { credentials, tokens });
  const oauth2 = (changes = {}) => ({
    type: 'oauth2_client_credentials',
    token_url: `${server.url}/token`,
    ...changes,
  });
  const contacts = (count: number): PushItem[] =>
    Array.from({ length: count }, (_, index) => aContact({ externalId: `emp-${index}` }));
  /** Accepts only tokens that are not revoked. */
  const apiForgetting = (...stalled: string[]): typeof api => {
    const usual = api;
    return (request) =>
      stalled.some((value) => request.headers['authorization'] === `Bearer ${value}`)
        ? { status: 401 }
        : usual(request);
  };

  it.each([
    ['bearer', { type: 'bearer' }, { token: 'abcdef' }, { authorization: 'Bearer abcdef' }],
    [
      'basic, in UTF-8',
      { type: 'basic' },
      { username: 'ä', password: 'b:c' },
      { authorization: `Basic ${Buffer.from('ä:b:c').toString('base64')}` },
    ],
    [
      'headers of its own',
      { type: 'header', headers: { 'X-Key': 'v1 {key}', 'X-App': '{app}' } },
      { key: 'k', app: 'a' },
      { 'x-key': 'v1 k', 'x-app': 'a' },
    ],
  ])('sends %s with every call', async (_title, auth, credentials: Record<string, string>, headers) => {
    await pushOne(aContact(), contextWithAuth(auth, credentials));

    expect(server.requests).toHaveLength(2);
    for (const request of server.requests) expect(request.headers).toMatchObject(headers);
  });

  it('adds a key to the existing query', async () => {
    await pushOne(
      aContact(),
      contextWithAuth({ type: 'query', parameters: { key: '{token}' } }, { token: 'a&b' }),
    );

    expect(server.requests.map(({ path }) => path)).toEqual([
      '/contacts?external_id=emp-1&key=a%26b',
      '/contacts?key=a%26b',
    ]);
  });

  it.each([
    ['a header that cannot carry it', { type: 'header', headers: { 'X-Key': '{key}' } }, { key: 'ключ' }],
    ['an invalid bearer token', { type: 'bearer' }, { token: 'ключ' }],
  ])(
    'is Unauthorized, and sends nothing, for %s',
    async (_title, auth, credentials: Record<string, string>) => {
      const failure = await errorOf(aContact(), contextWithAuth(auth, credentials));

      expect(failure).toMatchObject({ kind: 'unauthorized' });
      expect(failure.message).not.toContain('ключ');
      expect(server.requests).toEqual([]);
    },
  );

  it.each<[string, ScriptedAnswer]>([
    [
      'a refusal',
      {
        status: 422,
        body: {
          message: 'password s3cret"word of robot@example.com in cm9ib3RAZXhhbXBsZS5jb206czNjcmV0IndvcmQ=',
        },
      },
    ],
    ['a refusal under a good status', { status: 200, body: { failed: true, message: 's3cret"word' } }],
    ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: 'Hello, s3cret"word' }],
    ['trouble', { status: 500, body: { message: 's3cret"word' } }],
  ])('does not repeat a secret from %s', async (_title, answer) => {
    api = ({ method }) => (method === 'GET' ? { status: 200, body: { items: [] } } : answer);
    const config = contactsConfig(server.url, {
      auth: { type: 'basic' },
      answers: { failed: { at: '/failed' } },
    });

    const failure = await errorOf(
      aContact(),
      restContext(config, { credentials: { username: 'robot@example.com', password: 's3cret"word' } }),
    );

    const shown = JSON.stringify([failure.message, failure]);
    expect(shown).toMatch(/•••|unreadable response/);
    for (const secret of ['s3cret', 'cm9ib3R']) expect(shown).not.toContain(secret);
  });

  describe('OAuth 2, client credentials', () => {
    it('asks for a token once, form-encoded and with Basic, and uses it for every call of this batch and the next', async () => {
      const context = contextWithAuth(
        oauth2({ scope: 'people.write', parameters: { audience: 'hr' } }),
        OAUTH2,
      );

      await rest.push(contacts(5), context);
      await rest.push(contacts(1), context);

      expect(tokenCalls()).toHaveLength(1);
      expect(Object.fromEntries(new URLSearchParams(tokenCalls()[0]?.body))).toEqual({
        grant_type: 'client_credentials',
        scope: 'people.write',
        audience: 'hr',
      });
      expect(tokenCalls()[0]?.headers['authorization']).toBe(
        `Basic ${Buffer.from('client%3A1:s3cret%26of%3Da%2Btest').toString('base64')}`,
      );
      expect(new Set(authorizations())).toEqual(new Set(['Bearer token-1']));
    });

    it('sends the client in the body if the server requires it', async () => {
      await pushOne(aContact(), contextWithAuth(oauth2({ client_auth: 'body' }), OAUTH2));

      expect(Object.fromEntries(new URLSearchParams(tokenCalls()[0]?.body))).toEqual({
        grant_type: 'client_credentials',
        ...OAUTH2,
      });
      expect(tokenCalls()[0]?.headers['authorization']).toBeUndefined();
    });

    it('sends no secret of a client that is known by its certificate', async () => {
      await pushOne(aContact(), contextWithAuth(oauth2({ client_auth: 'none' }), { client_id: 'client-1' }));

      expect(Object.fromEntries(new URLSearchParams(tokenCalls()[0]?.body))).toEqual({
        grant_type: 'client_credentials',
        client_id: 'client-1',
      });
      expect(tokenCalls()[0]?.headers['authorization']).toBeUndefined();
    });

    it('renews a token before it expires', async () => {
      const tokens = memoryTokens();
      const context = contextWithAuth(oauth2(), OAUTH2, tokens);
      await pushOne(aContact(), context);
      const expiresAt = tokens.get()?.expiresAt as number;

      tokens.set({ value: 'token-1', expiresAt: Date.now() - 1 });
      await pushOne(aContact(), context);

      expect(expiresAt - Date.now()).toBeGreaterThan(3_500_000);
      expect(expiresAt - Date.now()).toBeLessThanOrEqual(3_570_000);
      expect(authorizations()).toEqual([
        'Bearer token-1',
        'Bearer token-1',
        'Bearer token-2',
        'Bearer token-2',
      ]);
    });

    it('renews a token that is refused early, once for all calls, and no record fails', async () => {
      const tokens = memoryTokens();
      tokens.set({ value: 'revoked', expiresAt: null });
      api = apiForgetting('revoked');

      const results = await rest.push(contacts(12), contextWithAuth(oauth2(), OAUTH2, tokens));

      expect(results.map(({ ok }) => ok)).toEqual(Array(12).fill(true));
      expect(tokenCalls()).toHaveLength(1);
    });

    it('renews again when a working token expires in the middle of a batch', async () => {
      let left = 4;
      const usual = api;
      api = (request) =>
        request.headers['authorization'] === 'Bearer token-1' && (left -= 1) < 0
          ? { status: 401 }
          : usual(request);

      const results = await rest.push(contacts(6), contextWithAuth(oauth2(), OAUTH2));

      expect(results.map(({ ok }) => ok)).toEqual(Array(6).fill(true));
      expect(tokenCalls()).toHaveLength(2);
    });

    it('is Unauthorized when new tokens are refused too, after two token calls at most, and does not start the rest', async () => {
      api = () => ({ status: 401, body: { message: 'who is token-1?' } });

      const results = await rest.push(contacts(30), contextWithAuth(oauth2(), OAUTH2));

      expect(results.length).toBeLessThan(30);
      for (const result of results)
        expect(result).toMatchObject({ ok: false, error: { kind: 'unauthorized' } });
      expect(tokenCalls().length).toBeLessThanOrEqual(2);
      expect(
        JSON.stringify(results.map((result) => (result as { error: Error }).error.message)),
      ).not.toContain('token-1');
    });

    it.each([
      [
        'a refused client',
        { status: 401, body: { error: 'invalid_client', error_description: 'bad s3cret&of=a+test' } },
        { kind: 'unauthorized' },
      ],
      ['a refused scope', { status: 400, body: { error: 'invalid_scope' } }, { kind: 'unauthorized' }],
      ['an answer without a token', { status: 200, body: { token: 'x' } }, { kind: 'unauthorized' }],
      [
        'a page instead of an answer',
        { status: 200, body: '<html>Down for maintenance</html>' },
        { kind: 'unavailable', status: 200 },
      ],
      ['a server in trouble', { status: 503, body: 'later' }, { kind: 'unavailable', status: 503 }],
      [
        'a server that asks to wait',
        { status: 429, headers: { 'retry-after': '30' } },
        { kind: 'rate_limited', retryAfterMs: 30_000 },
      ],
    ])('stops the batch before anything is sent by %s', async (_title, answer: ScriptedAnswer, error) => {
      token = () => answer;

      const failure = await rest
        .push(contacts(3), contextWithAuth(oauth2(), OAUTH2))
        .catch((thrown: unknown) => thrown as Error);

      expect(failure).toMatchObject(error);
      expect((failure as Error).message).not.toContain(OAUTH2.client_secret);
      expect(apiCalls()).toEqual([]);
    });

    it.each([
      [
        'the error description of OAuth 2',
        400,
        { error: 'invalid_client', error_description: 'Client is locked' },
        'Client is locked',
      ],
      ['its code alone', 401, { error: 'invalid_client' }, 'invalid_client'],
      ['the configured message', 400, { error: 'invalid_client', message: 'Ask the admin' }, 'Ask the admin'],
    ])('reports a refusal with %s', async (_title, status, body, said) => {
      token = () => ({ status, body });

      const failure = await rest
        .check(contextWithAuth(oauth2(), OAUTH2))
        .catch((thrown: unknown) => thrown as Error);

      expect(failure).toMatchObject({
        kind: 'unauthorized',
        message: `The third party refused the login (${status}). ${said}`,
      });
    });

    it('reaches a token server on another host, and lists that host', async () => {
      const other = await startScriptedServer(() => ({ status: 200, body: { access_token: 'elsewhere' } }));
      const context = contextWithAuth(oauth2({ token_url: `${other.url}/oauth/token` }), OAUTH2);

      await pushOne(aContact(), context);
      await other.stop();

      expect(authorizations()).toEqual(['Bearer elsewhere', 'Bearer elsewhere']);
      expect(rest.hosts(context.config)).toEqual([new URL(server.url).host, new URL(other.url).host]);
    });
  });

  describe('a login of its own', () => {
    const login = (changes: Record<string, unknown> = {}) => ({
      type: 'login',
      path: '/token/login',
      body: { user: { name: '{user}' }, pass: '{pass}' },
      token: '/session/key',
      ...changes,
    });
    const credentials = { user: 'Zoë "Z"', pass: 'p\\s"s' };

    it('sends the credentials as escaped JSON, and the token in the configured place', async () => {
      token = () => ({ status: 200, body: { session: { key: 'abcdef' } } });

      await pushOne(
        aContact(),
        contextWithAuth(login({ header: 'X-Session', value: 'key={token}' }), credentials),
      );

      expect(JSON.parse(tokenCalls()[0]?.body as string)).toEqual({
        user: { name: credentials.user },
        pass: credentials.pass,
      });
      expect(apiCalls().map(({ headers }) => headers['x-session'])).toEqual(['key=abcdef', 'key=abcdef']);
    });

    it.each<[string, number, unknown, string]>([
      [
        '400',
        400,
        { message: 'Wrong password', data: {} },
        'The third party refused the login (400). Wrong password',
      ],
      [
        '401',
        401,
        { message: 'Wrong password', data: {} },
        'The third party refused the login (401). Wrong password',
      ],
      [
        '403 with complaints',
        403,
        { errors: { pass: 'is too old' } },
        'The third party refused the login (403). is too old',
      ],
      [
        '400 in words alone',
        400,
        'Wrong password',
        'The third party refused the login (400). Wrong password',
      ],
      ['400 without a word', 400, undefined, 'The third party refused the login (400).'],
      [
        '200 without a token',
        200,
        { ok: false, message: 'Wrong password', hint: 'x-1' },
        'The login was answered 200, but without a token where the configuration expects it. Wrong password',
      ],
      [
        '200 without a word',
        200,
        { hint: 'x-1' },
        'The login was answered 200, but without a token where the configuration expects it.',
      ],
    ])(
      'reports a refusal in the third party’s words, not in JSON: %s',
      async (_title, status, body, message) => {
        token = () => ({ status, body });
        const config = contactsConfig(server.url, {
          auth: login(),
          errors: { message: '/message', each: { at: '/errors' } },
        });

        const failure = await rest
          .check(restContext(config, { credentials }))
          .catch((thrown: unknown) => thrown as Error);

        expect(failure).toMatchObject({ kind: 'unauthorized', message });
      },
    );

    it('takes the token from a header', async () => {
      token = () => ({ status: 204, headers: { 'X-Auth': 'fromheader' } });

      await pushOne(aContact(), contextWithAuth(login({ token: { header: 'x-auth' } }), credentials));

      expect(authorizations()).toEqual(['Bearer fromheader', 'Bearer fromheader']);
    });

    it.each([
      ['seconds in the answer', { expires_in: '/ttl' }, { ttl: 600 }, 570_000],
      ['seconds as text', { expires_in: '/ttl' }, { ttl: '600' }, 570_000],
      [
        'an instant in the answer',
        { expires_at: '/until' },
        () => ({ until: new Date(Date.now() + 600_000).toISOString() }),
        570_000,
      ],
      [
        'seconds since 1970',
        { expires_at: '/until' },
        () => ({ until: Math.floor((Date.now() + 600_000) / 1000) }),
        570_000,
      ],
      ['milliseconds since 1970', { expires_at: '/until' }, () => ({ until: Date.now() + 600_000 }), 570_000],
      ['the configuration', { lifetime_seconds: 60 }, {}, 54_000],
    ])(
      'reads the expiry of the token from %s',
      async (_title, keys, said: object | (() => object), expectedMs) => {
        const tokens = memoryTokens();
        token = () => ({
          status: 200,
          body: {
            session: { key: 'abcdef' },
            ...(typeof said === 'function' ? (said as () => object)() : said),
          },
        });

        await pushOne(aContact(), contextWithAuth(login(keys), credentials, tokens));

        const leftMs = (tokens.get()?.expiresAt as number) - Date.now();
        expect(leftMs).toBeGreaterThan(expectedMs - 5_000);
        expect(leftMs).toBeLessThanOrEqual(expectedMs);
      },
    );

    it.each([
      ['nothing', {}],
      ['nonsense', { ttl: 'soon' }],
      ['no time at all', { ttl: 0 }],
    ])('uses a token until it is refused when its expiry is %s', async (_title, said) => {
      const tokens = memoryTokens();
      token = () => ({ status: 200, body: { session: { key: 'abcdef' }, ...said } });

      await rest.push(contacts(3), contextWithAuth(login({ expires_in: '/ttl' }), credentials, tokens));

      expect(tokens.get()).toEqual({ value: 'abcdef', expiresAt: null });
      expect(tokenCalls()).toHaveLength(1);
    });

    it('logs in again after a 403 that means an old token, and treats the next 403 as a forbidden record', async () => {
      const tokens = memoryTokens();
      tokens.set({ value: 'old', expiresAt: null });
      token = () => ({ status: 200, body: { session: { key: 'new' } } });
      api = ({ method }) =>
        method === 'GET'
          ? { status: 200, body: { items: [] } }
          : { status: 403, body: { message: 'not yours' } };

      const results = await rest.push(contacts(4), contextWithAuth(login(), credentials, tokens));

      for (const result of results)
        expect(result).toMatchObject({
          ok: false,
          error: { kind: 'record_rejected', isForbidden: true, message: 'not yours' },
        });
      expect(results).toHaveLength(4);
      expect(tokenCalls()).toHaveLength(1);
    });

    it('does not log in again after a 403 that asks to wait', async () => {
      const tokens = memoryTokens();
      tokens.set({ value: 'old', expiresAt: null });
      api = () => ({ status: 403, headers: { 'retry-after': '60' }, body: { message: 'secondary limit' } });

      const results = await rest.push(contacts(1), contextWithAuth(login(), credentials, tokens));

      expect(results).toMatchObject([{ error: { kind: 'rate_limited', retryAfterMs: 60_000 } }]);
      expect(tokenCalls()).toHaveLength(0);
    });

    it('does not log in again after a status that the configuration does not name', async () => {
      const tokens = memoryTokens();
      tokens.set({ value: 'old', expiresAt: null });
      api = () => ({ status: 403, body: { message: 'no' } });

      await rest.push(contacts(1), contextWithAuth(login({ renew_on: [401] }), credentials, tokens));

      expect(tokenCalls()).toEqual([]);
    });
  });
});
