/** What comes of a list's answer: records, items that are none, trouble, and datasets that cannot be read. */
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy } from '../suite/given';
import { failureOf, readOnePage, readPages, readingContext } from './rest-read-given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

const LIST = { path: '/contacts', items: '/items', paging: { type: 'none' } };

describe('reading a list', () => {
  let server: ScriptedServer;
  let answer: (request: RecordedRequest) => ScriptedAnswer;

  beforeAll(async () => {
    server = await startScriptedServer((request) => answer(request));
  });

  beforeEach(() => {
    server.requests.length = 0;
  });

  afterAll(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  const contextFor = (type: Record<string, unknown> = {}, list: Record<string, unknown> = {}) =>
    readingContext(server.url, { ...type, list: { ...LIST, ...list } });
  const largePages = () => readingContext(server.url, { list: LIST }, { page_mib: 16 });
  const answers = (status: number, body?: unknown, headers: Record<string, string> = {}) => {
    answer = () => ({ status, headers, ...(body !== undefined && { body }) });
  };

  describe('records', () => {
    it('have their id, version and our id where the configuration says, and their fields as they are', async () => {
      answers(200, [{ data: { num: 17, ref: 'emp-1', v: 3, name: { first: 'Ada' } } }]);

      const page = await readOnePage(
        contextFor(
          { id: '/num', external_id: '/ref', version: '/v', record_at: '/elsewhere' },
          { items: '', item_at: '/data' },
        ),
      );

      expect(page.records).toEqual([
        {
          remoteId: '17',
          remoteVersion: '3',
          externalId: 'emp-1',
          isDeleted: false,
          fields: { num: 17, ref: 'emp-1', v: 3, name: { first: 'Ada' } },
        },
      ]);
    });

    it.each<[string, unknown, Record<string, unknown>, string[]]>([
      ['a single object', { items: { id: '1' } }, { items_as: 'one_or_many' }, ['1']],
      [
        'a list where it can be one object',
        { items: [{ id: '1' }, { id: '2' }] },
        { items_as: 'one_or_many' },
        ['1', '2'],
      ],
      ['null where it can be one object', { items: null }, { items_as: 'one_or_many' }, []],
      [
        'an object by key',
        { items: { a: { name: 'A' }, b: { name: 'B' } } },
        { items_as: 'map', key_at: '/id' },
        ['a', 'b'],
      ],
      ['an object by key whose items have ids', { items: { a: { id: '1' } } }, { items_as: 'map' }, ['1']],
      [
        'an object by key around the record',
        { items: { a: { data: {} } } },
        { items_as: 'map', key_at: '/data/id', item_at: '/data' },
        ['a'],
      ],
      ['an object without members, as PHP writes it', { items: [] }, { items_as: 'map' }, []],
    ])('are read from %s', async (_title, body, list, ids) => {
      answers(200, body);

      const page = await readOnePage(contextFor({}, { items: '/items', ...list }));

      expect(page.records.map(({ remoteId }) => remoteId)).toEqual(ids);
      expect(page.unreadable).toEqual([]);
    });

    it.each<[string, unknown, Record<string, unknown>]>([
      ['a list for an object by key', { items: [{ id: '1' }] }, { items_as: 'map' }],
      ['a text for one object', { items: 'x' }, { items_as: 'one_or_many' }],
      ['nothing for one object', {}, { items_as: 'one_or_many' }],
    ])('are not read from %s', async (_title, body, list) => {
      answers(200, body);

      const failure = await failureOf(readOnePage(contextFor({}, { items: '/items', ...list })));

      expect(failure.errors?.[0]?.code).toBe('no_list');
    });

    it('whose ids are formed by us are read at /id, and where the list says otherwise', async () => {
      answers(200, { items: [{ id: 'syncline-1', key: 'k1', etag: 'e' }] });
      const id = { template: 'syncline-{external_id}', allow: 'a-z0-9' };

      expect(await readOnePage(contextFor({ id }))).toMatchObject({
        records: [{ remoteId: 'syncline-1', remoteVersion: null, externalId: null }],
      });
      expect(
        await readOnePage(contextFor({ id, version: { header: 'ETag' } }, { id: '/key', version: '/etag' })),
      ).toMatchObject({
        records: [{ remoteId: 'k1', remoteVersion: 'e' }],
      });
    });

    it('that are deleted there are distinguished from those that are not', async () => {
      answers(200, {
        items: [
          { id: '1', state: 'gone', name: 'x' },
          { id: '2', state: 'here' },
        ],
      });

      expect(
        (await readOnePage(contextFor({ tombstone: { at: '/state', is: 'gone' } }))).records,
      ).toMatchObject([
        { remoteId: '1', isDeleted: true, fields: {} },
        { remoteId: '2', isDeleted: false, fields: { state: 'here' } },
      ]);
    });

    it('keep unusual texts, doubles and long numbers unchanged', async () => {
      answers(
        200,
        `{"items":[{"id":12345678901234567890,"nul":"a\\u0000b","half":"\\ud800","n":0.1234567890123456789,"text":"1, 12345678901234567890","quote":"\\\\\\"[1234567890123456789"}]}`,
      );

      expect((await readOnePage(contextFor())).records).toMatchObject([
        {
          remoteId: '12345678901234567890',
          fields: {
            nul: 'a\0b',
            half: '\ud800',
            n: 0.12345678901234568,
            text: '1, 12345678901234567890',
            quote: '\\"[1234567890123456789',
          },
        },
      ]);
    });

    it('are read twice if the list contains them twice', async () => {
      answers(200, { items: [{ id: '1' }, { id: '1' }] });

      expect((await readOnePage(contextFor())).records).toHaveLength(2);
    });
  });

  describe('items that are no records', () => {
    it('are reported, and the others are read', async () => {
      const deep = JSON.parse('{"a":'.repeat(60) + '1' + '}'.repeat(60)) as unknown;
      const items = [
        { id: 'ok-1' },
        null,
        'text',
        [1],
        { name: 'no id' },
        { id: '' },
        { id: { x: 1 } },
        { id: 'a\nb' },
        { id: 'deep', deep },
        { id: 'ok-2' },
      ];
      answers(200, { items });

      const page = await readOnePage(contextFor());

      expect(page.records.map(({ remoteId }) => remoteId)).toEqual(['ok-1', 'ok-2']);
      expect(page.unreadable.map(({ code }) => code)).toEqual([
        'not_an_object',
        'not_an_object',
        'not_an_object',
        'no_id',
        'no_id',
        'no_id',
        'no_id',
        'too_deep',
      ]);
      expect(page.unreadable.at(-1)).toEqual({
        remoteId: 'deep',
        code: 'too_deep',
        message: 'deep (item 9 of the page) is nested deeper than 32 levels.',
      });
      expect(page.unreadable[3]?.message).toBe('Item 5 of the page has no usable id at /id.');
    });

    it('holds a value of 5 MB, also one of nothing but escapes beside a long number, and the rest goes on', async () => {
      const big = 5 * 1024 * 1024;
      answers(
        200,
        {
          items: [
            { id: 'plain', value: 'x'.repeat(big) },
            { id: 'escapes', value: '"'.repeat(big / 2), n: 1 },
            { id: 'ok' },
          ],
        },
        {},
      );
      const plain = answer;
      answer = (request) => ({
        status: 200,
        body: JSON.stringify(plain(request).body).replace('"n":1', '"n":1234567890123456789'),
      });

      const page = await readOnePage(largePages());

      expect(page.unreadable).toEqual([
        {
          remoteId: 'plain',
          code: 'too_large',
          message: 'plain (item 1 of the page) is larger than 256 KB.',
        },
        {
          remoteId: 'escapes',
          code: 'too_large',
          message: 'escapes (item 2 of the page) is larger than 256 KB.',
        },
      ]);
      expect(page.records.map(({ remoteId }) => remoteId)).toEqual(['ok']);
    });

    it('begin at 256 KB of UTF-8', async () => {
      const ofSize = (id: string, bytes: number) => ({
        id,
        value: 'ä'.repeat((bytes - JSON.stringify({ id, value: '' }).length) / 2),
      });
      answers(200, { items: [ofSize('fits', 256 * 1024), ofSize('over', 256 * 1024 + 2)] });

      const page = await readOnePage(contextFor());

      expect([
        page.records.map(({ remoteId }) => remoteId),
        page.unreadable.map(({ remoteId }) => remoteId),
      ]).toEqual([['fits'], ['over']]);
    });
  });

  describe('their clock', () => {
    it.each<[string, unknown, unknown, Record<string, string>, string | null]>([
      [
        'the Date header',
        undefined,
        {},
        { Date: 'Sat, 21 Nov 2026 05:08:18 GMT' },
        '2026-11-21T05:08:18.000Z',
      ],
      ['an invalid Date header', undefined, {}, { Date: 'yesterday' }, null],
      [
        'an entity-tag of milliseconds',
        { header: 'ETag', format: 'epoch_ms' },
        {},
        { ETag: '"1795237560149"' },
        new Date(1795237560149).toISOString(),
      ],
      [
        'seconds in the answer',
        { at: '/now', format: 'epoch_s' },
        { now: 1795237560 },
        {},
        new Date(1795237560000).toISOString(),
      ],
      [
        'an ISO instant with a zone',
        { at: '/now', format: 'iso' },
        { now: '2026-11-21T06:08:18.5+01:00' },
        {},
        '2026-11-21T05:08:18.500Z',
      ],
      [
        'an ISO instant without a zone, which is UTC',
        { at: '/now', format: 'iso_seconds' },
        { now: '2026-11-21T05:08:18' },
        {},
        '2026-11-21T05:08:18.000Z',
      ],
      [
        'an instant with a space',
        { at: '/now', format: 'space_ms' },
        { now: '2026-11-21 05:08:18.123Z' },
        {},
        '2026-11-21T05:08:18.123Z',
      ],
      ['something else', { at: '/now', format: 'epoch_ms' }, { now: '2026-11-21' }, {}, null],
      ['more than a date can hold', { at: '/now', format: 'epoch_s' }, { now: 1e18 }, {}, null],
      [
        'a day that no calendar has',
        { at: '/now', format: 'iso' },
        { now: '2026-13-41T00:00:00Z' },
        {},
        null,
      ],
      ['nothing', { at: '/now', format: 'iso' }, {}, {}, null],
    ])('is read from %s', async (_title, asOf, body, headers, expected) => {
      answers(200, { items: [], ...(body as object) }, headers);

      expect(
        (await readOnePage(contextFor({}, asOf === undefined ? {} : { as_of: asOf }))).asOf?.toISOString() ??
          null,
      ).toBe(expected);
    });
  });

  describe('what was modified since an instant', () => {
    const since = new Date('2026-11-21T05:08:18.987Z');

    it.each([
      ['iso', '2026-11-21T05:08:18.987Z'],
      ['iso_seconds', '2026-11-21T05:08:18Z'],
      ['epoch_s', '1795237698'],
      ['epoch_ms', '1795237698987'],
      ['space_ms', '2026-11-21 05:08:18.987Z'],
      ['http_date', 'Sat, 21 Nov 2026 05:08:18 GMT'],
      ['iso_offset', '2026-11-21T05:08:18+00:00'],
      ['local_seconds', '2026-11-21T05:08:18'],
      ['space_seconds', '2026-11-21 05:08:18'],
      ['date', '2026-11-21'],
    ])('is asked for in the format %s, never later than the instant', async (format, written) => {
      answers(200, { items: [] });
      const list = {
        path: '/contacts?q=a%20b&sort=id',
        modified_since: {
          format,
          parameters: { 'updated[gte]': '{modified_since}', sort: 'updated' },
          headers: { 'If-Modified-Since': '{modified_since}' },
        },
      };

      await readOnePage(contextFor({}, list), { modifiedSince: since });
      await readOnePage(contextFor({}, list));

      const [filtered, full] = server.requests;
      expect(filtered?.path).toBe(
        `/contacts?q=a%20b&updated%5Bgte%5D=${encodeURIComponent(written)}&sort=updated`,
      );
      expect(filtered?.headers['if-modified-since']).toBe(written);
      expect(full?.path).toBe('/contacts?q=a%20b&sort=id');
      expect(full?.headers['if-modified-since']).toBeUndefined();
    });

    it.each([
      ['local_seconds', 'America/New_York', since, '2026-11-21T00:08:18'],
      ['date', 'America/Los_Angeles', since, '2026-11-20'],
      ['space_seconds', 'Asia/Kolkata', since, '2026-11-21 10:38:18'],
      ['local_seconds', 'Europe/Amsterdam', new Date('2026-07-01T10:00:00Z'), '2026-07-01T12:00:00'],
      // 02:30 comes twice on this day. The first time is written as 01:30, in case the second one is meant.
      ['local_seconds', 'Europe/Amsterdam', new Date('2026-10-25T00:30:00Z'), '2026-10-25T01:30:00'],
      ['local_seconds', 'Europe/Amsterdam', new Date('2026-10-25T01:30:00Z'), '2026-10-25T02:30:00'],
      ['local_seconds', 'Australia/Lord_Howe', new Date('2026-04-04T14:45:00Z'), '2026-04-05T00:45:00'],
    ])('is written as %s in the zone %s of the account', async (format, zone, instant, written) => {
      answers(200, { items: [] });
      const modified_since = { format, zone, parameters: { since: '{modified_since}' } };

      await readOnePage(contextFor({}, { modified_since }), { modifiedSince: instant });

      expect(new URL(server.requests[0]?.path ?? '', 'http://x').searchParams.get('since')).toBe(written);
    });

    it('is asked for up to the beginning of the pass, on every page the same', async () => {
      const ends: (string | null)[] = [];
      answer = ({ path }) => {
        const query = new URL(path, 'http://x').searchParams;
        ends.push(query.get('until'));
        return {
          status: 200,
          headers: { Date: 'Fri, 01 Jan 2100 00:00:00 GMT' },
          body: { items: query.get('page') === '3' ? [] : [{ id: query.get('page') }] },
        };
      };
      const context = contextFor(
        {},
        {
          paging: { type: 'page', parameter: 'page' },
          modified_since: { format: 'epoch_ms', parameters: { from: '{modified_since}', until: '{now}' } },
        },
      );

      const before = Date.now();
      const pages = await readPages(() => context, { modifiedSince: since });
      const after = Date.now();

      expect(new Set(ends).size).toBe(1);
      expect(ends).toHaveLength(3);
      // What was modified after that belongs to the next run, whatever the clock of the third party shows.
      const asOf = pages[0]?.asOf?.getTime() ?? 0;
      expect([before <= asOf, asOf <= after, String(asOf) === ends[0]]).toEqual([true, true, true]);
    });

    it('is sent in the body of a search, numbers as numbers', async () => {
      answers(200, { items: [] });
      const modified_since = { format: 'epoch_ms', body: { filter: { since: '{modified_since}' } } };

      await readOnePage(
        contextFor({}, { method: 'POST', body: { filter: { team: 'blue' } }, modified_since }),
        { modifiedSince: since },
      );

      expect(server.requests.map(({ body }) => body)).toEqual([
        '{"filter":{"team":"blue","since":1795237698987}}',
      ]);
    });

    it('is everything if the third party has no filter', async () => {
      answers(200, { items: [{ id: '1' }] });

      expect((await readOnePage(contextFor(), { modifiedSince: since })).records).toHaveLength(1);
      expect(rest.readAbilities?.(contextFor().config, 'contacts')).toMatchObject({
        canFilterByModified: false,
      });
    });

    it('is nothing after a 304, which is not valid in a full pass', async () => {
      answers(304);

      expect(await readOnePage(contextFor(), { modifiedSince: since })).toMatchObject({
        records: [],
        nextCursor: null,
      });
      expect(await failureOf(readOnePage(contextFor()))).toMatchObject({ kind: 'unavailable' });
    });

    it('is followed by the list of deletions, if any, page by page, and not in a full pass', async () => {
      answer = ({ path }) => {
        if (!path.startsWith('/deleted')) return { status: 200, body: { items: [{ id: '1' }] } };
        return {
          status: 200,
          body: path.includes('page=1')
            ? { gone: [{ ref: { id: 7 } }, { ref: {} }], more: true }
            : { gone: [{ ref: { id: 8 } }], more: false },
        };
      };
      const deleted_list = {
        path: '/deleted',
        items: '/gone',
        item_at: '/ref',
        paging: { type: 'page', parameter: 'page', last: { at: '/more', is: false } },
        modified_since: { format: 'epoch_s', parameters: { since: '{modified_since}' } },
      };
      const list = { modified_since: { format: 'iso', parameters: { since: '{modified_since}' } } };

      const pages = await readPages(() => contextFor({ deleted_list }, list), { modifiedSince: since });
      const full = await readPages(() => contextFor({ deleted_list }, list));

      expect(
        pages.map(({ records }) => records.map(({ remoteId, isDeleted }) => [remoteId, isDeleted])),
      ).toEqual([[['1', false]], [['7', true]], [['8', true]]]);
      expect(pages[1]?.unreadable).toMatchObject([{ code: 'no_id' }]);
      expect(server.requests.map(({ path }) => path)).toEqual([
        '/contacts?since=2026-11-21T05%3A08%3A18.987Z',
        '/deleted?since=1795237698&page=1',
        '/deleted?since=1795237698&page=2',
        '/contacts',
      ]);
      expect(full).toHaveLength(1);
    });

    it.each([
      ['a prefix', { at: '/ref', cut_prefix: 'contact-' }, 'contact-7', '7'],
      ['an id without the prefix', { at: '/ref', cut_prefix: 'contact-' }, '7', '7'],
      ['the last part of an address', { at: '/ref', take: 'last_part' }, 'https://crm/contacts/7', '7'],
      ['the last part of a name', { at: '/ref', take: 'last_part' }, 'urn:contact:7', '7'],
    ])('A20: reads the id of a deletion behind %s', async (_, id, ref, expected) => {
      answer = ({ path }) => ({
        status: 200,
        body: path.startsWith('/deleted') ? { items: [{ ref }] } : { items: [{ id: '1' }] },
      });
      const of = { modified_since: { format: 'iso', parameters: { since: '{modified_since}' } } };
      const deleted_list = { path: '/deleted', items: '/items', paging: { type: 'none' }, id, ...of };

      const pages = await readPages(() => contextFor({ deleted_list }, of), { modifiedSince: since });

      expect(pages[1]?.records).toMatchObject([{ remoteId: expected, isDeleted: true }]);
    });
  });

  it.each<[string, number, unknown, Record<string, string>, string, string | undefined]>([
    ['half a document', 200, '{"items":[{"id":"1"},{"i', {}, 'unavailable', undefined],
    ['an empty answer', 200, '', {}, 'unavailable', undefined],
    ['a page for people', 200, '<html>Maintenance</html>', {}, 'unavailable', undefined],
    ['plain words', 200, 'OK', { 'content-type': 'text/plain' }, 'unavailable', undefined],
    ['another shape', 200, { data: [] }, {}, 'record_rejected', 'no_list'],
    ['an object for a list', 200, { items: { a: 1 } }, {}, 'record_rejected', 'no_list'],
    ['a list for an object', 200, [], {}, 'record_rejected', 'no_list'],
    ['a redirect', 302, '', { location: '/login' }, 'record_rejected', 'redirect'],
    ['bad request', 400, { message: 'unknown filter' }, {}, 'record_rejected', 'http_400'],
    ['not found', 404, { message: 'no such list' }, {}, 'record_rejected', 'http_404'],
    ['gone', 410, '', {}, 'record_rejected', 'http_410'],
    ['not understood', 422, { message: 'bad sort' }, {}, 'record_rejected', 'http_422'],
    ['not allowed', 403, { message: 'no' }, {}, 'record_rejected', 'http_403'],
    ['refused credentials', 401, { message: 'who are you' }, {}, 'unauthorized', undefined],
    ['too many requests', 429, '', { 'retry-after': '7' }, 'rate_limited', undefined],
    ['unavailable with a wait', 503, '', { 'retry-after': '7' }, 'rate_limited', undefined],
    ['unavailable', 503, '', {}, 'unavailable', undefined],
    ['a broken server', 500, 'oops', {}, 'unavailable', undefined],
  ])(
    'reports %s (%i), and does not treat it as an empty list',
    async (_title, status, body, headers, kind, code) => {
      answers(status, body, headers);

      const failure = await failureOf(readOnePage(contextFor()));

      expect(failure).toMatchObject({
        kind,
        ...(code !== undefined && { errors: [{ code }] }),
        ...(kind === 'rate_limited' && { retryAfterMs: 7_000 }),
      });
      expect(failure.message.startsWith('contacts cannot be read (list): ')).toBe(kind === 'record_rejected');
    },
  );

  it.each<[string, number, unknown]>([
    ['an empty list', 200, { items: [] }],
    ['null', 200, { items: null }],
    ['no content', 204, undefined],
  ])('treats %s as an empty list', async (_title, status, body) => {
    answers(status, body);

    expect(await readOnePage(contextFor())).toMatchObject({ records: [], unreadable: [], nextCursor: null });
  });

  it.each([
    [4, () => contextFor()],
    [16, () => largePages()],
  ])('rule 60: a page of more than %s MiB is Unavailable, with the setting', async (mib, context) => {
    answers(200, `{"items":[{"id":"1","v":"${'x'.repeat(mib * 1024 * 1024)}"}]}`);

    expect(await failureOf(readOnePage(context()))).toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(`larger than ${mib * 1024 * 1024} bytes.* page_mib`) as string,
    });
  });

  describe('counting', () => {
    const count = (type: Record<string, unknown>, list: Record<string, unknown> = {}) =>
      rest.count?.('contacts', contextFor(type, list)) as Promise<number | null>;

    it('sends the configured request', async () => {
      answers(200, { n: 12 }, { 'X-Count': '34' });

      expect(await count({ count: { path: '/contacts/count', at: '/n' } })).toBe(12);
      expect(await count({ count: { method: 'HEAD', path: '/contacts', header: 'X-Count' } })).toBe(34);
      expect(
        await count({ count: { method: 'POST', path: '/contacts/search', body: { q: '*' }, at: '/n' } }),
      ).toBe(12);
      expect(server.requests.map(({ method, path, body }) => [method, path, body])).toEqual([
        ['GET', '/contacts/count', ''],
        ['HEAD', '/contacts', ''],
        ['POST', '/contacts/search', '{"q":"*"}'],
      ]);
    });

    it('reads the total of a page of one, and is unknown without a total', async () => {
      answers(200, { items: [], total: '56' });

      expect(
        await count(
          {},
          {
            paging: { type: 'page', parameter: 'p', size: 100, size_parameter: 'n' },
            total: { at: '/total' },
          },
        ),
      ).toBe(56);
      expect(await count({})).toBeNull();
      expect(server.requests.map(({ path }) => path)).toEqual(['/contacts?n=1&p=1']);
    });

    it('is not zero where the answer has no count', async () => {
      answers(200, { n: 'many' });
      expect(await failureOf(count({ count: { path: '/c', at: '/n' } }))).toMatchObject({
        kind: 'record_rejected',
        errors: [{ code: 'no_count' }],
      });
      answers(200, '{"n":');
      expect(await failureOf(count({ count: { path: '/c', at: '/n' } }))).toMatchObject({
        kind: 'unavailable',
      });
      answers(404, { message: 'gone' });
      expect(await failureOf(count({ count: { path: '/c', at: '/n' } }))).toMatchObject({
        kind: 'record_rejected',
        message: 'contacts cannot be read (count): the third party answered 404. gone',
      });
    });
  });
});
