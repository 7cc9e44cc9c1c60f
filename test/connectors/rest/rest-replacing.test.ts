/**
 * Calls that replace a record, and answers about another record than the one of the call, against a server
 * that keeps whole records.
 */
import { rest } from '../../../connectors/rest';
import { deletedThere } from '../../../connectors/errors';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import { findRestProblems } from '../../../connectors/rest/validate/validate';
import { loopbackPolicy, pushItem } from '../suite/given';
import {
  CONTACTS,
  CONTACTS_MAPPING,
  aContact,
  contactsConfig,
  errorOf,
  pushOne,
  restContext,
} from './rest-given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

const NOTES = { notes: 'kept', address: { street: 'Markt 1' }, tags: ['vip'] };

describe('a third party whose PUT replaces the record', () => {
  let server: ScriptedServer;
  let records: Map<string, JsonObject>;
  /** Changes the record between the read and the PUT. */
  let beforePut: (() => void) | undefined;
  let merged: Record<string, string>;

  beforeEach(async () => {
    records = new Map([['1', { id: '1', first_name: 'A', rev: 1, updated_at: 'then', ...NOTES }]]);
    [beforePut, merged] = [undefined, {}];
    server = await startScriptedServer(answer);
  });

  afterEach(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  function answer({ method, path, body, headers }: RecordedRequest): ScriptedAnswer {
    const asked = path.split('/')[2] ?? '1';
    const id = merged[asked] ?? asked;
    if (path.startsWith('/contacts?')) return { status: 200, body: { items: [] } };
    if (method === 'GET' || method === 'DELETE') {
      const record = records.get(id);
      return record ? { status: 200, body: { data: record } } : { status: 404 };
    }
    const sent = (JSON.parse(body || '{"data":{}}') as { data: JsonObject }).data;
    if (method === 'PATCH') records.set(id, { ...records.get(id), ...sent });
    else if (method === 'PUT') {
      beforePut?.();
      beforePut = undefined;
      const rev = Number(records.get(id)?.['rev'] ?? 0);
      if ((headers['if-match'] ?? `"${rev}"`) !== `"${rev}"`) return { status: 412 };
      records.set(id, { ...sent, id, rev: rev + 1 });
    }
    return { status: 200, body: { data: records.get(id) } };
  }

  const TYPE = {
    ...CONTACTS,
    external_id: '/ref',
    record_at: '/data',
    body_at: '/data',
    version: '/rev',
    read: { path: '/contacts/{remote_id}' },
  };
  const PATH = '/contacts/{remote_id}';
  const PUT = { method: 'PUT', path: PATH, merge: true, omit: ['/id', '/rev', '/updated_at'] };
  const contextFor = (type: Record<string, unknown>, mapping = CONTACTS_MAPPING) =>
    restContext(contactsConfig(server.url, {}, { ...TYPE, ...type }), { mapping });
  const bodies = () =>
    server.requests.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body) as unknown);

  it('keeps the fields that are not mapped, inside nested objects too', async () => {
    const result = await pushOne(aContact({ remoteId: '1' }, { city: 'Delft' }), contextFor({ update: PUT }));

    expect(result).toMatchObject({ ok: true, effect: 'updated', remoteId: '1', remoteVersion: '2' });
    expect(result).toMatchObject({ shown: { first_name: 'Ada', ref: 'emp-1' } });
    expect(records.get('1')).toMatchObject({
      ...NOTES,
      first_name: 'Ada',
      ref: 'emp-1',
      address: { street: 'Markt 1', city: 'Delft' },
    });
    expect(bodies()).toEqual([{ data: expect.not.objectContaining({ updated_at: 'then' }) as unknown }]);
  });

  describe('a record that is read before it is written', () => {
    const first = aContact({ remoteId: '1', isReadFirst: true });
    const readFirst = (type: Record<string, unknown> = {}) =>
      contextFor({ list: { path: '/contacts', items: '/items', paging: { type: 'none' } }, ...type });
    /** Keeps the first name as it is there. */
    const hooks = (seen: unknown[] = []) => ({
      beforeWrite: async ({ payload }: { payload: JsonObject }, there: JsonObject, call: object) => {
        seen.push([there['first_name'], call]);
        const { first_name: _, ...others } = payload;
        return others;
      },
      beforeCreateAgain: () => {
        throw deletedThere('1');
      },
    });

    it.each<[string, Record<string, unknown>, boolean]>([
      ['an update', {}, false],
      ['an update with merge', { update: PUT }, false],
      ['an update that replaces', { update: { method: 'PUT', path: PATH, replaces: true } }, true],
    ])('is written without what was changed there: %s', async (_title, type, isReplaced) => {
      const seen: unknown[] = [];
      const result = await pushOne(first, { ...readFirst(type), ...hooks(seen) });

      expect(result).toMatchObject({ ok: true, effect: 'updated' });
      expect(seen).toEqual([['A', { isReplaced }]]);
      const [sent] = bodies() as [{ data: JsonObject }];
      expect(sent.data).toMatchObject({ ref: 'emp-1' });
      expect(sent.data['first_name']).toBe(isReplaced || type['update'] === undefined ? undefined : 'A');
    });

    it('is compared again after a 412', async () => {
      const seen: unknown[] = [];
      beforePut = () => records.set('1', { ...records.get('1'), first_name: 'B', rev: 2 });
      await pushOne(first, { ...readFirst({ update: PUT }), ...hooks(seen) });

      expect(seen).toMatchObject([
        ['A', {}],
        ['B', {}],
      ]);
      expect(records.get('1')).toMatchObject({ first_name: 'B' });
    });

    it.each(['update', 'upsert'])('is not created again without a decision: %s', async (kind) => {
      records.clear();
      const upsert = { upsert: { path: '/contacts/{external_id}', replaces: true }, create: undefined };
      const type = kind === 'upsert' ? { ...upsert, update: undefined, find: undefined } : {};
      const context = { ...readFirst(type), ...hooks() };

      expect(await errorOf(first, context)).toMatchObject({
        conflict: { kind: 'edited_here_deleted_there' },
      });
      expect(bodies()).toEqual([]);
    });

    it('is read before it is removed', async () => {
      const seen: unknown[] = [];
      await pushOne({ ...first, operation: 'delete' }, { ...readFirst(), ...hooks(seen) });
      expect(seen).toEqual([['A', { isReplaced: false }]]);
    });
  });

  it('keeps a change that is made between the read and the PUT', async () => {
    beforePut = () => records.set('1', { ...records.get('1'), notes: 'changed meanwhile', rev: 2 });

    const result = await pushOne(aContact({ remoteId: '1' }), contextFor({ update: PUT }));

    expect(result).toMatchObject({ ok: true, remoteVersion: '3' });
    expect(records.get('1')).toMatchObject({ notes: 'changed meanwhile', first_name: 'Ada' });
  });

  it('keeps them when constants of the call are sent, which replace what was read', async () => {
    const update = { ...PUT, body: { data: { notes: 'from Syncline', first_name: 'not this' } } };

    await pushOne(aContact({ remoteId: '1' }), contextFor({ update }));

    expect(records.get('1')).toMatchObject({ notes: 'from Syncline', first_name: 'Ada', tags: ['vip'] });
  });

  it.each<[string, Record<string, unknown>]>([
    ['by constants', { update: PUT, deactivate: { set: { active: false } } }],
    ['by a call of its own', { deactivate: { ...PUT, set: { active: false } } }],
  ])('keeps them when the record is deactivated %s', async (_title, type) => {
    const mapping = { ...CONTACTS_MAPPING, onDelete: 'deactivate' as const };

    const result = await pushOne(
      aContact({ operation: 'deactivate', remoteId: '1' }),
      contextFor(type, mapping),
    );

    expect(result).toMatchObject({ ok: true, effect: 'deactivated' });
    expect(records.get('1')).toMatchObject({ ...NOTES, first_name: 'A', active: false });
  });

  it('keeps them in an upsert, which creates the record if there is none', async () => {
    const type = {
      find: undefined,
      create: undefined,
      update: undefined,
      delete: undefined,
      read: { path: '/contacts/{external_id}' },
      upsert: { path: '/contacts/{external_id}', merge: true },
    };
    const context = contextFor(type, { ...CONTACTS_MAPPING, onDelete: 'leave' });
    const results = [];
    for (const externalId of ['1', '2']) results.push(await pushOne(aContact({ externalId }), context));

    expect(results).toMatchObject([{ ok: true }, { ok: true }]);
    expect(records.get('1')).toMatchObject({ ...NOTES, first_name: 'Ada' });
    expect(records.get('2')).toMatchObject({ first_name: 'Ada' });
  });

  it('is sent fields that are set once by the creation alone', async () => {
    const context = contextFor({ read: undefined, create_only: ['/address/city', '/email'] });

    await pushOne(aContact({}, { city: 'Delft' }), context);
    await pushOne(aContact({ remoteId: '1' }, { city: 'Delft' }), context);

    const [created, updated] = bodies() as { data: JsonObject }[];
    expect(created?.data).toMatchObject({ email: 'ada@example.com', address: { city: 'Delft' } });
    expect(updated?.data).toEqual({ first_name: 'Ada', ref: 'emp-1' });
  });

  describe('with a street that is sent on creation only, beside a city that is always sent', () => {
    const mapping = {
      ...CONTACTS_MAPPING,
      fields: [
        { name: 'city', to: '/address/city' },
        { name: 'street', to: '/address/street', onlyOnCreate: true as const },
      ],
    };
    const update = { path: PATH };

    it('keeps the street that it has, although its PATCH replaces the whole address', async () => {
      const context = contextFor({ update }, mapping);
      const item = pushItem('contacts', mapping, { city: 'Gouda', street: 'Turfmarkt 1' }, { remoteId: '1' });

      const result = await pushOne({ ...item, createOnly: ['/address/street'] }, context);

      expect(result).toMatchObject({ ok: true, effect: 'updated' });
      expect(records.get('1')).toMatchObject({ address: { street: 'Markt 1', city: 'Gouda' } });
    });

    it('has to be readable for that', () => {
      const config = contactsConfig(server.url, {}, { ...TYPE, version: undefined, read: undefined, update });
      const problems = findRestProblems(rest.configSchema.parse(config), { contacts: mapping });

      expect(problems).toMatchObject([
        {
          pointer: '/record_types/contacts/fields/1/to',
          message: expect.stringContaining('"read"') as string,
        },
      ]);
    });
  });

  describe('with a home number that is sent on creation only, in a list with a work number', () => {
    const created = { name: 'home', to: '/phones/1/number', onlyOnCreate: true as const };
    const mapping = {
      ...CONTACTS_MAPPING,
      fields: [
        { to: '/phones/0/type', constant: 'work' },
        { name: 'work', to: '/phones/0/number' },
        { to: '/phones/1/type', constant: 'home' },
        created,
      ],
    };
    const update = { path: PATH };

    it.each<[string, object, JsonObject[], JsonObject[]]>([
      ['PATCH', update, [{ type: 'work', number: '1' }], []],
      [
        'PATCH',
        update,
        [{ type: 'home', number: '9', note: 'x' }],
        [{ type: 'home', number: '9', note: 'x' }],
      ],
      ['merge', PUT, [{ type: 'work', number: '1' }], []],
      ['merge', PUT, [{ type: 'home', number: '9' }], [{ type: 'home', number: '9' }]],
    ])('is left as it is there, also if it was removed (%s)', async (_how, call, phones, home) => {
      records.set('1', { ...records.get('1'), phones });
      const item = pushItem('contacts', mapping, { work: '3', home: '2' }, { remoteId: '1' });

      await pushOne({ ...item, createOnly: [created.to] }, contextFor({ update: call }, mapping));

      expect(records.get('1')).toMatchObject({ phones: [{ type: 'work', number: '3' }, ...home] });
    });

    it('has to be recognizable', () => {
      const config = rest.configSchema.parse(contactsConfig(server.url, {}, { ...TYPE, update }));
      const fields = mapping.fields.filter(({ to }) => !to.endsWith('/type'));

      expect(findRestProblems(config, { contacts: mapping })).toMatchObject([]);
      expect(findRestProblems(config, { contacts: { ...mapping, fields } })).toMatchObject([
        {
          pointer: '/record_types/contacts/fields/1/to',
          message: expect.stringContaining('constant') as string,
        },
      ]);
    });
  });

  it('is not read first for what is sent on creation only, if nothing around it is sent', async () => {
    const context = contextFor({
      list: { path: '/contacts', items: '/items', paging: { type: 'none' } },
      update: { path: PATH },
    });

    await pushOne(
      { ...aContact({ remoteId: '1' }, { city: 'Gouda' }), createOnly: ['/address/city'] },
      context,
    );

    expect(server.requests.map(({ method }) => method)).toEqual(['PATCH']);
  });

  it('has the record created again when the read finds none', async () => {
    const result = await pushOne(aContact({ remoteId: '9' }), contextFor({ update: PUT }));

    expect(result).toMatchObject({ ok: true, effect: 'created' });
  });

  it('is sent nothing when the read answers something else than a record', async () => {
    const context = contextFor({ update: PUT, record_at: '/nothing' });

    expect(await errorOf(aContact({ remoteId: '1' }), context)).toMatchObject({ kind: 'unavailable' });
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  describe('rule 49: with two records merged there', () => {
    beforeEach(() => {
      records.set('2', { id: '2', first_name: 'Survivor', rev: 1 });
      merged = { 1: '2' };
    });

    const OTHER = {
      kind: 'record_rejected',
      errors: [
        {
          field: null,
          code: 'answered_other_id',
          message: expect.stringMatching(/record 1,.*record 2\./) as string,
        },
      ],
    };

    it.each<[string, Record<string, unknown>, 'upsert' | 'deactivate' | 'delete']>([
      ['an update', {}, 'upsert'],
      ['a deactivation', { deactivate: { set: { active: false } } }, 'deactivate'],
      ['a deactivation by a call of its own', { deactivate: { path: `${PATH}/off` } }, 'deactivate'],
      ['a delete', {}, 'delete'],
    ])('fails at %s that is answered about the other record', async (_title, type, operation) => {
      const context = contextFor({ read: undefined, ...type });

      expect(await errorOf(aContact({ remoteId: '1', operation }), context)).toMatchObject(OTHER);
    });

    it('fails at the switch that activates a record', async () => {
      const context = contextFor({
        read: undefined,
        deactivate: { path: `${PATH}/off` },
        activate: { path: `${PATH}/on` },
      });

      expect(await errorOf(aContact({ remoteId: '1', isDeactivated: true }), context)).toMatchObject(OTHER);
      expect(server.requests).toHaveLength(1);
    });

    it('fails at an upsert of a record that had another id', async () => {
      const context = contextFor({
        find: undefined,
        create: undefined,
        update: undefined,
        read: undefined,
        upsert: { path: '/contacts/{external_id}', replaces: true },
      });

      expect(await errorOf(aContact({ remoteId: '1', externalId: '1' }), context)).toMatchObject(OTHER);
    });

    it('is sent nothing if the record is read first', async () => {
      expect(await errorOf(aContact({ remoteId: '1' }), contextFor({ update: PUT }))).toMatchObject(OTHER);
      expect(records.get('2')).toMatchObject({ first_name: 'Survivor' });
    });

    it.each([
      ['a number', 1],
      ['no id', undefined],
      ['a list', ['1']],
    ])('accepts an answer whose id is %s', async (_title, id) => {
      merged = {};
      records.set('1', { ...records.get('1'), id: id as never });

      expect(await pushOne(aContact({ remoteId: '1' }), contextFor({ read: undefined }))).toMatchObject({
        ok: true,
        remoteId: '1',
      });
    });

    it('accepts a UUID in capitals', async () => {
      const uuid = '0b9c2f6e-3f0f-4d5e-8a51-6f2c7f6b1a20';
      records.set(uuid, { id: uuid.toUpperCase() });

      expect(await pushOne(aContact({ remoteId: uuid }), contextFor({ read: undefined }))).toMatchObject({
        ok: true,
      });
    });
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['an update by PUT', 'update/method', { update: { method: 'PUT', path: PATH } }],
    [
      'an upsert',
      'upsert',
      { create: undefined, update: undefined, upsert: { path: '/contacts/{external_id}' } },
    ],
    [
      'a switch by PUT at the path of the record',
      'deactivate/method',
      { deactivate: { method: 'PUT', path: PATH, set: { active: false } } },
    ],
    [
      'a creation by PUT of a record that may exist',
      'create/method',
      { id: { template: '{external_id}', allow: 'a-z0-9-' }, create: { method: 'PUT', path: PATH } },
    ],
    ['merge without a read', 'update/merge', { update: PUT }],
    [
      'merge in an upsert whose read needs another id',
      'upsert/merge',
      {
        create: undefined,
        update: undefined,
        read: { path: PATH },
        upsert: { path: '/contacts/{external_id}', merge: true },
      },
    ],
    ['both keys', 'update/replaces', { read: { path: PATH }, update: { ...PUT, replaces: true } }],
    ['a confirmation without effect', 'update/replaces', { update: { path: PATH, replaces: true } }],
    [
      'fields of the creation only in an upsert',
      'create_only',
      {
        create: undefined,
        update: undefined,
        create_only: ['/email'],
        upsert: { path: '/contacts/{external_id}', replaces: true },
      },
    ],
    ['omit without merge', 'update/omit', { update: { path: PATH, omit: ['/id'] } }],
    [
      'merge in constants of update',
      'deactivate/merge',
      { read: { path: PATH }, update: PUT, deactivate: { set: { active: false }, merge: true } },
    ],
  ])('is refused for %s', (_title, pointer, type) => {
    const config = rest.configSchema.parse(contactsConfig('https://contacts.example.com', {}, type));

    expect(rest.validate?.(config, { contacts: CONTACTS_MAPPING }).map((problem) => problem.pointer)).toEqual(
      [`/config/record_types/contacts/${pointer}`],
    );
  });

  it.each<[string, Record<string, unknown>]>([
    ['a confirmed loss', { update: { method: 'PUT', path: PATH, replaces: true } }],
    ['a command by PUT', { deactivate: { method: 'PUT', path: `${PATH}/off` } }],
    ['merge', { read: { path: PATH }, update: PUT }],
  ])('is accepted with %s', (_title, type) => {
    const config = rest.configSchema.parse(contactsConfig('https://contacts.example.com', {}, type));

    expect(rest.validate?.(config, { contacts: CONTACTS_MAPPING })).toEqual([]);
  });
});
