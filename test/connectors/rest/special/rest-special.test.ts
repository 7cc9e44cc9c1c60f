/** Named fields, versions in bodies, partial changes by PUT, and pages inside of a query. */
import { RecordRejected } from '../../../../connectors/errors';
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import type { JsonObject } from '../../../../domain/json';
import { loopbackPolicy } from '../../suite/given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../../suite/scripted-server';
import {
  CONTACTS,
  CONTACTS_MAPPING,
  aContact,
  contactsConfig,
  errorOf,
  pushOne,
  restContext,
} from '../rest-given';
import { idsIn, readingContext, readOnePage, readPages } from '../rest-read-given';

let server: ScriptedServer;
let answer: (request: RecordedRequest) => ScriptedAnswer;

beforeEach(async () => {
  server = await startScriptedServer((request) => answer(request));
});
afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const contextOf = (type: Record<string, unknown>, changes: Record<string, unknown> = {}) =>
  restContext(contactsConfig(server.url, changes, type));
const problemsOf = (type: Record<string, unknown>, mapping: object = CONTACTS_MAPPING): string[] =>
  (
    rest.validate?.(rest.configSchema.parse(contactsConfig(server.url, {}, type)), {
      contacts: mapping as typeof CONTACTS_MAPPING,
    }) ?? []
  ).map(({ message }) => message);

describe('named fields', () => {
  const LIST = {
    fields: { below: '/properties', always: ['changed'] },
    list: {
      path: '/contacts{?show}',
      parameters: { show: '{fields}' },
      items: '/items',
      paging: { type: 'none' },
    },
  };
  const pulled = {
    direction: 'pull' as const,
    onDelete: 'leave' as const,
    fields: [
      { name: 'email', to: '/properties/email' },
      { name: 'site', to: '/properties/site/name' },
      { name: 'id', to: 'id' },
    ],
  };

  it('asks for the mapped fields, and for those that are always needed', async () => {
    answer = () => ({ status: 200, body: { items: [] } });
    const config = contactsConfig(server.url, { record_types: { contacts: LIST } });

    await readOnePage(restContext(config, { mapping: pulled }));

    expect(server.requests.map(({ path }) => path)).toEqual(['/contacts?show=changed%2Cemail%2Csite']);
  });

  it('sends them as a list in a body, and as a text in a query language', async () => {
    answer = () => ({ status: 200, body: { items: [] } });
    const q = { template: 'SELECT {fields} FROM c', allow: 'A-Za-z,' };
    const search = {
      ...LIST.list,
      method: 'POST',
      path: '/contacts{?q}',
      parameters: { q },
      body: { properties: '{fields}' },
      modified_since: { format: 'epoch_s', body: { since: '{modified_since}', names: '{fields}' } },
    };
    const config = contactsConfig(server.url, { record_types: { contacts: { ...LIST, list: search } } });

    await readOnePage(restContext(config, { mapping: pulled }), { modifiedSince: new Date(5_000) });

    const [{ path, body }] = server.requests as [RecordedRequest];
    expect(decodeURIComponent(path)).toBe('/contacts?q=SELECT changed,email,site FROM c');
    expect(JSON.parse(body)).toEqual({
      properties: ['changed', 'email', 'site'],
      since: 5,
      names: 'changed,email,site',
    });
  });

  it('sends them as a text in a header', async () => {
    answer = () => ({ status: 200, body: { items: [] } });
    const list = { ...LIST.list, path: '/contacts', parameters: {}, headers: { 'X-Fields': '{fields}' } };
    const config = contactsConfig(server.url, { record_types: { contacts: { ...LIST, list } } });

    await readOnePage(restContext(config, { mapping: pulled }));

    expect(server.requests.map(({ headers }) => headers['x-fields'])).toEqual(['changed,email,site']);
  });

  it.each(['a,b', "x' OR 'a", 'a b', ''])('refuses a mapping to a field called %j', (name) => {
    const fields = [{ name: 'email', to: `/properties/${name}` }];

    expect(problemsOf({ ...CONTACTS, ...LIST }, { ...CONTACTS_MAPPING, fields }).join()).toMatch(
      /cannot be asked for by name/,
    );
  });

  it('are unknown where the record type names none', () => {
    expect(problemsOf({ list: LIST.list }).join()).toMatch(/\{fields\} is not known here/);
  });
});

