/** Keys that cannot be used are refused when they are entered, in words, and without a part of them. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { rest } from '../../../../connectors/rest';
import { makeSelfSigned } from '../../../support/servers/self-signed';
import { CONTACTS_MAPPING, contactsConfig } from '../rest-given';

const pem = (key: KeyObject, options: object = {}) =>
  key.export({ format: 'pem', type: 'pkcs8', ...options } as never).toString();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const [own, other] = [makeSelfSigned(), makeSelfSigned()];
const URL = 'https://contacts.example.com/api';

/** With numbers that only look like those of a key. */
function keyOfBits(bits: number): string {
  const number = (length: number) => {
    const bytes = randomBytes(length / 8);
    bytes[0] = 0x80 | (bytes[0] ?? 0);
    bytes[bytes.length - 1] = 1 | (bytes.at(-1) ?? 0);
    return bytes.toString('base64url');
  };
  const [n, half] = [number(bits), () => number(bits / 2)];
  const jwk = {
    kty: 'RSA',
    n,
    e: 'AQAB',
    d: number(bits),
    p: half(),
    q: half(),
    dp: half(),
    dq: half(),
    qi: half(),
  };
  return pem(createPrivateKey({ key: jwk, format: 'jwk' }));
}

function problemsOf(changes: object, credentials: Record<string, string>) {
  const read = rest.credentialsSchema.safeParse(credentials);
  if (!read.success)
    return read.error.issues.map(({ path, message }) => ({ pointer: path.join('/'), message }));
  const config = rest.configSchema.parse(contactsConfig(URL, { ...changes }));
  return rest.validate?.(config, { contacts: CONTACTS_MAPPING }, read.data) ?? [];
}
const problemsOfKey = (privateKey: string, algorithm = 'RS256') =>
  problemsOf(
    { auth: { type: 'oauth2_jwt_bearer', token_url: `${URL}/token`, claims: { iss: 'x' }, algorithm } },
    { private_key: privateKey },
  );

it('a key of the right kind has no problem', () => {
  expect(problemsOfKey(pem(rsa.privateKey))).toEqual([]);
  expect(problemsOfKey(pem(ec.privateKey), 'ES256')).toEqual([]);
});

it.each<[string, () => string, string, string]>([
  ['a password', () => 'correct horse battery staple', 'BEGIN PRIVATE KEY', 'RS256'],
  [
    'the public key',
    () => rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    '"PUBLIC KEY"',
    'RS256',
  ],
  ['a certificate', () => own.cert, '"CERTIFICATE"', 'RS256'],
  [
    'a key with a password',
    () => pem(rsa.privateKey, { cipher: 'aes-256-cbc', passphrase: 'x' }),
    'protected by a password',
    'RS256',
  ],
  [
    'an older key with a password',
    () => pem(rsa.privateKey, { type: 'pkcs1', cipher: 'aes-256-cbc', passphrase: 'x' }),
    'protected by a password',
    'RS256',
  ],
  [
    'half a key',
    () => pem(rsa.privateKey).replace(/\n[\s\S]{800}/, '\n'),
    'Copy the whole file again',
    'RS256',
  ],
  ['no end', () => pem(rsa.privateKey).slice(0, 900), 'BEGIN PRIVATE KEY', 'RS256'],
  [
    'other characters',
    () => pem(rsa.privateKey).replace(/\n.{60}/, (start) => `${start}&<>`),
    'Copy the whole file again',
    'RS256',
  ],
  [
    'a weak key',
    () => pem(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey),
    '1024 bits',
    'RS256',
  ],
  ['a key that takes seconds to sign', () => keyOfBits(8_320), '8320 bits', 'RS256'],
  [
    'a text of megabytes',
    () => `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(2e6)}\n-----END PRIVATE KEY-----`,
    '',
    'RS256',
  ],
  ['a key of another kind', () => pem(ec.privateKey), 'RS256 needs an RSA key', 'RS256'],
  ['an RSA key for a curve', () => pem(rsa.privateKey), 'a key of the curve P-256', 'ES256'],
  ['a key of another curve', () => pem(ec.privateKey), 'a key of the curve P-384', 'ES384'],
])('%s is refused', (_name, written, words, algorithm) => {
  const text = written();

  const problems = problemsOfKey(text, algorithm);

  expect(problems).toHaveLength(1);
  expect(problems[0]?.pointer).toMatch(/private_key$/);
  expect(problems[0]?.message).toContain(words);
  const [, secret = 'of one line'] = text.split('\n');
  expect(problems[0]?.message).not.toContain(secret.slice(0, 20));
});

