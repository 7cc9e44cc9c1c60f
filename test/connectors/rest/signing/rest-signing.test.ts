/**
 * Sign-ins by keys, against servers that verify what they get with node:crypto alone, and in their own way:
 * they share no code with the connector.
 */
import { constants, createHash, createHmac, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import type { PushItem } from '../../../../connectors/connector';
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../suite/given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../../suite/scripted-server';
import { aContact, contactsConfig, pushOne, restContext } from '../rest-given';

let server: ScriptedServer;
/** Why a request is refused; undefined = it is signed as it should be. */
let whyRefused: (request: RecordedRequest) => string | undefined;
let token: (request: RecordedRequest) => ScriptedAnswer;

beforeEach(async () => {
  server = await startScriptedServer((request) => {
    if (request.path.startsWith('/token')) return token(request);
    const refusal = whyRefused(request);
    if (refusal !== undefined) return { status: 401, body: { message: refusal } };
    return request.method === 'GET'
      ? { status: 200, body: { items: [] } }
      : { status: 201, body: { id: '1' } };
  });
});
afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const context = (auth: object, credentials: Record<string, string>, typeChanges = {}) =>
  restContext(contactsConfig(server.url, { auth }, typeChanges), { credentials });
const contact: PushItem = aContact({ externalId: "emp-1 '*&=+ä" });
const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8') =>
  key.export({ format: 'pem', type }).toString();

const PAIRS: Record<string, { publicKey: KeyObject; privateKey: KeyObject }> = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  p256: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  ed25519: generateKeyPairSync('ed25519'),
};
const RSA = PAIRS['rsa'] as (typeof PAIRS)[string];