describe('a version in the body', () => {
  const VERSIONED = {
    version: '/rev',
    read: { path: '/contacts/{remote_id}', record_at: '/contact' },
    update: { method: 'POST', path: '/contacts', body: { id: '{remote_id}', rev: '{version}' } },
    list: { path: '/contacts', items: '/items', paging: { type: 'none' } },
    answers: { changed: ['stale'] },
    errors: { message: '/message', code: '/code' },
  };
  let record: JsonObject;
  let someoneElse: (() => void) | undefined;

  beforeEach(() => {
    record = { id: '1', rev: '4' };
    someoneElse = undefined;
    answer = ({ method, body }) => {
      if (method === 'GET') return { status: 200, body: { contact: record } };
      someoneElse?.();
      const { rev, ...fields } = JSON.parse(body) as JsonObject;
      if (rev !== record['rev']) return { status: 400, body: { code: 'stale', message: 'Stale.' } };
      record = { ...record, ...fields, rev: String(Number(rev) + 1) };
      return { status: 200, body: record };
    };
  });

  it('is read first if it is not known', async () => {
    const result = await pushOne(aContact({ remoteId: '1' }), contextOf(VERSIONED));

    expect(result).toMatchObject({ ok: true, effect: 'updated', remoteVersion: '5' });
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  it('is read first too if a parameter or a header names it', async () => {
    answer = ({ method }) =>
      method === 'GET' ? { status: 200, body: { contact: record } } : { status: 200, body: record };
    const path = '/contacts/{remote_id}{?rev}';
    for (const update of [
      { path, parameters: { rev: '{version}' } },
      { path: '/contacts/{remote_id}', headers: { 'X-Rev': '{version}' } },
    ]) {
      const result = await pushOne(aContact({ remoteId: '1' }), contextOf({ ...VERSIONED, update }));
      expect(result).toMatchObject({ ok: true });
    }

    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'GET', 'PATCH']);
  });

  it('is read again after a change by someone else, and the change is sent once more', async () => {
    const result = await pushOne(aContact({ remoteId: '1', remoteVersion: '3' }), contextOf(VERSIONED));

    expect(result).toMatchObject({ ok: true, effect: 'updated' });
    expect(record).toMatchObject({ first_name: 'Ada', rev: '5' });
    expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST']);
  });

  it('is tried again later if it changes all the time', async () => {
    someoneElse = () => {
      record = { ...record, rev: String(Number(record['rev']) + 1) };
    };

    const result = await pushOne(aContact({ remoteId: '1', remoteVersion: '4' }), contextOf(VERSIONED));

    expect(result).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
  });

  it('needs a call that reads it, which needs no list', () => {
    const create = { path: '/contacts', idempotency_header: 'Key' };
    const { update, version } = VERSIONED;

    expect(problemsOf({ version, update, create, find: undefined }).join()).toMatch(/Set read or find/);
    expect(problemsOf({ version, update, read: VERSIONED.read })).toEqual([]);
  });

  it('is unknown without its location, and in other calls', () => {
    expect(problemsOf({ ...VERSIONED, version: undefined }).join()).toMatch(/\{version\} is not known here/);
    expect(
      problemsOf({ ...VERSIONED, create: { path: '/contacts', body: { rev: '{version}' } } }).join(),
    ).toMatch(/\{version\} is not known here/);
  });
});

