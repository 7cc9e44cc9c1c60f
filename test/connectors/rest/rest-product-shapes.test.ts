/** What single products need of a configuration: see the definitions in third-parties/. */
import { RecordRejected } from '../../../connectors/errors';
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy } from '../suite/given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';
import { aContact, CONTACTS_MAPPING, contactsConfig, errorOf, pushOne, restContext } from './rest-given';

let server: ScriptedServer;
let answer: (request: RecordedRequest) => ScriptedAnswer;

beforeEach(async () => {
  answer = ({ method }) =>
    method === 'GET' ? { status: 200, body: { items: [] } } : { status: 201, body: { id: 7 } };
  server = await startScriptedServer((request) => answer(request));
});
afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const problemsOf = (changes: object, typeChanges: object = {}, credentials = {}): string[] => {
  const config = rest.configSchema.parse(contactsConfig(server.url, { ...changes }, { ...typeChanges }));
  return rest.validate!(config, { contacts: CONTACTS_MAPPING }, credentials).map(({ pointer }) => pointer);
};

describe('Basic authentication with other texts', () => {
  const auth = { type: 'basic', username: '{email}/token', password: '{api_key}' };

  it('sends the credentials where the texts have them', async () => {
    const credentials = { email: 'ada@example.com', api_key: 'key-0815' };

    await rest.check(restContext(contactsConfig(server.url, { auth }), { credentials }));

    const sent = server.requests[0]!.headers['authorization']!.slice('Basic '.length);
    expect(Buffer.from(sent, 'base64').toString()).toBe('ada@example.com/token:key-0815');
  });

  it('needs exactly the credentials that the texts name, and shows none of them', async () => {
    expect(problemsOf({ auth }, {}, { api_key: 'key-0815' })).toEqual(['/credentials/email']);
    expect(problemsOf({ auth: { type: 'basic' } }, {}, { username: 'a' })).toEqual(['/credentials/password']);
    const credentials = { email: 'ada@example.com', api_key: 'key-0815' };
    answer = ({ headers }) => ({
      status: 401,
      body: { message: `No: ${headers['authorization']} key-0815` },
    });

    const check = rest.check(restContext(contactsConfig(server.url, { auth }), { credentials }));

    const encoded = Buffer.from('ada@example.com/token:key-0815').toString('base64');
    const error = (await check.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )) as Error;
    expect(error.message).toContain('No:');
    expect(error.message).not.toContain(encoded);
    expect(error.message).not.toContain('key-0815');
  });
});

describe('a message in a header', () => {
  const errors = { message: '/message', message_header: 'X-Error-Message' };

  it('is shown for a refusal without a body, without secrets', async () => {
    const auth = { type: 'bearer' };
    const context = restContext(contactsConfig(server.url, { errors, auth }), {
      credentials: { token: 'secret-0815' },
    });
    answer = ({ method }) =>
      method === 'GET'
        ? { status: 200, body: { items: [] } }
        : { status: 400, headers: { 'x-error-message': 'The name is missing (secret-0815).' } };

    const error = await errorOf(aContact(), context);

    expect(error).toBeInstanceOf(RecordRejected);
    expect(error.message).toBe('The name is missing (•••).');
  });

  it('gives way to the message in a body', async () => {
    answer = ({ method }) =>
      method === 'GET'
        ? { status: 200, body: { items: [] } }
        : { status: 400, headers: { 'x-error-message': 'Header' }, body: { message: 'Body' } };

    expect((await errorOf(aContact(), restContext(contactsConfig(server.url, { errors })))).message).toBe(
      'Body',
    );
  });
});