describe('assertions signed with a private key', () => {
  const jwt = (changes = {}) => ({
    type: 'oauth2_jwt_bearer',
    token_url: `${server.url}/token`,
    claims: { iss: '{client_email}', sub: '{admin}', scope: 'directory.user' },
    key_id: '{key_id}',
    ...changes,
  });
  const credentials = (key: KeyObject = RSA.privateKey) => ({
    private_key: pem(key),
    client_email: 'robot@project.example',
    admin: 'ada@example.com',
    key_id: 'key-1',
  });
  const partsOf = (assertion: string) =>
    assertion.split('.').map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer, Buffer];
  const isSigned = (assertion: string, algorithm: string, publicKey: KeyObject): boolean => {
    const signed = Buffer.from(assertion.slice(0, assertion.lastIndexOf('.')));
    const hash = algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
    const padding = algorithm.startsWith('PS') ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const, ...padding };
    return verify(hash, signed, key, partsOf(assertion)[2]);
  };
  let asked: URLSearchParams[];
  /** A token endpoint that verifies, by the clock of a server that is `skewSeconds` ahead. */
  const issuing =
    (algorithm: string, publicKey: KeyObject, skewSeconds = 0) =>
    ({ body }: RecordedRequest): ScriptedAnswer => {
      const form = new URLSearchParams(body);
      asked.push(form);
      const assertion = form.get('assertion') ?? form.get('client_assertion') ?? '';
      const refuse = (description: string) => ({
        status: 400,
        body: { error: 'invalid_grant', error_description: `${description}: ${assertion}` },
      });
      if (!isSigned(assertion, algorithm, publicKey)) return refuse('bad signature');
      const claims = JSON.parse(partsOf(assertion)[1].toString()) as Record<string, number>;
      const now = Date.now() / 1_000 + skewSeconds;
      if ((claims['iat'] ?? Infinity) > now) return refuse('from the future');
      if ((claims['exp'] ?? 0) < now) return refuse('expired');
      return { status: 200, body: { access_token: 'granted', expires_in: 3_600, token_type: 'Bearer' } };
    };
  beforeEach(() => {
    asked = [];
    whyRefused = ({ headers }) => (headers['authorization'] === 'Bearer granted' ? undefined : 'no token');
  });

  it.each([
    ['RS256', 'rsa'],
    ['RS512', 'rsa'],
    ['PS256', 'rsa'],
    ['ES256', 'p256'],
    ['ES384', 'p384'],
    ['EdDSA', 'ed25519'],
  ])('%s is accepted by a server that verifies it', async (algorithm, kind) => {
    const { publicKey, privateKey } = PAIRS[kind] as (typeof PAIRS)[string];
    token = issuing(algorithm, publicKey);

    const result = await pushOne(contact, context(jwt({ algorithm }), credentials(privateKey)));

    expect(result).toMatchObject({ ok: true });
    expect(asked).toHaveLength(1);
  });

  it('says who asks, for whom, of whom, and in which clock', async () => {
    token = issuing('RS256', RSA.publicKey);

    await pushOne(contact, context(jwt(), credentials()));

    const form = asked[0] as URLSearchParams;
    expect([...form.keys()].toSorted()).toEqual(['assertion', 'grant_type']);
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [header, claims] = partsOf(form.get('assertion') as string).map((part, index) =>
      index < 2 ? (JSON.parse(part.toString()) as Record<string, unknown>) : {},
    );
    expect(header).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    expect(claims).toEqual({
      iss: 'robot@project.example',
      sub: 'ada@example.com',
      scope: 'directory.user',
      aud: `${server.url}/token`,
      iat: expect.any(Number),
      exp: (claims?.['iat'] as number) + 180,
      jti: expect.any(String),
    });
  });

  it.each([-20, 60])('is accepted by a server whose clock is %s s ahead', async (skew) => {
    token = issuing('RS256', RSA.publicKey, skew);

    expect(await pushOne(contact, context(jwt(), credentials()))).toMatchObject({ ok: true });
  });

  it('takes the place of a secret where the configuration says so', async () => {
    token = issuing('PS256', RSA.publicKey);
    const auth = jwt({
      algorithm: 'PS256',
      assertion_as: 'client',
      scope: 'rest_webservices',
      parameters: { audience: 'erp' },
    });

    await pushOne(contact, context(auth, credentials()));

    expect(Object.fromEntries(asked[0] as URLSearchParams)).toEqual({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: expect.any(String),
      scope: 'rest_webservices',
      audience: 'erp',
    });
  });

  it('a refusal is said in words, without the assertion or the key in it', async () => {
    token = issuing('RS256', RSA.publicKey, 1e6);

    const error = await rest.check(context(jwt(), credentials())).catch((thrown: unknown) => thrown as Error);

    expect(error).toMatchObject({ kind: 'unauthorized', message: expect.stringContaining('expired') });
    const shown = JSON.stringify([error, (error as Error).message]);
    expect(shown).not.toContain(asked[0]?.get('assertion'));
    expect(shown).not.toContain(credentials().private_key.split('\n')[1]);
  });

  it('neither is it quoted from an answer that looks like a success', async () => {
    token = ({ body }) => {
      const assertion = new URLSearchParams(body).get('assertion');
      return { status: 200, body: { error: 'invalid', error_description: `not of us: ${assertion}` } };
    };

    const error = await rest.check(context(jwt(), credentials())).catch((thrown: unknown) => thrown as Error);

    expect((error as Error).message).toContain('not of us: •••');
  });

  it.each<[string, (text: string) => string]>([
    ['with line ends of Windows', (text) => text.replaceAll('\n', '\r\n')],
    ['whose line ends were lost in a field of one line', (text) => text.replaceAll('\n', '')],
    ['whose line ends became spaces', (text) => text.replaceAll('\n', ' ')],
    ['from a JSON file, with \\n', (text) => text.replaceAll('\n', '\\n')],
    ['in the older form', () => pem(RSA.privateKey, 'pkcs1')],
  ])('a key %s is read', async (_name, written) => {
    token = issuing('RS256', RSA.publicKey);
    const given = { ...credentials(), private_key: written(pem(RSA.privateKey)) };

    expect(await pushOne(contact, context(jwt(), given))).toMatchObject({ ok: true });
  });
});