describe('a PUT that changes only what it contains', () => {
  const PARTIAL = {
    update: { method: 'PUT', path: '/contacts/{remote_id}', partial: true },
    deactivate: { set: { active: false } },
    activate: { set: { active: true } },
  };

  it('deactivates with nothing but the constants', async () => {
    answer = () => ({ status: 200, body: { id: '1' } });

    await pushOne(aContact({ remoteId: '1', operation: 'deactivate' }), contextOf(PARTIAL));

    expect(server.requests.map(({ method, body }) => [method, JSON.parse(body)])).toEqual([
      ['PUT', { active: false }],
    ]);
  });

  it('is neither a merge nor another method', () => {
    const read = { path: '/contacts/{remote_id}' };

    expect(problemsOf({ update: { ...PARTIAL.update, merge: true }, read }).join()).toMatch(
      /either merge or partial/,
    );
    expect(problemsOf({ update: { path: '/contacts/{remote_id}', partial: true } }).join()).toMatch(
      /partial has no effect/,
    );
  });

  it('activates a record that counts as missing while it is inactive', async () => {
    let record: JsonObject = { id: '1', active: false };
    answer = ({ method, body }) => {
      if (method === 'PUT') record = { ...record, ...(JSON.parse(body) as JsonObject) };
      return { status: 200, body: record };
    };
    const context = contextOf({
      ...PARTIAL,
      tombstone: { at: '/active', is: false },
      read: { path: '/contacts/{remote_id}' },
      list: { path: '/contacts', items: '/items', paging: { type: 'none' } },
    });

    const item = aContact({ remoteId: '1', isReadFirst: true, isDeactivated: true });
    const result = await pushOne(item, context);

    expect(result).toMatchObject({ ok: true, effect: 'updated', remoteId: '1' });
    expect(record).toMatchObject({ active: true, first_name: 'Ada' });
  });
});

describe('pages inside of a query', () => {
  const paging = {
    type: 'offset',
    parameter: 'query',
    first: 1,
    size: 2,
    append: ' START {offset} MAX {size}',
  };
  const list = {
    path: '/query{?query}',
    parameters: { query: "SELECT * FROM c ORDER BY 'a+b&c'" },
    items: '/found/c',
    empty: { at: '/found', is: {} },
    paging,
  };

  it('reads all pages, and takes an answer without a list for the end only if it says so', async () => {
    const items = ['1', '2', '3'].map((id) => ({ id }));
    answer = ({ path }) => {
      const query = new URL(path, server.url).searchParams.get('query') ?? '';
      const [, start] = /^SELECT \* FROM c ORDER BY 'a\+b&c' START (\d+) MAX 2$/.exec(query) ?? [];
      const page = items.slice(Number(start) - 1, Number(start) + 1);
      return { status: 200, body: { found: page.length === 0 ? {} : { c: page } } };
    };

    expect(idsIn(await readPages(() => readingContext(server.url, { list })))).toEqual(['1', '2', '3']);

    answer = () => ({ status: 200, body: { found: { d: [] } } });
    await expect(readOnePage(readingContext(server.url, { list }))).rejects.toBeInstanceOf(RecordRejected);
  });

  it('end with an answer without content, whatever else would say so', async () => {
    answer = ({ path }) =>
      path.includes('page=1') ? { status: 200, body: { items: [{ id: '1' }], more: true } } : { status: 204 };
    const pages = { type: 'page', parameter: 'page', last: { at: '/more', is: false } };
    const gone = { path: '/contacts', items: '/items', paging: pages };

    expect(idsIn(await readPages(() => readingContext(server.url, { list: gone })))).toEqual(['1']);
  });

  it.each([
    [{ append: ' MAX {size}' }, /Use \{offset\}/],
    [{ append: ' {offset} {page}' }, /\{page\} is not known here/],
  ])('refuses %j', (change, message) => {
    expect(problemsOf({ list: { ...list, paging: { ...paging, ...change } } }).join()).toMatch(message);
  });
});

it('shows a refusal that says nothing about a version as a refusal', async () => {
  answer = ({ method }) =>
    method === 'GET' ? { status: 200, body: { items: [] } } : { status: 400, body: { message: 'No.' } };

  expect(await errorOf(aContact(), contextOf({ answers: { changed: [412] } }))).toMatchObject({
    message: 'No.',
  });
});
