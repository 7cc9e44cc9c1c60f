/** From page to page in every way that APIs have, against a server that plays them. */
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy } from '../suite/given';
import { failureOf, idsIn, readOnePage, readPages, readingContext } from './rest-read-given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

const IDS = Array.from({ length: 7 }, (_, index) => `c${index + 1}`);
const contacts = (ids: readonly string[]) => ids.map((id) => ({ id }));
const queryOf = ({ path }: RecordedRequest) => new URL(path, 'http://x').searchParams;

describe('pages', () => {
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

  const contextFor = (
    paging: unknown,
    list: Record<string, unknown> = {},
    changes: Record<string, unknown> = {},
  ) =>
    readingContext(
      server.url,
      { list: { path: '/contacts?sort=id', items: '/items', paging, ...list } },
      changes,
    );

  const readWith = (paging: unknown, list: Record<string, unknown> = {}) =>
    readPages(() => contextFor(paging, list));
  const queries = () => server.requests.map(({ path }) => path.split('?')[1]);

  /** Slices of the seven contacts by number of page, never larger than three. */
  const byPage = (request: RecordedRequest, first = 1) => {
    const number = Number(queryOf(request).get('page[number]') ?? queryOf(request).get('page')) - first;
    return IDS.slice(number * 3, number * 3 + 3);
  };

  describe('by number', () => {
    it('end with an empty page, and not with a short one', async () => {
      answer = (request) => ({ status: 200, body: { items: contacts(byPage(request)) } });

      const pages = await readWith({
        type: 'page',
        parameter: 'page[number]',
        size: 500,
        size_parameter: 'page[size]',
      });

      expect(idsIn(pages)).toEqual(IDS);
      expect(queries()).toEqual(
        [1, 2, 3, 4].map((number) => `sort=id&page%5Bsize%5D=500&page%5Bnumber%5D=${number}`),
      );
    });

    it('begin with the configured number, and end by the configured value, even after an empty page', async () => {
      answer = (request) => {
        const number = Number(queryOf(request).get('page'));
        return {
          status: 200,
          body: { items: number === 1 ? [] : contacts(byPage(request, 0)), has_more: number < 2 },
        };
      };

      const pages = await readWith({
        type: 'page',
        parameter: 'page',
        first: 0,
        last: { at: '/has_more', is: false },
      });

      expect(pages.map((page) => idsIn([page]).length)).toEqual([3, 0, 1]);
    });

    it('end when the total is reached, from a pointer or a header, and not if the total is not a number', async () => {
      answer = (request) => ({
        status: 200,
        headers: { 'X-Total': '7' },
        body: { items: contacts(byPage(request)), total: -1 },
      });

      const byHeader = await readWith({ type: 'page', parameter: 'page' }, { total: { header: 'X-Total' } });
      const unknown = await readWith({ type: 'page', parameter: 'page' }, { total: { at: '/total' } });

      expect([byHeader.length, byHeader[0]?.total]).toEqual([3, 7]);
      expect([unknown.length, unknown[0]?.total]).toEqual([4, null]);
      expect(idsIn(byHeader)).toEqual(IDS);
    });

    describe('where a page behind the last one is answered 404', () => {
      /** Three pages, numbered from `first`; every other number does not exist. */
      const serve = (first: number, told: Record<string, unknown> = {}) => {
        answer = (request) => {
          const items = byPage(request, first);
          return items.length > 0
            ? { status: 200, headers: { 'X-Pages': '3' }, body: { items: contacts(items), ...told } }
            : { status: 404, body: { detail: 'Invalid page.' } };
        };
      };

      it.each<[string, number, Record<string, unknown>, Record<string, unknown>]>([
        [
          'the number of pages in the body',
          1,
          { meta: { pages: 3 } },
          { total_pages: { at: '/meta/pages' } },
        ],
        ['that number as a text', 1, { pages: '3' }, { total_pages: { at: '/pages' } }],
        ['that number in a header', 1, {}, { total_pages: { header: 'X-Pages' } }],
        ['that number, counted from 0', 0, { pages: 3 }, { first: 0, total_pages: { at: '/pages' } }],
        ['the status', 1, {}, { end_status: [404] }],
        [
          'the status, if the number is not in the response',
          1,
          {},
          { total_pages: { at: '/pages' }, end_status: [404] },
        ],
      ])('end by %s', async (_title, first, told, keys) => {
        serve(first, told);

        const pages = await readWith({ type: 'page', parameter: 'page', ...keys });

        expect(idsIn(pages)).toEqual(IDS);
      });

      it('end after one request if the list is empty and has no pages', async () => {
        answer = () => ({ status: 200, body: { items: [], pages: 0 } });

        const pages = await readWith({ type: 'page', parameter: 'page', total_pages: { at: '/pages' } });

        expect([pages.length, server.requests.length]).toEqual([1, 1]);
      });

      it('do not end with an empty page before the last', async () => {
        answer = (request) => ({
          status: 200,
          body: { pages: 3, items: queryOf(request).get('page') === '2' ? [] : contacts(byPage(request)) },
        });

        const pages = await readWith({ type: 'page', parameter: 'page', total_pages: { at: '/pages' } });

        expect(idsIn(pages)).toEqual(['c1', 'c2', 'c3', 'c7']);
      });

      it('fail if the first page is answered 404, or a later one with another status', async () => {
        const read = async () => failureOf(readWith({ type: 'page', parameter: 'page', end_status: [404] }));
        answer = () => ({ status: 404 });
        const first = await read();
        answer = (request) =>
          queryOf(request).get('page') === '1'
            ? { status: 200, body: { items: contacts(['c1']) } }
            : { status: 410 };
        const later = await read();

        expect([first.errors?.[0]?.code, later.errors?.[0]?.code]).toEqual(['http_404', 'http_410']);
      });

      it('fail without such a configuration', async () => {
        serve(1);

        expect((await failureOf(readWith({ type: 'page', parameter: 'page' }))).errors?.[0]?.code).toBe(
          'http_404',
        );
      });
    });

    it('end where the list shrank while it was read', async () => {
      answer = (request) => ({
        status: 200,
        body: { items: queryOf(request).get('page') === '1' ? contacts(IDS.slice(0, 3)) : [], total: 7 },
      });

      expect(idsIn(await readWith({ type: 'page', parameter: 'page' }, { total: { at: '/total' } }))).toEqual(
        IDS.slice(0, 3),
      );
    });
  });

  describe('by offset', () => {
    it('continue by the number of received records, so that a server with smaller pages loses none', async () => {
      answer = (request) => {
        const offset = Number(queryOf(request).get('$skip'));
        return { status: 200, body: { items: contacts(IDS.slice(offset, offset + 2)) } };
      };

      const pages = await readWith({ type: 'offset', parameter: '$skip', size: 100, size_parameter: '$top' });

      expect(idsIn(pages)).toEqual(IDS);
      expect(queries().at(1)).toBe('sort=id&%24top=100&%24skip=2');
    });

    it('end by a status where an offset behind the end is an error', async () => {
      answer = (request) => {
        const offset = Number(queryOf(request).get('skip'));
        return offset < IDS.length
          ? { status: 200, body: { items: contacts(IDS.slice(offset, offset + 3)) } }
          : { status: 400, body: { message: 'Out of range' } };
      };

      const pages = await readWith({ type: 'offset', parameter: 'skip', size: 3, end_status: [400, 404] });

      expect(idsIn(pages)).toEqual(IDS);
    });

    it('are sent in the body of a search by POST, at their pointers', async () => {
      answer = ({ body }) => {
        const { page, q } = JSON.parse(body) as { q: string; page: { start: number; rows: number } };
        return {
          status: 200,
          body: {
            items: contacts(IDS.slice(page.start - 1, page.start - 1 + page.rows)),
            total: IDS.length,
            q,
          },
        };
      };

      const paging = {
        type: 'offset',
        parameter: '/page/start',
        first: 1,
        size: 3,
        size_parameter: '/page/rows',
        in: 'body',
      };
      const pages = await readWith(paging, { method: 'POST', body: { q: '*' }, total: { at: '/total' } });

      expect(idsIn(pages)).toEqual(IDS);
      expect(
        server.requests.map(({ method, headers, body }) => [method, headers['content-type'], body]),
      ).toEqual(
        [1, 4, 7].map((start) => [
          'POST',
          'application/json',
          `{"q":"*","page":{"rows":3,"start":${start}}}`,
        ]),
      );
    });
  });

  describe('by cursor', () => {
    const AWKWARD = 'a+b/c==&x=1 "{cursor}" ä';

    it.each<[string, Record<string, unknown>, (next: string | null) => ScriptedAnswer]>([
      ['in the answer', { at: '/meta/next' }, (next) => ({ status: 200, body: { meta: { next } } })],
      [
        'as an empty text at the end',
        { at: '/meta/next' },
        (next) => ({ status: 200, body: { meta: { next: next ?? '' } } }),
      ],
      [
        'missing at the end',
        { at: '/meta/next' },
        (next) => ({ status: 200, body: { meta: next === null ? {} : { next } } }),
      ],
      [
        'present although another value says that it was the last',
        { at: '/meta/next', last: { at: '/meta/done' } },
        (next) => ({
          status: 200,
          body: { meta: { next: next ?? 'more', done: next === null } },
        }),
      ],
    ])('that is %s', async (_title, where, shape) => {
      answer = (request) => {
        const isFirst = queryOf(request).get('cursor') === null;
        const shaped = shape(isFirst ? AWKWARD : null);
        return {
          ...shaped,
          body: { ...(shaped.body as object), items: contacts(isFirst ? IDS.slice(0, 4) : IDS.slice(4)) },
        };
      };

      const pages = await readWith({
        type: 'cursor',
        parameter: 'cursor',
        size: 4,
        size_parameter: 'limit',
        ...where,
      });

      expect(idsIn(pages)).toEqual(IDS);
      expect(queryOf(server.requests[1] as RecordedRequest).get('cursor')).toBe(AWKWARD);
      expect(server.requests.map((request) => queryOf(request).get('limit'))).toEqual(['4', '4']);
    });

    it('in a header, a number in a body, and the id of the last record', async () => {
      answer = (request) => {
        const offset = Number(
          request.body === ''
            ? (queryOf(request).get('after') ?? 0)
            : ((JSON.parse(request.body) as { after?: number }).after ?? 0),
        );
        const items = IDS.slice(offset, offset + 3).map((id, index) => ({
          id,
          position: offset + index + 1,
        }));
        const next = offset + 3 < IDS.length ? offset + 3 : undefined;
        return {
          status: 200,
          headers: next === undefined ? {} : { 'X-Next': String(next) },
          body: { items, next },
        };
      };

      expect(idsIn(await readWith({ type: 'cursor', parameter: 'after', header: 'X-Next' }))).toEqual(IDS);
      expect(
        idsIn(
          await readWith(
            { type: 'cursor', parameter: 'after', at: '/next', in: 'body' },
            { method: 'POST', body: {} },
          ),
        ),
      ).toEqual(IDS);
      expect(idsIn(await readWith({ type: 'cursor', parameter: 'after', last_item: '/position' }))).toEqual(
        IDS,
      );
    });

    it('that never ends passes through unchanged, so that the reader can detect the repetition', async () => {
      answer = () => ({ status: 200, body: { items: contacts(IDS), next: 'again' } });
      const context = contextFor({ type: 'cursor', parameter: 'cursor', at: '/next' });

      const first = await readOnePage(context);
      const second = await readOnePage(context, { cursor: first.nextCursor });

      expect(second.nextCursor).toBe(first.nextCursor);
    });

    it.each([[{ a: 1 }], [['x']], ['half \ud800']])(
      'is refused as %j, which cannot be sent',
      async (next) => {
        answer = () => ({ status: 200, body: { items: [], next } });

        const failure = await failureOf(
          readOnePage(contextFor({ type: 'cursor', parameter: 'cursor', at: '/next' })),
        );

        expect(failure).toMatchObject({ kind: 'record_rejected', errors: [{ code: 'next_page_unusable' }] });
      },
    );
  });

  describe('by address', () => {
    const chain = (give: (url: string | undefined) => ScriptedAnswer) => (request: RecordedRequest) => {
      const at = Number(queryOf(request).get('at') ?? 0);
      const next = at + 3 < IDS.length ? `/contacts?at=${at + 3}&filter=a%20b` : undefined;
      const given = give(next);
      return { ...given, body: { ...(given.body as object), items: contacts(IDS.slice(at, at + 3)) } };
    };
    const link = (...targets: string[]) => ({ status: 200, headers: { Link: targets.join(', ') }, body: {} });

    it('in the Link header, relative, absolute, and among other relations', async () => {
      for (const base of ['', server.url]) {
        answer = chain((next) =>
          next === undefined
            ? link(
                `<${base}/contacts>; rel="first"; title="a, b; rel=next"`,
                `<${base}/contacts?at=0>;rel=prev`,
              )
            : link(`<${base}/contacts>; rel="first"`, `<${base}${next}>; title="x"; rel="last NEXT"`),
        );

        expect(idsIn(await readWith({ type: 'link' }))).toEqual(IDS);
      }
      expect(server.requests.at(-1)?.path).toBe('/contacts?at=6&filter=a%20b');
    });

    it('in a header of their own, and in the answer', async () => {
      answer = chain((next) => ({
        status: 200,
        headers: next === undefined ? {} : { 'Next-Page': `${server.url}${next}` },
        body: { links: { next: next ?? null } },
      }));

      expect(idsIn(await readWith({ type: 'header', name: 'next-page' }))).toEqual(IDS);
      expect(idsIn(await readWith({ type: 'cursor', at: '/links/next' }))).toEqual(IDS);
    });

    it('sends the credentials and headers along, and does not store a key that is part of the query', async () => {
      answer = (request) => {
        const at = Number(queryOf(request).get('at') ?? 0);
        return {
          status: 200,
          body: { items: contacts(IDS.slice(at, at + 4)), next: at === 0 ? `${request.path}&at=4` : null },
        };
      };
      const context = {
        ...contextFor({ type: 'none' }),
        config: rest.configSchema.parse({
          app: 'x',
          base_url: server.url,
          auth: { type: 'query', parameters: { api_key: '{api_key}' } },
          check: { path: '/' },
          record_types: {
            contacts: {
              list: {
                path: '/contacts',
                items: '/items',
                paging: { type: 'cursor', at: '/next' },
                headers: { 'X-Team': 'blue' },
              },
            },
          },
        }),
        credentials: { api_key: 'very-secret' },
      };

      const first = await readOnePage(context);
      const second = await readOnePage(context, { cursor: first.nextCursor });

      expect(first.nextCursor).not.toContain('very-secret');
      expect([...idsIn([first]), ...idsIn([second])]).toEqual(IDS.slice(0, 8));
      expect(queryOf(server.requests[1] as RecordedRequest).getAll('api_key')).toEqual(['very-secret']);
      expect(server.requests[1]?.headers['x-team']).toBe('blue');
    });

    it.each([
      ['link', { type: 'link' }],
      ['header', { type: 'header', name: 'Next' }],
      ['cursor', { type: 'cursor', at: '/next' }],
    ])(
      'on another scheme or host is read on our own if only its path is taken (%s)',
      async (_title, paging) => {
        const next = 'https://internal:8443/contacts?at=3';
        answer = (request) =>
          queryOf(request).get('at') === '3'
            ? { status: 200, body: { items: contacts(IDS.slice(3)) } }
            : {
                status: 200,
                headers: { Link: `<${next}>; rel="next"`, Next: next },
                body: { items: contacts(IDS.slice(0, 3)), next },
              };

        expect(idsIn(await readWith({ ...paging, take: 'path_and_query' }))).toEqual(IDS);
        expect(server.requests[1]?.path).toBe('/contacts?at=3');
      },
    );

    it.each(['file:///etc/passwd', 'http://['])('%s is refused even then', async (next) => {
      answer = () => ({ status: 200, body: { items: contacts(['1']), next } });

      const paging = { type: 'cursor', at: '/next', take: 'path_and_query' };
      expect((await failureOf(readWith(paging))).errors?.[0]?.code).toBe('next_page_unusable');
    });

    it.each([
      'http://elsewhere.example/contacts?at=3',
      '//elsewhere.example/x',
      'https://127.0.0.1/contacts',
      'http://user:pw@127.0.0.1/contacts',
      'file:///etc/passwd',
      'http://[',
    ])('on another host is refused and never called: %s', async (next) => {
      answer = () => ({ status: 200, headers: { 'Next-Page': next }, body: { items: contacts(IDS) } });

      const failure = await failureOf(readOnePage(contextFor({ type: 'header', name: 'Next-Page' })));

      expect(failure).toMatchObject({ kind: 'record_rejected', errors: [{ code: 'next_page_unusable' }] });
      expect(failure.message).not.toContain('pw');
      expect(server.requests).toHaveLength(1);
    });
  });

  describe('resumed', () => {
    it.each<[string, string, unknown]>([
      ['a cursor that no read has written', 'garbage', { type: 'page', parameter: 'page' }],
      [
        'an address in pages by number',
        '{"phase":"list","url":"http://127.0.0.1/x"}',
        { type: 'page', parameter: 'page' },
      ],
      ['a number in pages by address', '{"phase":"list","at":3}', { type: 'link' }],
      ['a text for a number', '{"phase":"list","at":"x"}', { type: 'offset', parameter: 'o', size: 3 }],
      ['an address elsewhere', '{"phase":"list","url":"http://elsewhere.example/"}', { type: 'link' }],
      ['a second page of a list with one page', '{"phase":"list","at":2}', { type: 'none' }],
      ['deleted records without a list of them', '{"phase":"deleted_list"}', { type: 'none' }],
    ])('with %s is refused before anything is sent', async (_title, cursor, paging) => {
      expect(await failureOf(readOnePage(contextFor(paging), { cursor }))).toMatchObject({
        kind: 'record_rejected',
        errors: [{ code: 'cursor_unusable' }],
      });
      expect(server.requests).toEqual([]);
    });
  });

  it('keep their position if the next page depends on a value', () => {
    const stable = (paging: unknown) =>
      rest.readAbilities?.(contextFor(paging).config, 'contacts')?.isPagingStable;

    expect(
      [{ type: 'none' }, { type: 'cursor', parameter: 'c', at: '/c' }, { type: 'link', stable: true }].map(
        stable,
      ),
    ).toEqual([true, true, true]);
    expect(
      [
        { type: 'page', parameter: 'p' },
        { type: 'offset', parameter: 'o', size: 3 },
        { type: 'link' },
        { type: 'header', name: 'N' },
        { type: 'cursor', at: '/next' },
        { type: 'cursor', parameter: 'c', at: '/c', stable: false },
      ].map(stable),
    ).toEqual([false, false, false, false, false, false]);
  });
});
