/**
 * Third parties that the connector was not written for: four APIs with nothing in common but HTTP and JSON,
 * each linked by configuration alone. The servers are small but real about it: they keep records, count
 * what they made, and refuse what their kind would refuse.
 */
import { Unavailable } from '../../../connectors/errors';
import type { HttpClient, PushItem, PushResult } from '../../../connectors/connector';
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import { loopbackPolicy } from '../suite/given';
import { CONTACTS_MAPPING, type RestContext, aContact, restContext } from './rest-given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

interface Shape {
  title: string;
  /** A server of this kind, and how many records it holds. */
  serve(): { answer: (request: RecordedRequest) => ScriptedAnswer; records: Map<string, JsonObject> };
  config(url: string): unknown;
  credentials: Record<string, string>;
  firstId: string;
  /** True of a stored record that is switched off; absent where the API cannot do that. */
  isOff?: (record: JsonObject) => boolean;
  nameIn: (record: JsonObject) => unknown;
  skippedRecord: { field: string | null; message: string };
}

const isAddress = (value: unknown) => typeof value === 'string' && value.includes('@');
const json = (request: RecordedRequest) => JSON.parse(request.body || '{}') as never;

/**
 * PUT under our own reference creates or replaces; numeric ids beyond 2^53 that only a Location contains;
 * complaints are texts; an API key.
 */
const personnel: Shape = {
  title: 'one PUT that creates or replaces, ids in Location, complaints as a list of texts, an API key',
  serve() {
    const records = new Map<string, JsonObject>();
    const idOf = (ref: string) => `90071992547409931${[...records.keys()].indexOf(ref)}`;
    const refOf = (id: string) => [...records.keys()].find((ref) => idOf(ref) === id);
    return {
      records,
      answer(request) {
        if (request.headers['x-api-key'] !== 'key-of-a-test' || request.headers['x-site'] !== 'north')
          return { status: 401, body: ['who are you?'] };
        const [, kind = '', name = ''] = /^\/personnel\/(by-ref|people)\/([^/]+)/.exec(request.path) ?? [];
        const ref = kind === 'by-ref' ? decodeURIComponent(name) : (refOf(name) ?? '');
        if (request.path === '/personnel/status') return { status: 200, body: 'fine' };
        if (request.method === 'PUT') {
          const { person } = json(request) as { person: JsonObject };
          if (!isAddress(person['email']))
            return { status: 422, body: ['email: is not an address', 'try again'] };
          const isNew = !records.has(ref);
          records.set(ref, person);
          return { status: isNew ? 201 : 204, headers: { location: `/personnel/people/${idOf(ref)}` } };
        }
        if (!records.has(ref)) return { status: 404 };
        if (request.method === 'POST') {
          records.set(ref, {
            ...(records.get(ref) as JsonObject),
            suspended: request.path.endsWith('/suspend'),
          });
          return { status: 202 };
        }
        records.delete(ref);
        return { status: 204 };
      },
    };
  },
  config: (url) => ({
    app: 'Personnel',
    base_url: `${url}/personnel`,
    headers: { 'X-Site': 'north' },
    auth: { type: 'header', headers: { 'X-Api-Key': '{api_key}' } },
    check: { path: '/status', expect: [200] },
    errors: { each: { at: '', name_before: ':' } },
    record_types: {
      contacts: {
        id: { header: 'Location' },
        body_at: '/person',
        upsert: { path: '/by-ref/{external_id}', replaces: true },
        delete: { path: '/by-ref/{external_id}' },
        deactivate: { path: '/by-ref/{external_id}/suspend' },
        activate: { path: '/by-ref/{external_id}/resume' },
      },
    },
  }),
  credentials: { api_key: 'key-of-a-test' },
  firstId: '900719925474099310',
  isOff: (record) => record['suspended'] === true,
  nameIn: (record) => record['first_name'],
  skippedRecord: { field: 'email', message: 'email: is not an address' },
};