it.each([
  ['signed_text', { signed_text: '{signature}', headers: { 'X-Signature': '{signature}' } }],
  ['headers', { signed_text: '{body}', headers: { 'X-Timestamp': '{timestamp}' } }],
  ['headers', { signed_text: '{body}', headers: { 'X-Signature': '{signature}', 'X-Body': '{body}' } }],
])('a signature that cannot be made or sent is refused at %s', (member, auth) => {
  expect(problemsOf({ auth: { type: 'signature', ...auth } }, { secret: 'secret-of-mine' })).toMatchObject([
    { pointer: `/config/auth/${member}` },
  ]);
});

it.each(['a"b', 'a\\b', 'Łódź'])('the realm %s is refused, because it would break its header', (realm) => {
  const secrets = { consumer_key: 'k', consumer_secret: 's', token: 't', token_secret: 'ts' };

  expect(problemsOf({ auth: { type: 'oauth1', realm } }, secrets)).toMatchObject([
    { pointer: '/config/auth/realm' },
  ]);
});

describe('a client certificate', () => {
  const certified = (changes: Record<string, string> = {}, config: object = {}) =>
    problemsOf(
      { client_certificate: true, auth: { type: 'none' }, ...config },
      { client_certificate: own.cert, client_key: own.key, ...changes },
    );

  it('with its key has no problem, also with the certificates of its issuers after it', () => {
    expect(certified()).toEqual([]);
    expect(certified({ client_certificate: own.cert + other.cert })).toEqual([]);
  });

  it.each([
    ['of another key', { client_certificate: other.cert }, 'client_certificate', 'another private key'],
    ['that is a key', { client_certificate: own.key }, 'client_certificate', 'BEGIN CERTIFICATE'],
    ['without a key', { client_key: own.cert }, 'client_key', 'BEGIN PRIVATE KEY'],
    [
      'that cannot be read',
      { client_certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
      'client_certificate',
      'cannot be read',
    ],
  ])('%s is refused', (_name, changes, name, words) => {
    expect(certified(changes)).toEqual([
      { pointer: `/credentials/${name}`, message: expect.stringContaining(words) },
    ]);
  });

  it('needs https, and both credentials', () => {
    expect(certified({}, { base_url: 'http://contacts.example.com' })[0]?.pointer).toBe(
      '/config/client_certificate',
    );
    expect(problemsOf({ client_certificate: true }, {}).map(({ pointer }) => pointer)).toEqual([
      '/credentials/client_certificate',
      '/credentials/client_key',
    ]);
  });
});

it.each([
  ['base64', 'no base64!'],
  ['hex', 'abc'],
  ['hex', 'zz'],
])('a secret that is not in %s form is refused', (encoding, secret) => {
  const auth = {
    type: 'signature',
    signed_text: '{body}',
    headers: { 'X-Signature': '{signature}' },
    secret_encoding: encoding,
  };

  expect(problemsOf({ auth }, { secret })).toEqual([
    { pointer: '/credentials/secret', message: `The secret is not in ${encoding} form.` },
  ]);
});

it('a signature that no header carries is a mistake of the configuration', () => {
  const auth = { type: 'signature', signed_text: '{body}', headers: { 'X-Key': '{key}' } };

  expect(problemsOf({ auth }, { secret: 's', key: 'k' })).toEqual([
    { pointer: '/config/auth/headers', message: expect.stringContaining('{signature}') },
  ]);
});
