/** ServiceProviderConfig is obeyed, and a filter is tried before it is trusted. */
import type { ReadPage, ReadRequest } from '../../../connectors/connector';
import { scim } from '../../../connectors/scim';
import { EMPLOYEES_MAPPING, USER_SCHEMA } from '../../../connectors/scim/fields';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import { type ScimServer, startScimServer } from '../../support/servers/third-parties';
import { contextWith, egressHttp, loopbackPolicy, pushItem } from '../suite/given';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from '../suite/scripted-server';

const SINCE = new Date('2026-11-21T10:00:00.000Z');

let stop: () => Promise<void> = () => Promise.resolve();

afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await stop();
  stop = () => Promise.resolve();
});

/** The queries of `/Users`, and the methods with their headers, as the service saw them. */
interface Seen {
  queries: URLSearchParams[];
  writes: { method: string; headers: Record<string, string> }[];
}

function contextFor(url: string, token: string, seen: Seen) {
  const config = scim.configSchema.parse({ base_url: url, page_size: 3 });
  const http = egressHttp(scim.hosts(config));
  return contextWith({
    config,
    credentials: { token },
    mappings: { employees: EMPLOYEES_MAPPING },
    http: {
      send(request) {
        const { pathname, searchParams } = new URL(request.url);
        if (request.method === 'GET' && pathname.endsWith('/Users')) seen.queries.push(searchParams);
        if (request.method !== 'GET')
          seen.writes.push({ method: request.method, headers: request.headers ?? {} });
        return http.send(request);
      },
    },
  });
}

async function readAll(request: Partial<ReadRequest>, context: ReturnType<typeof contextFor>) {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = (await scim.readPage?.(
      { recordType: 'employees', modifiedSince: null, ...request, cursor },
      context,
    )) as ReadPage;
    ids.push(...page.records.map(({ remoteId }) => remoteId));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return ids.sort();
}