/** GraphQL: one address, everything in the body, refusals under status 200. */
const graph: Shape = {
  title: 'GraphQL: one address, refusals under status 200',
  serve() {
    const records = new Map<string, JsonObject>();
    return {
      records,
      answer(request) {
        if (request.headers['authorization'] !== 'Bearer token-of-a-test') return { status: 401 };
        const { query, variables } = json(request) as {
          query: string;
          variables: { id?: string; ref?: string; input?: JsonObject };
        };
        const withId = ([id, record]: [string, JsonObject]) => ({ node: { id, ...record } });
        if (query.includes('__typename')) return { status: 200, body: { data: { __typename: 'Query' } } };
        if (query.includes('people(')) {
          return {
            status: 200,
            body: {
              data: {
                people: {
                  edges: [...records].filter(([, record]) => record['ref'] === variables.ref).map(withId),
                },
              },
            },
          };
        }
        const id = variables.id ?? `gid://people/${records.size + 1}`;
        if (variables.id !== undefined && !records.has(id))
          return { status: 200, body: { errors: [{ message: 'Gone', extensions: { code: 'NOT_FOUND' } }] } };
        if (query.includes('deletePerson')) records.delete(id);
        else {
          const { email } = { ...records.get(id), ...variables.input } as { email?: string };
          if (!email?.includes('@')) {
            return {
              status: 200,
              body: {
                data: null,
                errors: [
                  {
                    message: 'Not an address',
                    path: ['savePerson', 'input', 'email'],
                    extensions: { code: 'BAD_USER_INPUT' },
                  },
                ],
              },
            };
          }
          records.set(id, { ...records.get(id), ...variables.input });
        }
        return { status: 200, body: { data: { savePerson: { person: { id } } } } };
      },
    };
  },
  config: (url) => {
    const save =
      'mutation ( $id: ID, $input: PersonInput! ) { savePerson( id: $id, input: $input ) { person { id } } }';
    const errors = {
      message: '/errors/0/message',
      each: { at: '/errors', name: '/path', message: '/message', code: '/extensions/code' },
    };
    return {
      app: 'Graph',
      base_url: url,
      auth: { type: 'bearer' },
      check: { method: 'POST', path: '/graphql', body: { query: '{ __typename }' } },
      errors,
      answers: { failed: { at: '/errors' }, missing: ['NOT_FOUND'] },
      record_types: {
        contacts: {
          external_id: '/ref',
          record_at: '/data/savePerson/person',
          body_at: '/variables/input',
          find: {
            method: 'POST',
            path: '/graphql',
            body: {
              query:
                'query ( $ref: String! ) { people( ref: $ref, first: 2 ) { edges { node { id ref } } } }',
              variables: { ref: '{external_id}' },
            },
            items: '/data/people/edges',
            item_at: '/node',
          },
          create: { path: '/graphql', body: { query: save } },
          update: {
            method: 'POST',
            path: '/graphql',
            body: { query: save, variables: { id: '{remote_id}' } },
          },
          delete: {
            method: 'POST',
            path: '/graphql',
            body: {
              query: 'mutation ( $id: ID! ) { deletePerson( id: $id ) { ok } }',
              variables: { id: '{remote_id}' },
            },
          },
          deactivate: { set: { '/flags/off': true } },
          activate: { set: { '/flags/off': false } },
        },
      },
    };
  },
  credentials: { token: 'token-of-a-test' },
  firstId: 'gid://people/1',
  isOff: (record) => (record['flags'] as JsonObject | undefined)?.['off'] === true,
  nameIn: (record) => record['first_name'],
  skippedRecord: { field: 'email', message: 'Not an address' },
};

