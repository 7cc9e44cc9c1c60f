/**
 * What the REST connector makes of answers: trouble, refusals of every form, and things that are no answers
 * at all.
 */
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy } from '../suite/given';
import { aContact, contactsConfig, errorOf, pushOne, restContext } from './rest-given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

const NOTHING_FOUND: ScriptedAnswer = { status: 200, body: { items: [] } };
const HTML = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<!doctype html><h1>Sign in to the café’s network</h1>',
};

describe('answers to the REST connector', () => {
  let server: ScriptedServer;
  let answers: {
    find?: ScriptedAnswer;
    create?: ScriptedAnswer;
    update?: ScriptedAnswer;
    delete?: ScriptedAnswer;
  };

  beforeEach(async () => {
    answers = {};
    server = await startScriptedServer(
      (request) => answers[nameOf(request)] ?? { status: 500, body: 'unscripted' },
    );
  });

  afterEach(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  const contextWith = (changes: Record<string, unknown> = {}, typeChanges: Record<string, unknown> = {}) =>
    restContext(contactsConfig(server.url, changes, typeChanges));
  const calls = () => server.requests.map(nameOf);

  describe('to a creation', () => {
    it.each<[string, ScriptedAnswer, object]>([
      ['500', { status: 500, body: { message: 'oops' } }, { kind: 'unavailable', status: 500 }],
      [
        '503 with Retry-After',
        { status: 503, headers: { 'retry-after': '7' } },
        { kind: 'rate_limited', retryAfterMs: 7000 },
      ],
      [
        '429 with seconds',
        { status: 429, headers: { 'retry-after': '12' } },
        { kind: 'rate_limited', retryAfterMs: 12_000 },
      ],
      ['429 without a time', { status: 429 }, { kind: 'rate_limited', retryAfterMs: null }],
      [
        '429 with nonsense',
        { status: 429, headers: { 'retry-after': 'soon' } },
        { kind: 'rate_limited', retryAfterMs: null },
      ],
      ['408', { status: 408 }, { kind: 'unavailable', status: 408 }],
      [
        'a redirect',
        { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
        { kind: 'record_rejected', errors: [{ code: 'redirect' }] },
      ],
      [
        '401',
        { status: 401 },
        { kind: 'unauthorized', message: 'The third party does not accept the credentials (401).' },
      ],
      [
        '401 with words',
        { status: 401, body: { message: 'The key has ended' } },
        {
          kind: 'unauthorized',
          message: 'The third party does not accept the credentials (401). The key has ended',
        },
      ],
      [
        '403',
        { status: 403, body: { message: 'not yours' } },
        { kind: 'record_rejected', isForbidden: true, message: 'not yours' },
      ],
      [
        '404',
        { status: 404 },
        {
          kind: 'record_rejected',
          errors: [expect.objectContaining({ explanation: expect.stringContaining('path') as string })],
        },
      ],
      ['413', { status: 413, body: 'too large' }, { kind: 'record_rejected', message: 'too large' }],
      [
        '422 as an HTML page',
        { status: 422, headers: { 'content-type': 'text/html' }, body: '<html>x</html>' },
        { kind: 'record_rejected', errors: [expect.objectContaining({ code: 'http_422' })] },
      ],
      [
        '400 with an empty body',
        { status: 400 },
        { kind: 'record_rejected', message: expect.stringContaining('400') as string },
      ],
      ['a page for people under 200', HTML, { kind: 'unavailable', status: 200 }],
      [
        'half a JSON document under 200',
        { status: 200, headers: { 'content-type': 'application/json' }, body: '{"id": "1' },
        { kind: 'unavailable', status: 200 },
      ],
      [
        'a body beyond the limit',
        { status: 200, body: { id: '1', filler: 'x'.repeat(1_100_000) } },
        { kind: 'unavailable', status: null },
      ],
    ])('is, for %s, one of the four errors', async (_title, answer, error) => {
      answers = { find: NOTHING_FOUND, create: answer };

      expect(await errorOf(aContact(), contextWith())).toMatchObject(error);
    });

    it('is accepted with a large body, NULs, escapes and numbers beyond 2^53', async () => {
      const filler = `${'x'.repeat(700_000)}\\u0000\\" 12345678901234567890 \\\\`;
      answers = {
        find: NOTHING_FOUND,
        create: {
          status: 201,
          body: `{"id": 12345678901234567890, "text": "${filler}", "n": 1.2345678901234567890e5}`,
        },
      };

      expect(await pushOne(aContact(), contextWith())).toMatchObject({
        ok: true,
        effect: 'created',
        remoteId: '12345678901234567890',
      });
    });

    it('is accepted without a body if the record is found afterwards', async () => {
      let isThere = false;
      await server.stop();
      server = await startScriptedServer(({ method }) => {
        if (method === 'POST') isThere = true;
        return method === 'POST'
          ? { status: 204 }
          : { status: 200, body: { items: isThere ? [{ id: 7, external_id: 'emp-1' }] : [] } };
      });

      expect(await pushOne(aContact(), contextWith())).toMatchObject({
        ok: true,
        effect: 'created',
        remoteId: '7',
      });
    });

    it.each([[''], ['  '], ['a\u0000b'], ['x'.repeat(600)], [null], [{}], [false]])(
      'is an error of the record, which is searched and not created again, when its id is unusable: %p',
      async (id) => {
        answers = { find: NOTHING_FOUND, create: { status: 201, body: { id } } };

        const expected = { kind: 'record_rejected', isFindable: true };
        expect(await errorOf(aContact(), contextWith())).toMatchObject(expected);
        expect(await errorOf(aContact({ wasCreated: true }), contextWith())).toMatchObject(expected);
        expect(calls()).toEqual(['find', 'create', 'find', 'find']);
      },
    );

    it.each([500, 401, 429])(
      'without an id stays an error of the record if the search fails (%d)',
      async (status) => {
        answers = {
          create: { status: 201 },
          get find() {
            return calls().includes('create') ? { status } : NOTHING_FOUND;
          },
        };

        expect(await errorOf(aContact(), contextWith())).toMatchObject({
          errors: [{ code: 'created_without_id' }],
        });
      },
    );

    it('leads to a second search when it says that the record exists, and to the refusal itself when no result has our id', async () => {
      answers = { find: NOTHING_FOUND, create: { status: 409, body: { message: 'E-mail is taken' } } };

      const failure = await errorOf(aContact(), contextWith());

      expect(failure).toMatchObject({ kind: 'record_rejected', message: 'E-mail is taken' });
      expect(calls()).toEqual(['find', 'create', 'find']);
    });

    it('has no status as its code when it is refused with a 2xx status', async () => {
      answers = { find: NOTHING_FOUND, create: { status: 200, body: { ok: false, message: 'no' } } };

      const failure = await errorOf(
        aContact(),
        contextWith({ answers: { failed: { at: '/ok', is: false } } }),
      );

      expect(failure).toMatchObject({
        kind: 'record_rejected',
        errors: [{ code: 'rejected', message: 'no' }],
      });
    });

    it('counts as a temporary failure, not as a refusal, if configured', async () => {
      answers = { find: NOTHING_FOUND, create: { status: 409, body: { message: 'locked', code: 'LOCKED' } } };
      const errors = { message: '/message', code: '/code' };

      expect(
        await errorOf(aContact(), contextWith({ errors, answers: { transient: ['LOCKED'] } })),
      ).toMatchObject({ kind: 'unavailable', status: 409 });
      expect(
        await errorOf(aContact(), contextWith({ errors, answers: { transient: ['OTHER'] } })),
      ).toMatchObject({ kind: 'record_rejected' });
      expect(
        await errorOf(aContact(), contextWith({ errors, answers: { rate_limited: [409] } })),
      ).toMatchObject({ kind: 'rate_limited' });
      expect(
        await errorOf(aContact(), contextWith({ errors, answers: { unauthorized: ['LOCKED'] } })),
      ).toMatchObject({ kind: 'unauthorized' });
    });
  });

  describe('to a search', () => {
    it.each<[string, ScriptedAnswer, object]>([
      ['a page for people', HTML, { kind: 'unavailable' }],
      ['an empty body', { status: 200 }, { kind: 'unavailable' }],
      ['JSON without the list', { status: 200, body: { total: 0 } }, { kind: 'unavailable' }],
      ['an invalid list', { status: 200, body: { items: 'none' } }, { kind: 'unavailable' }],
      ['404', { status: 404 }, { kind: 'record_rejected' }],
      ['500', { status: 500 }, { kind: 'unavailable' }],
      [
        'records with other external ids',
        { status: 200, body: { items: [{ id: 8, external_id: 'emp-8' }, { id: 9 }, null, 'x'] } },
        { kind: 'record_rejected', errors: [expect.objectContaining({ code: 'find_not_exact' })] },
      ],
      [
        'two records with our external id',
        {
          status: 200,
          body: {
            items: [
              { id: 8, external_id: 'emp-1' },
              { id: 9, external_id: 'emp-1' },
            ],
          },
        },
        { kind: 'record_rejected', errors: [expect.objectContaining({ code: 'ambiguous' })] },
      ],
      [
        'our record without an id',
        { status: 200, body: { items: [{ external_id: 'emp-1' }] } },
        { kind: 'unavailable' },
      ],
    ])('never leads to a creation by %s', async (_title, answer, error) => {
      answers = { find: answer, create: { status: 201, body: { id: 'duplicate' } } };

      expect(await errorOf(aContact(), contextWith())).toMatchObject(error);
      expect(calls()).toEqual(['find']);
    });

    it.each<[string, ScriptedAnswer, Record<string, unknown>]>([
      ['an empty list', NOTHING_FOUND, {}],
      ['null in place of the list', { status: 200, body: { items: null } }, {}],
      ['204', { status: 204 }, {}],
      [
        'the configured empty answer',
        { status: 200, body: { total: 0 } },
        { find: { path: '/contacts{?external_id}', items: '/items', empty: { at: '/total', is: 0 } } },
      ],
      [
        'tombstones only',
        { status: 200, body: { items: [{ id: 3, external_id: 'emp-1', gone: true }] } },
        { tombstone: { at: '/gone' } },
      ],
      [
        '404 for a record asked for by our id',
        { status: 404 },
        { find: { path: '/contacts/by-ref/{external_id}' } },
      ],
    ])('leads to a creation by %s', async (_title, answer, typeChanges) => {
      answers = { find: answer, create: { status: 201, body: { id: 5 } } };

      expect(await pushOne(aContact(), contextWith({}, typeChanges))).toMatchObject({
        ok: true,
        effect: 'created',
        remoteId: '5',
      });
    });

    it('leads to an update by our record among others, whatever its id', async () => {
      answers = {
        find: {
          status: 200,
          body: {
            items: [
              { id: 'x', external_id: 'emp-2' },
              { id: '../a b', external_id: 'emp-1' },
            ],
          },
        },
        update: { status: 200, body: {} },
      };

      expect(await pushOne(aContact(), contextWith())).toMatchObject({
        ok: true,
        effect: 'updated',
        remoteId: '../a b',
      });
      expect(server.requests.at(-1)?.path).toBe('/contacts/..%2Fa%20b');
    });

    it('leads to an update of an existing record that find recognizes by a mapped field', async () => {
      answers = {
        find: { status: 200, body: { items: [{ id: '9', email: 'ada@example.com', external_id: null }] } },
        update: { status: 204 },
      };
      const match = { at: '/email', value: '{payload.email}' };
      const find = {
        path: '/contacts{?email}',
        parameters: { email: '{payload.email}' },
        items: '/items',
        match,
      };

      expect(await pushOne(aContact(), contextWith({}, { find }))).toMatchObject({
        ok: true,
        effect: 'updated',
        remoteId: '9',
      });
      expect(server.requests.map(({ path }) => path)).toEqual([
        '/contacts?email=ada%40example.com',
        '/contacts/9',
      ]);
      expect(JSON.parse(server.requests[1]?.body as string)).toMatchObject({ external_id: 'emp-1' });
    });

    it('makes no call with an id that would change the address', async () => {
      answers = {
        find: { status: 200, body: { items: [{ id: '..', external_id: 'emp-1' }] } },
        delete: { status: 204 },
      };

      const failure = await errorOf(aContact({ operation: 'delete' }), contextWith());

      expect(failure).toMatchObject({ kind: 'record_rejected', errors: [{ code: 'unusable_value' }] });
      expect(calls()).toEqual(['find']);
    });
  });

  describe('with an id that is a number', () => {
    const numbered = {
      id: { at: '/num', type: 'number' },
      update: {
        method: 'PUT',
        replaces: true,
        path: '/contacts/{remote_id}',
        body: { num: '{remote_id}', note: 'no. {remote_id}' },
      },
    };

    it.each<[string, string, unknown]>([
      ['that number', '42', 42],
      ['that number, up to the last that a double holds exactly', '9007199254740991', 9007199254740991],
      ['text where a double would change it', '9007199254740993', '9007199254740993'],
      ['text where the third party writes it in another way', '"007"', '007'],
    ])('sends it in bodies as %s: %s', async (_title, id, sent) => {
      answers = {
        find: NOTHING_FOUND,
        create: { status: 201, body: `{"num": ${id}}` },
        update: { status: 204 },
      };
      const context = contextWith({}, numbered);

      const created = (await pushOne(aContact(), context)) as { remoteId: string };
      const updated = await pushOne(aContact({ remoteId: created.remoteId }), context);

      expect(updated).toMatchObject({ ok: true, effect: 'updated', remoteId: String(sent) });
      expect(server.requests.at(-1)?.path).toBe(`/contacts/${String(sent)}`);
      expect(JSON.parse(server.requests.at(-1)?.body as string)).toMatchObject({
        num: sent,
        note: `no. ${String(sent)}`,
      });
    });

    it('reads it from a Location too', async () => {
      answers = {
        find: NOTHING_FOUND,
        create: { status: 201, headers: { location: '/contacts/42' } },
        update: { status: 204 },
      };
      const context = contextWith({}, { ...numbered, id: { header: 'Location', type: 'number' } });

      const created = (await pushOne(aContact(), context)) as { remoteId: string };
      await pushOne(aContact({ remoteId: created.remoteId }), context);

      expect(JSON.parse(server.requests.at(-1)?.body as string)).toMatchObject({ num: 42 });
    });

    it('is sent as text unless it is configured as a number', async () => {
      answers = { update: { status: 204 } };

      await pushOne(aContact({ remoteId: '42' }), contextWith({}, { ...numbered, id: '/num' }));

      expect(JSON.parse(server.requests.at(-1)?.body as string)).toMatchObject({ num: '42' });
    });
  });

  describe('to an update', () => {
    const known = () => aContact({ remoteId: '1' });

    it.each<[string, ScriptedAnswer]>([
      ['the record', { status: 200, body: { id: '1' } }],
      ['nothing', { status: 204 }],
      ['a word', { status: 200, headers: { 'content-type': 'text/plain' }, body: 'OK' }],
    ])('is accepted with %s', async (_title, answer) => {
      answers = { update: answer };

      expect(await pushOne(known(), contextWith())).toMatchObject({
        ok: true,
        effect: 'updated',
        remoteId: '1',
      });
    });

    it.each<[string, ScriptedAnswer]>([
      ['a page for people', HTML],
      ['broken JSON', { status: 200, headers: { 'content-type': 'application/json' }, body: '{' }],
    ])('is Unavailable with %s', async (_title, answer) => {
      answers = { update: answer };

      expect(await errorOf(known(), contextWith())).toMatchObject({ kind: 'unavailable', status: 200 });
    });

    it('creates a missing record again, after a search for it', async () => {
      answers = { update: { status: 410 }, find: NOTHING_FOUND, create: { status: 201, body: { id: '2' } } };

      expect(await pushOne(known(), contextWith())).toMatchObject({
        ok: true,
        effect: 'created',
        remoteId: '2',
      });
      expect(calls()).toEqual(['update', 'find', 'create']);
    });

    it('ends with the refusal if the record keeps appearing and disappearing', async () => {
      answers = {
        update: { status: 404 },
        find: { status: 200, body: { items: [{ id: '1', external_id: 'emp-1' }] } },
        create: { status: 409, body: { message: 'exists' } },
      };

      expect(await errorOf(known(), contextWith())).toMatchObject({
        kind: 'record_rejected',
        message: 'exists',
      });
      expect(calls().length).toBeLessThanOrEqual(6);
    });
  });

  describe('with complaints', () => {
    const each = { at: '/errors' };

    it.each<[string, object, unknown, object[]]>([
      [
        'an object of lists of texts',
        { each },
        { errors: { email: ['is taken', 'is odd'] } },
        [
          { field: 'email', message: 'is taken' },
          { field: 'email', message: 'is odd' },
        ],
      ],
      [
        'an object of texts',
        { each },
        { errors: { first_name: 'is short' } },
        [{ field: 'first_name', remoteField: 'first_name', message: 'is short' }],
      ],
      [
        'a list of texts',
        { each },
        { errors: ['bad', 'worse'] },
        [
          { field: null, message: 'bad' },
          { field: null, message: 'worse' },
        ],
      ],
      [
        'texts that begin with the field',
        { each: { ...each, name_before: ' - ' } },
        { errors: ['email - is taken'] },
        [{ field: 'email', remoteField: 'email', message: 'email - is taken' }],
      ],
      [
        'a path in points',
        { each: { ...each, name: '/f', message: '/m' } },
        { errors: [{ f: 'contact.address.city', m: 'unknown' }] },
        [{ field: 'city', remoteField: 'contact.address.city' }],
      ],
      [
        'a path as a list',
        { each: { ...each, name: '/loc', message: '/m' } },
        { errors: [{ loc: ['body', 'address', 'city'], m: 'unknown' }] },
        [{ field: 'city' }],
      ],
      [
        'another spelling',
        { each: { ...each, name: '/f', message: '/m' } },
        { errors: [{ f: 'Email', m: 'taken' }] },
        [{ field: 'email', remoteField: 'Email' }],
      ],
      [
        'a field that only the third party has',
        { each },
        { errors: { department: 'is missing' } },
        [{ field: null, remoteField: 'department', explanation: expect.stringContaining('department') }],
      ],
      [
        'an empty list',
        { message: '/message', each },
        { errors: [], message: 'no' },
        [{ field: null, message: 'no', code: 'http_422' }],
      ],
      [
        'things that are no complaints',
        { message: '/message', each: { ...each, message: '/m' } },
        { errors: [null, 7, {}, [], { x: 1 }], message: 'no' },
        [{ field: null, message: 'no' }],
      ],
      [
        'a code for all',
        { message: '/message', code: '/code' },
        { message: 'no', code: 42 },
        [{ code: '42', message: 'no' }],
      ],
    ])('reads %s', async (_title, errors, body, expected) => {
      answers = { update: { status: 422, body } };

      const failure = await errorOf(aContact({ remoteId: '1' }, { city: 'Delft' }), contextWith({ errors }));

      expect((failure as unknown as { errors: object[] }).errors).toMatchObject(expected);
      expect((failure as unknown as { errors: object[] }).errors).toHaveLength(expected.length);
    });

    it('limits the length of texts, without NUL and without half characters', async () => {
      const long = `a\u0000b ${'🙂'.repeat(300)}`;
      answers = {
        update: {
          status: 422,
          body: {
            message: long,
            errors: Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}\u0000`, long])),
          },
        },
      };

      const failure = await errorOf(
        aContact({ remoteId: '1' }),
        contextWith({ errors: { message: '/message', each } }),
      );

      const { message, errors } = failure as unknown as { message: string; errors: { message: string }[] };
      expect(
        [message, errors[0]?.message].every(
          (text) => (text as string).length <= 400 && !/[\p{Cc}\p{Surrogate}]/u.test(text as string),
        ),
      ).toBe(true);
      expect(JSON.stringify(errors)).not.toMatch(/\\u0000|\\ud8/);
      expect(errors.length).toBeLessThanOrEqual(50);
    });
  });

  describe('to a creation with an idempotency key', () => {
    it('carries the id of the push, so that a repeated attempt has the same key', async () => {
      answers = { create: { status: 201, body: { id: '1' } } };
      const context = contextWith(
        {},
        {
          find: undefined,
          external_id: undefined,
          create: { path: '/contacts', idempotency_header: 'Idempotency-Key' },
        },
      );
      const item = aContact();

      await pushOne(item, context);
      await pushOne(item, context);

      expect(server.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([
        item.pushId,
        item.pushId,
      ]);
    });

    it('repeats a creation whose answer was lost under its own id, and then updates the record, so that there is no duplicate', async () => {
      answers = { create: { status: 201, body: { id: '7' } }, update: { status: 204 } };
      const context = contextWith(
        {},
        {
          find: undefined,
          external_id: undefined,
          create: { path: '/contacts', idempotency_header: 'Idempotency-Key' },
        },
      );
      const item = aContact({ unresolvedCreation: { pushId: 'psh_lost', payload: { name: 'as it was' } } });

      const result = await pushOne(item, context);

      expect(result).toMatchObject({ ok: true, effect: 'updated', remoteId: '7' });
      expect(server.requests.map(({ method, headers }) => [method, headers['idempotency-key']])).toEqual([
        ['POST', 'psh_lost'],
        ['PATCH', undefined],
      ]);
      expect(server.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
        { name: 'as it was' },
        item.payload,
      ]);
    });

    it('creates under its own id when the lost creation turns out to have been refused', async () => {
      const context = contextWith(
        {},
        {
          find: undefined,
          external_id: undefined,
          create: { path: '/contacts', idempotency_header: 'Idempotency-Key' },
        },
      );
      const creations: ScriptedAnswer[] = [
        { status: 422, body: {} },
        { status: 201, body: { id: '8' } },
      ];
      answers = {
        get create() {
          return creations.shift() as ScriptedAnswer;
        },
      };
      const item = aContact({ unresolvedCreation: { pushId: 'psh_lost', payload: { name: 'as it was' } } });

      expect(await pushOne(item, context)).toMatchObject({ ok: true, effect: 'created', remoteId: '8' });
    });

    it('cannot delete a record without a known id, and reports that', async () => {
      const context = contextWith(
        {},
        {
          find: undefined,
          external_id: undefined,
          create: { path: '/contacts', idempotency_header: 'Idempotency-Key' },
        },
      );

      expect(await errorOf(aContact({ operation: 'delete' }), context)).toMatchObject({
        kind: 'record_rejected',
        errors: [{ code: 'not_findable' }],
      });
      expect(server.requests).toEqual([]);
    });
  });

  it('treats an unknown record type as a refused record, and pushes the others', async () => {
    answers = { update: { status: 204 } };

    const results = await rest.push(
      [aContact({ recordType: 'robots' }), aContact({ remoteId: '1' })],
      contextWith(),
    );

    expect(results).toMatchObject([
      { ok: false, error: { errors: [{ code: 'not_configured' }] } },
      { ok: true },
    ]);
  });
});

function nameOf({ method, path }: RecordedRequest): 'find' | 'create' | 'update' | 'delete' {
  if (method === 'GET') return 'find';
  if (method === 'DELETE') return 'delete';
  return method === 'POST' && path === '/contacts' ? 'create' : 'update';
}