describe('a search with a filter in its body', () => {
  const find = {
    method: 'POST',
    path: '/search',
    body: { filter: '{filter}', fields: ['key', 'email'] },
    parameters: { filter: { template: "email eq '{payload.email}'", escape: { "'": "''" }, refuse: '\\' } },
    items: '/items',
    id: '/key',
    match: { at: '/email', value: '{payload.email}' },
  };
  const type = { external_id: undefined, find };

  it('escapes the value by the rules of its parameter, and takes the id of the found record', async () => {
    answer = ({ path }) =>
      path === '/search'
        ? { status: 200, body: { items: [{ key: 12, email: "o'neil@example.com" }] } }
        : { status: 200, body: { id: 12 } };
    const context = restContext(contactsConfig(server.url, {}, type));

    const result = await pushOne(aContact({}, { email: "o'neil@example.com" }), context);

    expect(JSON.parse(server.requests[0]!.body)).toMatchObject({ filter: "email eq 'o''neil@example.com'" });
    expect(result).toMatchObject({ ok: true, effect: 'updated', remoteId: '12' });
    expect(server.requests[1]).toMatchObject({ method: 'PATCH', path: '/contacts/12' });
  });

  it('sends nothing for a value that the rules do not allow', async () => {
    const error = await errorOf(
      aContact({}, { email: 'a\\b' }),
      restContext(contactsConfig(server.url, {}, type)),
    );

    expect(error).toBeInstanceOf(RecordRejected);
    expect(server.requests).toEqual([]);
  });

  it('is refused where its parameter is used nowhere, or has no rules', () => {
    const idle = { ...find, body: {} };
    const open = { ...find, parameters: { filter: { template: "email eq '{payload.email}'" } } };

    const at = '/config/record_types/contacts/find/parameters/filter';
    expect(problemsOf({}, { ...type, find: idle })).toEqual([at]);
    expect(problemsOf({}, { ...type, find: open })).toEqual([at]);
  });

  it('is refused where a value is inside quotes without rules', () => {
    const quoted = { ...find, parameters: undefined, body: { where: ["email = '{payload.email}'"] } };
    const alone = { ...quoted, body: { where: { email: '{payload.email}', text: 'about {payload.email}' } } };

    expect(problemsOf({}, { ...type, find: quoted })).toEqual(['/config/record_types/contacts/find/body']);
    expect(problemsOf({}, { ...type, find: alone })).toEqual([]);
  });
});

describe('a random password', () => {
  const create = { path: '/contacts', body: { password: '{random_password}' } };

  it('is another one with each creation', async () => {
    const context = restContext(contactsConfig(server.url, {}, { create }));

    await pushOne(aContact({ externalId: 'a' }), context);
    await pushOne(aContact({ externalId: 'b' }), context);

    const sent = server.requests.filter(({ method }) => method === 'POST');
    const passwords = sent.map(({ body }) => (JSON.parse(body) as { password: string }).password);
    expect(new Set(passwords).size).toBe(2);
    for (const password of passwords) expect(password).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w-]{36}$/);
  });

  it('is known in a creation only', () => {
    const update = { path: '/contacts/{remote_id}', body: { password: '{random_password}' } };

    expect(problemsOf({}, { update })).toEqual(['/config/record_types/contacts/update/body']);
  });
});

it('reads a record by POST before it is pushed', async () => {
  const read = { method: 'POST', path: '/contacts/{remote_id}/read', body: { fields: ['id', 'email'] } };
  const list = { path: '/contacts', items: '/items', paging: { type: 'none' } };
  answer = () => ({ status: 200, body: { id: 7, email: 'there@example.com' } });
  const context = restContext(contactsConfig(server.url, {}, { read, list }));

  await pushOne(aContact({ remoteId: '7', isReadFirst: true }), context);

  expect(server.requests[0]).toMatchObject({ method: 'POST', path: '/contacts/7/read' });
  expect(JSON.parse(server.requests[0]!.body)).toEqual({ fields: ['id', 'email'] });
});

it('lets a token endpoint have a query, and no address a fragment or another query', () => {
  const auth = (url: string, more: object = {}) => ({
    auth: {
      type: 'oauth2_authorization_code',
      app_id: 'oap_01h00000000000000000000000',
      authorization_url: 'https://a.example/authorize',
      token_url: url,
      ...more,
    },
  });
  const isRead = (changes: object) =>
    rest.configSchema.safeParse(contactsConfig(server.url, { ...changes })).success;

  expect(isRead(auth('https://a.example/token.php?request=token'))).toBe(true);
  for (const url of [
    'https://a.example/t?a=b#c',
    'https://u:p@a.example/t?a=b',
    'https://a.example/t?a={x}',
    'a?b',
  ])
    expect([url, isRead(auth(url))]).toEqual([url, false]);
  expect(isRead(auth('https://a.example/t', { authorization_url: 'https://a.example/a?b=c' }))).toBe(false);
});