describe('OAuth 1.0a', () => {
  const SECRETS = {
    consumer_key: 'consumer',
    consumer_secret: 'c&secret',
    token: 'token-1',
    token_secret: 't=secret',
    account: '123456_SB1',
  };
  const rfc3986 = (text: string) =>
    [...Buffer.from(text)]
      .map((byte) =>
        /[A-Za-z0-9\-._~]/.test(String.fromCharCode(byte))
          ? String.fromCharCode(byte)
          : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      )
      .join('');
  const used = new Set<string>();
  const whyUnsigned = ({ method, path, headers, body }: RecordedRequest): string | undefined => {
    const given = new Map(
      [...(headers['authorization'] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [
        name as string,
        decodeURIComponent(value as string),
      ]),
    );
    if (given.get('realm') !== SECRETS.account) return 'wrong realm';
    const nonce = given.get('oauth_nonce') ?? '';
    if (nonce.length < 16 || used.has(nonce)) return 'replayed nonce';
    used.add(nonce);
    if (Math.abs(Number(given.get('oauth_timestamp')) - Date.now() / 1_000) > 60) return 'wrong clock';
    const [bare = '', query = ''] = path.split('?');
    const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
    const raw = [query, ...(isForm ? [body] : [])].filter((text) => text !== '').join('&');
    const pairs = raw
      .split('&')
      .filter((text) => text !== '')
      .map((text) => text.split('=').map((part) => decodeURIComponent(part.replaceAll('+', ' '))));
    for (const [name, value] of given) if (!/^(realm|oauth_signature)$/.test(name)) pairs.push([name, value]);
    const sorted = pairs.map((pair) => pair.map((part) => rfc3986(part ?? '')).join('=')).toSorted();
    const text = [method, `http://${headers['host']}${bare}`, sorted.join('&')].map(rfc3986).join('&');
    const hash = given.get('oauth_signature_method') === 'HMAC-SHA1' ? 'sha1' : 'sha256';
    const key = `${rfc3986(SECRETS.consumer_secret)}&${rfc3986(SECRETS.token_secret)}`;
    const expected = createHmac(hash, key).update(text).digest('base64');
    return given.get('oauth_signature') === expected ? undefined : `bad signature of ${text}`;
  };
  const auth = (changes = {}) => ({ type: 'oauth1', realm: '{account}', ...changes });

  it.each(['HMAC-SHA256', 'HMAC-SHA1'])('%s: each request has a signature of its own', async (method) => {
    whyRefused = whyUnsigned;

    const result = await pushOne(contact, context(auth({ signature_method: method }), SECRETS));

    expect(result).toMatchObject({ ok: true, effect: 'created' });
    expect(server.requests).toHaveLength(2);
  });

  it('signs the fields of a form', async () => {
    whyRefused = whyUnsigned;
    const form = { create: { path: '/c', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } } };

    expect(await pushOne(contact, context(auth(), SECRETS, form))).toMatchObject({ ok: true });
    expect(server.requests.at(-1)?.body).toContain('first_name=Ada');
  });

  it.each(['x", y="', 'Łódź'])('is Unauthorized, and sends nothing, for the realm %s', async (account) => {
    whyRefused = whyUnsigned;
    const result = await pushOne(contact, context(auth(), { ...SECRETS, account }));

    expect(result).toMatchObject({ ok: false, error: { kind: 'unauthorized' } });
    expect(server.requests).toEqual([]);
  });
});

describe('signed requests', () => {
  const SECRET = Buffer.alloc(32, 7);
  const auth = (changes = {}) => ({
    type: 'signature',
    signed_text: '{method}\n{path_and_query}\n{host}\n{timestamp}\n{nonce}\n{body_sha256_hex}\n{key_id}',
    secret_encoding: 'base64',
    headers: {
      Authorization: 'HMAC {key_id}:{signature}',
      'X-Timestamp': '{timestamp}',
      'X-Nonce': '{nonce}',
    },
    ...changes,
  });
  const credentials = { secret: SECRET.toString('base64'), key_id: 'key-1' };

  it.each<[string, 'sha256' | 'sha512' | 'sha1', 'hex' | 'base64' | 'base64url']>([
    ['SHA-256 in hex', 'sha256', 'hex'],
    ['SHA-512 in Base64', 'sha512', 'base64'],
    ['SHA-1 for addresses', 'sha1', 'base64url'],
  ])('%s: method, path, query, body and time are signed', async (_name, algorithm, encoding) => {
    whyRefused = ({ method, path, headers, body }) => {
      const hash = createHash('sha256').update(body).digest('hex');
      const parts = [
        method,
        path,
        headers['host'],
        headers['x-timestamp'],
        headers['x-nonce'],
        hash,
        'key-1',
      ];
      const expected = createHmac(algorithm, SECRET).update(parts.join('\n')).digest(encoding);
      return headers['authorization'] === `HMAC key-1:${expected}` ? undefined : 'bad signature';
    };

    const result = await pushOne(contact, context(auth({ algorithm, encoding }), credentials));

    expect(result).toMatchObject({ ok: true, effect: 'created' });
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  it('the body itself can be signed, with characters that no header could hold', async () => {
    const named = aContact({}, { first_name: 'Ада\u0085\n' });
    whyRefused = ({ headers, body }) =>
      headers['x-signature'] === createHmac('sha256', 'secret-of-mine').update(body).digest('hex')
        ? undefined
        : 'bad signature';
    const changes = {
      signed_text: '{body}',
      secret_encoding: 'text',
      headers: { 'X-Signature': '{signature}' },
    };

    const result = await pushOne(named, context(auth(changes), { secret: 'secret-of-mine' }));

    expect(result).toMatchObject({ ok: true });
  });
});