/** JSON:API: a media type of its own, the record two levels down, complaints that point into the document. */
const jsonApi: Shape = {
  title: 'JSON:API: the record two levels down, complaints that point into the document',
  serve() {
    const records = new Map<string, JsonObject>();
    let made = 0;
    const entry = ([id, attributes]: [string, JsonObject]) => ({ type: 'people', id, attributes });
    const type = 'application/vnd.api+json';
    const answered = (status: number, body?: unknown): ScriptedAnswer => ({
      status,
      headers: { 'content-type': type },
      body,
    });
    return {
      records,
      answer(request) {
        const url = new URL(request.path, 'http://x');
        if (request.body !== '' && request.headers['content-type'] !== type) return answered(415);
        if (url.searchParams.get('api_token') !== 'token-of-a-test')
          return answered(401, { errors: [{ detail: 'api_token is missing' }] });
        if (url.pathname === '/people' && request.method === 'GET') {
          const ref = url.searchParams.get('filter[ref]');
          return answered(200, {
            data: [...records]
              .filter(([, attributes]) => ref === null || attributes['ref'] === ref)
              .map(entry),
          });
        }
        const { data } = json(request) as { data?: { id?: string; type: string; attributes: JsonObject } };
        const id = url.pathname.split('/')[2] ?? `${(made += 1)}`;
        if (url.pathname !== '/people' && !records.has(id))
          return answered(404, { errors: [{ title: 'Not found' }] });
        if (request.method === 'DELETE') {
          records.delete(id);
          return answered(204);
        }
        if (data?.type !== 'people' || (request.method === 'PATCH' && data.id !== id))
          return answered(409, { errors: [{ title: 'Conflict' }] });
        const attributes = { ...records.get(id), ...data.attributes };
        if (!isAddress(attributes['email'])) {
          return answered(422, {
            errors: [
              {
                code: 'VALIDATION',
                detail: 'is not an address',
                source: { pointer: '/data/attributes/email' },
              },
            ],
          });
        }
        records.set(id, attributes);
        return answered(request.method === 'POST' ? 201 : 200, { data: entry([id, attributes]) });
      },
    };
  },
  config: (url) => ({
    app: 'Json Api',
    base_url: url,
    headers: { 'Content-Type': 'application/vnd.api+json', Accept: 'application/vnd.api+json' },
    auth: { type: 'query', parameters: { api_token: '{token}' } },
    check: { path: '/people?page[size]=1' },
    errors: {
      message: '/errors/0/detail',
      each: { at: '/errors', name: '/source/pointer', message: '/detail', code: '/code' },
    },
    record_types: {
      contacts: {
        external_id: { at: '/attributes/ref', only_on_create: true },
        record_at: '/data',
        body_at: '/data',
        find: { path: '/people?filter[ref]={external_id}', items: '/data' },
        create: { path: '/people', body: { data: { type: 'people' } } },
        update: { path: '/people/{remote_id}', body: { data: { type: 'people', id: '{remote_id}' } } },
        delete: { path: '/people/{remote_id}' },
        deactivate: { set: { '/attributes/active': false } },
        activate: { set: { '/attributes/active': true } },
      },
    },
  }),
  credentials: { token: 'token-of-a-test' },
  firstId: '1',
  isOff: (record) => record['active'] === false,
  nameIn: (record) => record['first_name'],
  skippedRecord: { field: 'email', message: 'is not an address' },
};

/**
 * An old one: a search by POST that answers 204 for nothing, deleted records that stay visible, `ok: false`
 * under 200, a session cookie.
 */
