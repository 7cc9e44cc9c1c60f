/**
 * Users of the Google Workspace Directory as its documentation describes them: pages by a token, a list
 * without its member where nothing was found, users by id or address, PATCH with merged names, and limits
 * told by 403 with a reason.
 */
import { createVerify, generateKeyPairSync } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, describeContract } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row, textOf } from '../simulator';
import { NOW } from '../webhook-contract';

const PAGE = 2;
const TOKEN = 'ya29.token-of-the-account';
const KEYS = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const ACCOUNT = {
  client_email: 'syncline@acme.iam.gserviceaccount.com',
  private_key_id: 'key-1',
  private_key: KEYS.privateKey.replaceAll('\n', '\\n'),
  admin_email: 'admin@example.com',
};

type Google = Product & { channels: JsonObject[] };

function google(): Google {
  const channels: JsonObject[] = [];
  const records = new RecordStore((number) => `1073926420${String(number).padStart(11, '0')}`);

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.path === '/token') return token(asked);
    if (![`Bearer ${CONSENTED_TOKEN}`, `Bearer ${TOKEN}`].includes(asked.headers['authorization'] ?? ''))
      return refuse(401, 'authError', 'Invalid Credentials');
    const [admin, directory, version, users, key, ...more] = asked.parts;
    if ([admin, directory, version, users].join('/') !== 'admin/directory/v1/users' || more.length > 0)
      return refuse(404, 'notFound', 'Not Found');
    if (key === 'watch' && asked.method === 'POST') return watch(asked);
    if (key === undefined) return asked.method === 'GET' ? list(asked) : create(fieldsIn(asked));
    const row = records.get(key) ?? records.find(({ fields }) => fields['primaryEmail'] === key);
    if (row === undefined) return refuse(404, 'notFound', 'Resource Not Found: userKey');
    if (asked.method === 'DELETE') {
      records.delete(row);
      return { status: 204 };
    }
    if (asked.method === 'GET') return { status: 200, body: shown(row) };
    const problem = problemOf(fieldsIn(asked), row);
    if (problem !== undefined) return problem;
    records.change(row, fieldsIn(asked));
    return { status: 200, body: shown(row) };
  }

  /** A channel is for one kind of change, has an id of its own, and ends after six hours at most. */
  function watch(asked: Asked): ScriptedAnswer {
    const { id, type, address, token: given, params } = fieldsIn(asked);
    const ttl = isJsonObject(params) ? Number(params['ttl']) : 0;
    if (channels.some((channel) => channel['id'] === id))
      return refuse(400, 'channelIdNotUnique', `Channel id ${textOf(id)} not unique`);
    if (type !== 'web_hook' || !textOf(address).startsWith('https://') || !(ttl > 0 && ttl <= 21_600))
      return refuse(400, 'invalid', 'Invalid Value');
    const event = asked.query.get('event');
    channels.push({ id: textOf(id), event, token: textOf(given) });
    const body = { kind: 'api#channel', id: textOf(id), resourceId: 'o3hgv1538sdjfh' };
    return { status: 200, body: { ...body, expiration: String(Date.now() + ttl * 1_000) } };
  }

  function list({ query }: Asked): ScriptedAnswer {
    if (query.get('customer') === null && query.get('domain') === null)
      return refuse(400, 'badRequest', 'Bad Request');
    const from = Number(Buffer.from(query.get('pageToken') ?? '', 'base64url').toString());
    const { page, next } = pageOf(records.living(), from, PAGE);
    return {
      status: 200,
      body: {
        kind: 'admin#directory#users',
        etag: '"x"',
        ...(page.length > 0 && { users: page.map(shown) }),
        ...(next !== undefined && { nextPageToken: Buffer.from(String(next)).toString('base64url') }),
      },
    };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    const { name, password, primaryEmail } = fields;
    const isNamed = isJsonObject(name) && Boolean(name['givenName']) && Boolean(name['familyName']);
    if (!isNamed) return refuse(400, 'invalid', 'Invalid Given/Family Name: FamilyName');
    if (typeof password !== 'string' || password.length < 8 || password.length > 100)
      return refuse(400, 'invalid', 'Invalid Password');
    const problem = problemOf(fields);
    if (problem !== undefined) return problem;
    const { password: _, ...kept } = fields;
    return { status: 200, body: shown(records.add({ ...kept, primaryEmail: primaryEmail ?? '' })) };
  }

  function problemOf({ primaryEmail }: JsonObject, own?: Row): ScriptedAnswer | undefined {
    if (primaryEmail === undefined) return undefined;
    if (!/^[^@\s"']+@example\.com$/.test(textOf(primaryEmail)))
      return refuse(400, 'invalid', 'Invalid Input: primary_user_email');
    const other = records.find(({ fields }) => fields['primaryEmail'] === primaryEmail);
    if (other === undefined || other === own) return undefined;
    return refuse(409, 'duplicate', 'Entity already exists.');
  }

  return { records, answer, channels };
}

/** The assertion of a service account that acts for an administrator. */
function token({ body, origin }: Asked): ScriptedAnswer {
  const form = isJsonObject(body) ? body : {};
  const [header = '', payload = '', signature = ''] = textOf(form['assertion']).split('.');
  const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as JsonObject;
  const isSigned = createVerify('RSA-SHA256')
    .update(`${header}.${payload}`)
    .verify(KEYS.publicKey, signature, 'base64url');
  const { iss, sub, scope, aud } = decoded(payload);
  const isRight =
    form['grant_type'] === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
    isSigned &&
    decoded(header)['kid'] === 'key-1' &&
    iss === ACCOUNT.client_email &&
    sub === ACCOUNT.admin_email &&
    scope === 'https://www.googleapis.com/auth/admin.directory.user' &&
    aud === `${origin}/token`;
  return isRight
    ? { status: 200, body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 3_599 } }
    : { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' } };
}

const shown = ({ id, fields }: Row): JsonObject => ({
  kind: 'admin#directory#user',
  id,
  suspended: false,
  orgUnitPath: '/',
  ...fields,
});

function refuse(code: number, reason: string, message: string): ScriptedAnswer {
  return {
    status: code,
    body: { error: { code, message, errors: [{ message, domain: 'global', reason }] } },
  };
}

const user = (number: number) => ({
  email: `e${number}@example.com`,
  first_name: 'Ada',
  last_name: 'Lovelace',
});

describeContract(
  {
    key: 'google-workspace',
    parameters: { oauth_app: 'oap_01h00000000000000000000000' },
    credentials: { consent: {}, service_account: ACCOUNT },
    product: google,
    throttled: { ...refuse(403, 'userRateLimitExceeded', 'Quota exceeded.'), waitMs: null },
    recordType: 'employees',
    seed: ({ records }, number) =>
      records.add({
        primaryEmail: `e${number}@example.com`,
        name: { givenName: 'Grace', familyName: `Hopper ${number}`, fullName: 'Grace Hopper' },
      }),
    touch: { orgUnitPath: '/Sales' },
    hasChanges: false,
    webhook: {
      headers: (_body, secret) => ({
        'X-Goog-Channel-Token': secret,
        'X-Goog-Resource-State': 'update',
        'X-Goog-Message-Number': '10',
      }),
      event: ({ id }) => ({ kind: 'admin#directory#user', id, primaryEmail: 'e2@example.com' }),
    },
    push: {
      fields: user,
      change: { org_unit: '/Sales' },
      changed: { primaryEmail: 'e1@example.com', orgUnitPath: '/Sales', name: { givenName: 'Ada' } },
      refused: {
        fields: { email: 'e1@example.com', first_name: 'Ada' },
        field: 'last_name',
        says: /Family Name/,
      },
      key: 'email',
      deactivated: { suspended: true },
      deletes: true,
    },
  },
  (given) => {
    const ORDER = { address: 'https://sync.example.com/v1/incoming/token', secret: 'made-by-syncline-0815' };

    it('opens a channel for each kind of change, and new ones before they end', async () => {
      const { linked, product } = given();
      const context = await linked();
      const { channels } = product as Google;

      const order = await context.connector.subscribe!({ ...ORDER, current: null }, context);
      const events = ['add', 'update', 'delete', 'undelete'];
      expect(channels.map((channel) => [channel['event'], channel['token']])).toEqual(
        events.map((event) => [event, ORDER.secret]),
      );

      const current = { ...order!, endsAt: new Date(Date.now() + 3_600_000) };
      await context.connector.subscribe!({ ...ORDER, current }, context);
      expect(channels.map(({ event }) => event)).toEqual([...events, ...events]);
    });

    it('accepts the first message of a channel, which names no user', async () => {
      const { connector, config } = await given().linked();
      const headers = { 'x-goog-channel-token': [ORDER.secret], 'x-goog-resource-state': ['sync'] };
      const call = { method: 'POST', url: ORDER.address, headers, body: Buffer.alloc(0), now: NOW };

      expect(connector.incoming!(config)!.receive(call, ORDER.secret)).toEqual({
        kind: 'records',
        records: [],
      });
    });
  },
);
