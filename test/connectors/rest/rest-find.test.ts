/** Searches that return more than the wanted record, against a server that searches for parts of a text. */
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy } from '../suite/given';
import { CONTACTS_MAPPING, aContact, contactsConfig, errorOf, pushOne, restContext } from './rest-given';
import { type ScriptedServer, startScriptedServer } from '../suite/scripted-server';

type Contact = Record<string, unknown>;

const MATCH = { at: '/email', value: '{payload.email}' };
const PAGES = { type: 'page', parameter: 'page', end_status: [404] };

describe('a search that contains instead of equals', () => {
  let server: ScriptedServer;
  let contacts: Contact[];

  beforeEach(async () => {
    contacts = [];
    server = await startScriptedServer(({ method, path, body }) => {
      const url = new URL(path, 'http://x');
      if (method === 'PATCH') return { status: 200, body: { id: url.pathname.split('/').at(-1) } };
      if (method === 'POST') {
        contacts.push({ id: `new-${contacts.length}`, ...(JSON.parse(body) as Contact) });
        return { status: 201, body: contacts.at(-1) };
      }
      const text = (url.searchParams.get('q') ?? '').toLowerCase();
      const found = contacts.filter(({ email }) => String(email).toLowerCase().includes(text));
      const page = Number(url.searchParams.get('page') ?? 1);
      const items = found.slice((page - 1) * 2, page * 2);
      return page > 1 && items.length === 0 ? { status: 404 } : { status: 200, body: { items } };
    });
  });

  afterEach(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  const findWith = (changes: Record<string, unknown> = {}) => ({
    external_id: undefined,
    find: {
      path: '/contacts{?q}',
      parameters: { q: '{payload.email}' },
      items: '/items',
      match: MATCH,
      exact: false,
      paging: PAGES,
      ...changes,
    },
  });
  const push = async (email: string, changes: Record<string, unknown> = {}) =>
    pushOne(aContact({}, { email }), restContext(contactsConfig(server.url, {}, findWith(changes))));
  const similar = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ id: `${index}`, email: `anna${index}@example.com` }));

  it('creates the record if only similar ones are found', async () => {
    contacts = [
      { id: '1', email: 'hanna@example.com' },
      { id: '2', email: 'susanna@example.com' },
    ];

    expect(await push('anna@example.com')).toMatchObject({ ok: true, effect: 'created' });
  });

  it('updates the record that matches, on whatever page it is', async () => {
    contacts = [
      ...similar(5).map(({ id }) => ({ id, email: `x${id}anna@example.com` })),
      { id: '9', email: 'anna@example.com' },
    ];

    expect(await push('anna@example.com')).toMatchObject({ ok: true, effect: 'updated', remoteId: '9' });
    expect(contacts).toHaveLength(6);
  });

  it('gets a value that is only for creations if it is created, and not if it was found', async () => {
    const context = restContext(contactsConfig(server.url, {}, findWith()));
    const pushAna = (more: object = {}) =>
      pushOne({ ...aContact(more, { email: 'ana@x.org' }), createOnly: ['first_name'] }, context);

    const created = await pushAna();
    const found = await pushAna();
    const linked = await pushAna({ remoteId: 'new-0' });

    expect([created, found, linked]).toMatchObject([
      { effect: 'created' },
      { effect: 'updated' },
      { effect: 'updated' },
    ]);
    const bodies = server.requests
      .filter(({ method }) => method !== 'GET')
      .map(({ body }) => JSON.parse(body));
    expect(bodies).toMatchObject([
      { first_name: 'Ada', email: 'ana@x.org' },
      { email: 'ana@x.org' },
      { email: 'ana@x.org' },
    ]);
    expect(bodies.slice(1).every((body) => !('first_name' in body))).toBe(true);
  });

  it('is not continued without end, and creates nothing then', async () => {
    contacts = similar(100);
    const context = restContext(contactsConfig(server.url, {}, findWith()));

    expect(await errorOf(aContact({}, { email: 'a' }), context)).toMatchObject({
      errors: [{ code: 'find_not_exact' }],
    });
    expect(server.requests).toHaveLength(20);
  });

  it('creates nothing when a later page fails', async () => {
    contacts = similar(3);
    const context = restContext(
      contactsConfig(server.url, {}, findWith({ paging: { type: 'page', parameter: 'page' } })),
    );

    expect((await errorOf(aContact({}, { email: 'anna' }), context)).message).not.toBe('');
    expect(contacts).toHaveLength(3);
  });

  it('is still an error where the search is said to be exact', async () => {
    contacts = similar(1);
    const context = restContext(
      contactsConfig(server.url, {}, findWith({ exact: undefined, paging: undefined })),
    );

    expect(await errorOf(aContact({}, { email: 'anna' }), context)).toMatchObject({
      errors: [{ code: 'find_not_exact', explanation: expect.stringContaining('"exact": false') as string }],
    });
  });

  describe('in another case', () => {
    it('is the same e-mail address', async () => {
      contacts = [{ id: '1', email: 'Anna@Example.com' }];

      expect(await push('anna@example.com')).toMatchObject({ effect: 'updated', remoteId: '1' });
    });

    it('counts less than one in the same case', async () => {
      contacts = [
        { id: '1', email: 'Anna@example.com' },
        { id: '2', email: 'anna@example.com' },
      ];

      expect(await push('anna@example.com')).toMatchObject({ effect: 'updated', remoteId: '2' });
    });

    it('is another record if it is the id that Syncline gave it', async () => {
      contacts = [{ id: '1', email: 'x', external_id: 'Emp-1@example.com' }];
      const context = restContext(
        contactsConfig(server.url, {}, { find: { path: '/contacts?q=x', items: '/items' } }),
      );

      expect(await pushOne(aContact({ externalId: 'Emp-1@example.com' }), context)).toMatchObject({
        effect: 'updated',
      });
      expect(await errorOf(aContact({ externalId: 'emp-1@example.com' }), context)).toMatchObject({
        errors: [{ code: 'find_not_exact' }],
      });
    });

    it('is another value of any other kind, unless the configuration says that case is ignored', async () => {
      contacts = [{ id: '1', email: 'Team-A' }];

      expect(await push('team-a')).toMatchObject({ effect: 'created' });
      expect(await push('TEAM-A', { match: { ...MATCH, ignore_case: true } })).toMatchObject({ ok: false });
      contacts = [{ id: '1', email: 'Team-A' }];
      expect(await push('TEAM-A', { match: { ...MATCH, ignore_case: true } })).toMatchObject({
        effect: 'updated',
        remoteId: '1',
      });
    });
  });

  it.each([
    ['without the paging of the search', 'paging', { paging: undefined }],
    ['without a list', 'exact', { items: undefined, paging: undefined }],
    ['with a paging that nothing reads', 'paging', { exact: true }],
  ])('is refused %s', (_title, key, changes) => {
    const config = rest.configSchema.parse(
      contactsConfig('https://contacts.example.com', {}, findWith(changes)),
    );

    expect(rest.validate?.(config, { contacts: CONTACTS_MAPPING }).map(({ pointer }) => pointer)).toEqual([
      `/config/record_types/contacts/find/${key}`,
    ]);
  });
});