const legacy: Shape = {
  title:
    'an old one: search by POST, numeric ids, deleted records that stay visible, refusals as ok: false, a session cookie',
  serve() {
    const records = new Map<string, JsonObject>();
    let made = 41;
    return {
      records,
      answer(request) {
        if (request.path === '/login.do') {
          const form = new URLSearchParams(request.body);
          if (form.get('user') !== 'robot' || form.get('pass') !== 'p&ss=wörd')
            return { status: 200, body: { ok: false } };
          return {
            status: 200,
            headers: { 'set-cookie': 'JSESSIONID=abc123; Path=/; HttpOnly' },
            body: { ok: true },
          };
        }
        if (request.headers['cookie'] !== 'JSESSIONID=abc123')
          return { status: 403, body: { ok: false, error: 'session' } };
        const body = json(request) as JsonObject & { id?: unknown };
        if (body.id !== undefined && typeof body.id !== 'number')
          return { status: 200, body: { ok: false, error: 'id is not a number', no: 4 } };
        if (request.path === '/ping.do') return { status: 200, body: 'pong' };
        if (request.path === '/search.do') {
          const hits = [...records].filter(
            ([, record]) => record['EMAIL'] === (body['where'] as JsonObject)['EMAIL'],
          );
          return hits.length === 0
            ? { status: 204 }
            : { status: 200, body: { hits: hits.map(([id, record]) => ({ id: Number(id), record })) } };
        }
        if (request.path === '/delete.do') {
          const id = String(body.id);
          if (!records.has(id)) return { status: 200, body: { ok: false, error: 'no such id', no: 17 } };
          records.set(id, { ...(records.get(id) as JsonObject), DELETED_AT: '2026-11-21' });
          return { status: 200, body: { ok: true } };
        }
        const record = body['record'] as JsonObject;
        const email = record['EMAIL'] ?? records.get(String(body.id))?.['EMAIL'];
        if (!isAddress(email))
          return { status: 200, body: { ok: false, error: 'EMAIL is not an address', no: 3 } };
        const id = body.id === undefined ? String((made += 1)) : String(body.id);
        if (body.id !== undefined && !records.has(id))
          return { status: 200, body: { ok: false, error: 'no such id', no: 17 } };
        records.set(id, { ...records.get(id), ...record });
        return { status: 200, body: { ok: true, id: Number(id) } };
      },
    };
  },
  config: (url) => ({
    app: 'Legacy',
    base_url: url,
    auth: {
      type: 'login',
      path: '/login.do',
      send_as: 'form',
      body: { user: '{user}', pass: '{pass}' },
      token: { cookie: 'JSESSIONID' },
      header: 'Cookie',
      value: 'JSESSIONID={token}',
    },
    check: { path: '/ping.do', expect: [200] },
    errors: { message: '/error', code: '/no' },
    answers: { failed: { at: '/ok', is: false }, missing: ['17'] },
    record_types: {
      contacts: {
        id: { at: '/id', type: 'number' },
        tombstone: { at: '/record/DELETED_AT' },
        body_at: '/record',
        find: {
          method: 'POST',
          path: '/search.do',
          body: { where: { EMAIL: '{payload.EMAIL}' } },
          items: '/hits',
          match: { at: '/record/EMAIL', value: '{payload.EMAIL}' },
        },
        create: { path: '/save.do' },
        update: { method: 'POST', path: '/save.do', body: { id: '{remote_id}' } },
        delete: { method: 'POST', path: '/delete.do', body: { id: '{remote_id}' } },
      },
    },
  }),
  credentials: { user: 'robot', pass: 'p&ss=wörd' },
  firstId: '42',
  nameIn: (record) => record['NAME'],
  skippedRecord: { field: 'email', message: 'EMAIL is not an address' },
};

