/** Parameters and bodies in other notations than those of most APIs. */
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy } from '../suite/given';
import { type ScriptedServer, startScriptedServer } from '../suite/scripted-server';
import { aContact, CONTACTS_MAPPING, contactsConfig, pushOne, restContext } from './rest-given';

let server: ScriptedServer;

beforeAll(async () => {
  server = await startScriptedServer(({ method }) => ({
    status: 200,
    body: method === 'GET' ? { items: [] } : { id: '1' },
  }));
});
beforeEach(() => {
  server.requests.length = 0;
});
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const push = async (type: Record<string, unknown>, fields = {}) => {
  const context = restContext(contactsConfig(server.url, {}, type));
  const result = await pushOne(aContact({ externalId: `O'Neil "1"` }, fields), context);
  expect(result).toMatchObject({ ok: true });
  const [search, create] = server.requests;
  return { query: new URL(search?.path ?? '', 'http://x').searchParams.get('q') ?? '', create };
};
const findBy = (parameter: unknown) => ({
  find: { path: '/contacts?q={q}', items: '/items', parameters: { q: parameter } },
});

describe('E: a parameter', () => {
  it('may be JSON, in which a value stays a value', async () => {
    const { query } = await push(findBy({ json: { ref: { eq: '{external_id}' }, limit: 2 } }));

    expect(JSON.parse(query)).toEqual({ ref: { eq: `O'Neil "1"` }, limit: 2 });
  });

  it.each(['base64', 'base64url'] as const)('may be encoded in %s', async (encode) => {
    const json = { ref: '{external_id}', text: '>>>???' };
    const { query } = await push(findBy({ json, encode }));

    expect(JSON.parse(Buffer.from(query, encode).toString())).toEqual({ ...json, ref: `O'Neil "1"` });
    expect(/[+/=]/.test(query)).toBe(encode === 'base64');
  });

  it('may be an encoded template, by the rules of templates', async () => {
    const rules = { escape: { "'": "''", '\\': '\\\\' }, encode: 'base64url' };
    const { query } = await push(findBy({ template: "ref='{external_id}'", ...rules }));

    expect(Buffer.from(query, 'base64url').toString()).toBe(`ref='O''Neil "1"'`);
  });

  it.each([
    ['an unknown variable in JSON', { json: { ref: '{nothing}' } }, '{nothing} is not known'],
    [
      'quotes without rules, encoded or not',
      { template: "'{external_id}'", encode: 'base64' },
      'inside quotes',
    ],
  ])('is refused with %s', (_title, parameter, message) => {
    const config = rest.configSchema.parse(contactsConfig(server.url, {}, findBy(parameter)));

    expect(rest.validate?.(config, { contacts: CONTACTS_MAPPING })).toMatchObject([
      {
        pointer: '/config/record_types/contacts/find/parameters/q',
        message: expect.stringContaining(message) as string,
      },
    ]);
  });
});

describe('E: the body of a call', () => {
  it('is a form where its content type says so', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' };
    const fields = { first_name: 'Ada & Eve', email: null, city: 'Zürich' };
    const { create } = await push({ create: { path: '/contacts', headers } }, fields);

    expect(create?.headers['content-type']).toBe(headers['Content-Type']);
    expect([...new URLSearchParams(create?.body)]).toEqual(
      expect.arrayContaining([
        ['first_name', 'Ada & Eve'],
        ['email', ''],
        ['address[city]', 'Zürich'],
        ['external_id', `O'Neil "1"`],
      ]),
    );
  });

  it('is JSON with any other content type', async () => {
    const headers = { 'content-type': 'application/vnd.contacts+json' };
    const { create } = await push({ create: { path: '/contacts', headers } });

    expect(create?.headers['content-type']).toBe('application/vnd.contacts+json');
    expect(JSON.parse(create?.body ?? '')).toMatchObject({ first_name: 'Ada' });
  });
});