describe('scim2-server', () => {
  async function given(features: JsonObject, count = 7) {
    const server: ScimServer = await startScimServer({ features });
    stop = server.stop;
    const seen: Seen = { queries: [], writes: [] };
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const response = await fetch(`${server.url}/Users`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${server.bearerToken}`,
          'content-type': 'application/scim+json',
        },
        body: JSON.stringify({ schemas: [USER_SCHEMA], userName: `user-${index}` }),
      });
      ids.push(((await response.json()) as { id: string }).id);
    }
    return { ids: ids.sort(), seen, context: contextFor(server.url, server.bearerToken, seen) };
  }

  it('A18: without filters is asked for none, in runs and in searches', async () => {
    const { ids, seen, context } = await given({ filter: { supported: false, maxResults: 100 } });

    expect(await readAll({ modifiedSince: SINCE }, context)).toEqual(ids);
    expect(
      await scim.push([pushItem('employees', EMPLOYEES_MAPPING, { user_name: 'ada' })], context),
    ).toMatchObject([{ ok: true, effect: 'created' }]);
    expect(seen.queries.filter((query) => query.has('filter'))).toEqual([]);
  });

  it('A18: with filters is read by them', async () => {
    const { ids, context, seen } = await given({});

    expect(await readAll({ modifiedSince: SINCE }, context)).toEqual(ids);
    expect(await readAll({ modifiedSince: new Date(Date.now() + 86_400_000) }, context)).toEqual([]);
    expect(seen.queries.filter((query) => query.has('sortBy'))).toEqual([]);
  });

  it('A18: without sorting is asked for no order', async () => {
    const { ids, seen, context } = await given({ sort: { supported: false } });

    expect(await readAll({}, context)).toEqual(ids);
    expect(seen.queries.filter((query) => query.has('sortBy'))).toEqual([]);
  });

  it('A18: without PATCH and versions is updated by PUT and without If-Match', async () => {
    const { seen, context } = await given({ patch: { supported: false }, etag: { supported: false } });
    const item = pushItem('employees', EMPLOYEES_MAPPING, { user_name: 'ada', first_name: 'Ada' });
    await scim.push([item], context);

    const { payload } = pushItem('employees', EMPLOYEES_MAPPING, { user_name: 'ada', first_name: 'Augusta' });
    const updated = await scim.push([{ ...item, payload }], context);

    expect(updated).toMatchObject([{ ok: true, effect: 'updated' }]);
    expect(seen.writes.map(({ method }) => method)).toEqual(['POST', 'PUT']);
    expect(seen.writes[1]?.headers).not.toHaveProperty('if-match');
  });

  it('A18: that pages by cursors only is read and searched by cursors', async () => {
    const pagination = { cursor: true, index: false, defaultPaginationMethod: 'cursor', maxPageSize: 2 };
    const { ids, seen, context } = await given({ pagination });
    const item = pushItem('employees', EMPLOYEES_MAPPING, { user_name: 'ada' });

    expect(await readAll({}, context)).toEqual(ids);
    expect(await scim.count?.('employees', context)).toBe(ids.length);
    expect(await scim.push([item, item], context)).toMatchObject([{ ok: true }, { ok: true }]);
    expect(seen.queries.filter((query) => query.has('startIndex'))).toEqual([]);
    expect(seen.queries.filter((query) => Number(query.get('count')) > 2)).toEqual([]);
  });
});

describe('a service', () => {
  const aUser = (id: string, lastModified?: string): JsonObject => ({
    id,
    userName: id,
    meta: lastModified === undefined ? {} : { lastModified },
  });
  const USERS = [
    aUser('a', '2026-11-20T00:00:00Z'),
    ...['b', 'c', 'd'].map((id) => aUser(id, '2026-11-22T00:00:00Z')),
  ];

  async function given(
    answer: (query: URLSearchParams) => ScriptedAnswer,
    features: JsonObject | null = null,
  ) {
    const server: ScriptedServer = await startScriptedServer(({ path, headers, method }) => {
      const url = new URL(path, 'http://third-party');
      if (url.pathname === '/ServiceProviderConfig')
        return features === null ? { status: 404 } : { status: 200, body: features };
      if (method === 'PATCH')
        return headers['if-match'] === undefined ? { status: 204 } : { status: 412, body: {} };
      return url.pathname === '/Users'
        ? answer(url.searchParams)
        : { status: 200, body: { ...aUser('a'), meta: { version: 'W/"1"' } } };
    });
    stop = () => server.stop();
    const seen: Seen = { queries: [], writes: [] };
    return { seen, context: contextFor(server.url, 't', seen) };
  }

  const page = (users: readonly JsonObject[], query: URLSearchParams): ScriptedAnswer => {
    const [start, count] = [Number(query.get('startIndex')), Number(query.get('count'))];
    const Resources = users.slice(start - 1, start - 1 + count);
    return { status: 200, body: { totalResults: users.length, Resources } };
  };

  it.each<[string, (query: URLSearchParams) => ScriptedAnswer]>([
    ['answers nothing', (query) => page([], query)],
    ['answers nothing and no total', () => ({ status: 200, body: { Resources: [] } })],
    ['answers some of what matches', (query) => page(USERS.slice(0, 2), query)],
    ['refuses the filter', () => ({ status: 400, body: {} })],
  ])('A18: rule 52: that %s to a filter that must match is read as a whole', async (_title, filtered) => {
    const { context } = await given((query) => (query.has('filter') ? filtered(query) : page(USERS, query)));

    expect(await readAll({ modifiedSince: SINCE }, context)).toEqual(['b', 'c', 'd']);
  });

  it('A18: that answers fully to such a filter is believed, also when it answers nothing to ours', async () => {
    const { context, seen } = await given((query) =>
      query.get('filter')?.includes('2026') ? page([], query) : page(USERS, query),
    );

    expect(await readAll({ modifiedSince: SINCE }, context)).toEqual([]);
    expect(seen.queries).toHaveLength(3);
  });

  it('whose list shrinks while the filter is tried is tried once more', async () => {
    let calls = 0;
    const { context, seen } = await given((query) => {
      calls += 1;
      return page(calls === 1 ? USERS : USERS.slice(1), query);
    });

    expect(await readAll({ modifiedSince: SINCE }, context)).toEqual(['b', 'c', 'd']);
    expect(seen.queries.map((query) => query.has('filter'))).toEqual([false, true, false, true, true]);
  });

  it('that says it has no filters is asked for none, whatever it would answer', async () => {
    const features = { filter: { supported: false } };
    const { context, seen } = await given((query) => page(query.has('filter') ? [] : USERS, query), features);

    expect(await readAll({ modifiedSince: SINCE }, context)).toEqual(['b', 'c', 'd']);
    expect(seen.queries.filter((query) => query.has('filter'))).toEqual([]);
  });

  it('that refuses an order it announced is read without it', async () => {
    const { context } = await given(
      (query) => (query.has('sortBy') ? { status: 501, body: {} } : page(USERS, query)),
      { sort: { supported: true } },
    );

    expect(await readAll({}, context)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is asked for no more resources than it returns to a filter', async () => {
    const { context, seen } = await given((query) => page(USERS, query), {
      filter: { supported: true, maxResults: 2 },
    });

    await readAll({ modifiedSince: SINCE }, context);

    expect(seen.queries.map((query) => query.get('count'))).toEqual(['1', '1', '2', '2']);
  });

  it('that has versions but does not compare them is sent none', async () => {
    const { context, seen } = await given((query) => page(USERS, query), { etag: { supported: false } });
    const item = pushItem('employees', EMPLOYEES_MAPPING, { first_name: 'Ada' }, { remoteId: 'a' });

    expect(await scim.push([item], context)).toMatchObject([{ ok: true, effect: 'updated' }]);
    expect(seen.writes[0]?.headers).not.toHaveProperty('if-match');
  });
});