describe.each([personnel, graph, jsonApi, legacy])('a third party unknown before: $title', (shape) => {
  let server: ScriptedServer;
  let records: Map<string, JsonObject>;
  let context: RestContext;

  beforeEach(async () => {
    const { answer, records: kept } = shape.serve();
    records = kept;
    server = await startScriptedServer(answer);
    context = restContext(shape.config(server.url), {
      credentials: shape.credentials,
      mapping: { ...CONTACTS_MAPPING, onDelete: 'delete' },
    });
  });

  afterEach(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  const living = () => [...records.values()].filter((record) => record['DELETED_AT'] === undefined);

  /** Each API has its own names and places; which is the mapping's business, done here by hand. */
  function contact(
    fields: { name?: string; email?: string } = {},
    overrides: Partial<PushItem> = {},
  ): PushItem {
    const { name = 'Ada', email = 'ada@example.com' } = fields;
    if (shape === legacy)
      return {
        ...aContact(),
        payload: { NAME: name, EMAIL: email },
        fieldNames: { NAME: 'first_name', EMAIL: 'email' },
        ...overrides,
      };
    const plain = { first_name: name, email };
    const payload: JsonObject = shape === jsonApi ? { attributes: plain } : plain;
    const prefix = shape === jsonApi ? '/attributes/' : '';
    return {
      ...aContact(),
      payload,
      fieldNames: { [`${prefix}first_name`]: 'first_name', [`${prefix}email`]: 'email' },
      ...overrides,
    };
  }

  async function push(item: PushItem, http = context.http): Promise<PushResult> {
    return (await rest.push([item], { ...context, http }))[0] as PushResult;
  }

  it('creates a record, learns its id, and updates it under that id', async () => {
    const created = await push(contact());
    const updated = await push(
      contact({ name: 'Augusta' }, { remoteId: (created as { remoteId: string }).remoteId }),
    );

    expect(created).toMatchObject({ ok: true, effect: 'created', remoteId: shape.firstId });
    expect(updated).toMatchObject({ ok: true, effect: 'updated', remoteId: shape.firstId });
    expect(living().map(shape.nameIn)).toEqual(['Augusta']);
  });

  it('creates no duplicate when the answer to the creation was lost', async () => {
    const losing: HttpClient = {
      async send(request) {
        const before = records.size;
        const response = await context.http.send(request);
        if (records.size > before) throw new Unavailable('the answer was lost (by the test)');
        return response;
      },
    };

    const lost = await push(contact(), losing);
    const repeated = await push(contact({ name: 'Augusta' }));

    expect(lost).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    expect(repeated).toMatchObject({ ok: true, effect: 'updated' });
    expect(living().map(shape.nameIn)).toEqual(['Augusta']);
  });

  it('deletes it, finds nothing to delete the second time, and creates it again', async () => {
    const created = (await push(contact())) as { remoteId: string };

    const deleted = await push(contact({}, { operation: 'delete', remoteId: created.remoteId }));
    const left = living();
    const deletedAgain = await push(contact({}, { operation: 'delete' }));
    const recreated = await push(contact());

    expect(deleted).toMatchObject({ ok: true, effect: 'deleted' });
    expect(left).toEqual([]);
    expect(deletedAgain).toMatchObject({ ok: true, effect: 'none' });
    expect(recreated).toMatchObject({ ok: true, effect: 'created' });
  });

  const { isOff } = shape;
  if (isOff === undefined) {
    it('is not asked to deactivate a record type without that call', () => {
      const mapping = { ...CONTACTS_MAPPING, onDelete: 'deactivate' as const };

      expect(rest.validate?.(context.config, { contacts: mapping })).toMatchObject([
        { pointer: '/record_types/contacts/on_delete' },
      ]);
    });
  } else {
    it('deactivates and activates it again', async () => {
      const created = (await push(contact())) as { remoteId: string };

      const off = await push(contact({}, { operation: 'deactivate', remoteId: created.remoteId }));
      const whileOff = living().map(isOff);
      const on = await push(
        contact({ name: 'Augusta' }, { remoteId: created.remoteId, isDeactivated: true }),
      );

      expect([off, on]).toMatchObject([{ effect: 'deactivated' }, { effect: 'updated' }]);
      expect(whileOff).toEqual([true]);
      expect(living().map((record) => [isOff(record), shape.nameIn(record)])).toEqual([[false, 'Augusta']]);
    });
  }

  it('reports a refusal, at our field if the third party names one', async () => {
    const refused = await push(contact({ email: 'nope' }));

    expect(refused).toMatchObject({
      ok: false,
      error: {
        kind: 'record_rejected',
        errors: expect.arrayContaining([expect.objectContaining(shape.skippedRecord)]) as unknown,
      },
    });
    expect(living()).toEqual([]);
  });

  it('passes a check, and refuses other credentials', async () => {
    const wrong = Object.fromEntries(Object.keys(shape.credentials).map((name) => [name, 'something-else']));

    await expect(rest.check(context)).resolves.toBeUndefined();
    await expect(
      rest.check(restContext(shape.config(server.url), { credentials: wrong })),
    ).rejects.toMatchObject({ kind: 'unauthorized' });
  });
});
