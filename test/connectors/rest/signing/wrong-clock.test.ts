/** Sign-ins by keys on a machine whose clock is wrong, at servers that compare times with the right one. */
import { generateKeyPairSync } from 'node:crypto';
import { clockMs, followClock } from '../../../../connectors/clock';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../suite/given';
import { type RecordedRequest, type ScriptedServer, startScriptedServer } from '../../suite/scripted-server';
import { aContact, contactsConfig, pushOne, restContext } from '../rest-given';

const MINUTE_MS = 60_000;
const rightNow = Date.now.bind(Date);
let server: ScriptedServer;

const claimsOf = ({ body }: RecordedRequest): { iat: number; exp: number } => {
  const [, claims = ''] = (new URLSearchParams(body).get('assertion') ?? '').split('.');
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iat: number; exp: number };
};

beforeEach(async () => {
  server = await startScriptedServer((request) => {
    if (request.path.startsWith('/token')) {
      const { iat, exp } = claimsOf(request);
      const isTimely = iat * 1_000 <= rightNow() && exp * 1_000 > rightNow();
      return isTimely
        ? { status: 200, body: { access_token: 'granted', expires_in: 3_600, token_type: 'Bearer' } }
        : { status: 400, body: { error: 'invalid_grant' } };
    }
    const { authorization = '', 'x-timestamp': timestamp = '' } = request.headers;
    const at = Number(/oauth_timestamp="(\d+)"/.exec(authorization)?.[1] ?? (timestamp || Number.NaN));
    if (authorization !== 'Bearer granted' && !(Math.abs(at - rightNow() / 1_000) < 60))
      return { status: 401, body: { message: 'wrong time' } };
    return request.method === 'GET'
      ? { status: 200, body: { items: [] } }
      : { status: 201, body: { id: '1' } };
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  followClock(() => Date.now());
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const WAYS: [string, () => object, Record<string, string>][] = [
  [
    'an assertion',
    () => ({ type: 'oauth2_jwt_bearer', token_url: `${server.url}/token`, claims: { iss: 'robot' } }),
    { private_key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() },
  ],
  [
    'OAuth 1.0a',
    () => ({ type: 'oauth1' }),
    { consumer_key: 'consumer', consumer_secret: 'c', token: 'token-1', token_secret: 't' },
  ],
  [
    'a signed request',
    () => ({
      type: 'signature',
      signed_text: '{method}{timestamp}',
      secret_encoding: 'text',
      headers: { 'X-Signature': '{signature}', 'X-Timestamp': '{timestamp}' },
    }),
    { secret: 'of-mine' },
  ],
];
const cases = WAYS.flatMap(([name, auth, credentials]) =>
  [-17, 23].map((minutes): [string, number, () => object, Record<string, string>] => [
    name,
    minutes,
    auth,
    credentials,
  ]),
);

it.each(cases)(
  '%s is accepted although the clock of the machine is wrong by %i minutes',
  async (_name, minutes, auth, credentials) => {
    jest.spyOn(Date, 'now').mockImplementation(() => rightNow() + minutes * MINUTE_MS);
    followClock(rightNow);

    const config = contactsConfig(server.url, { auth: auth() });
    const result = await pushOne(aContact(), restContext(config, { credentials }));

    expect(result).toMatchObject({ ok: true });
  },
);

it('without another clock the own one counts', () => {
  jest.spyOn(Date, 'now').mockReturnValue(1_234);

  expect(clockMs()).toBe(1_234);
});
