/**
 * Reading by SCIM: live descriptions, and lists as services really answer them. What every connector that
 * reads guarantees is in shared-reading-suite.ts.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { ReadPage, ReadRequest } from '../../../connectors/connector';
import { RateLimited, RecordRejected, Unavailable } from '../../../connectors/errors';
import { scim } from '../../../connectors/scim';
import { ENTERPRISE_SCHEMA, USER_SCHEMA } from '../../../connectors/scim/fields';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import { ensurePythonPackages } from '../../support/servers/python-packages';
import { temporaryFolder } from '../../support/servers/shared-servers';
import { startScimServer } from '../../support/servers/third-parties';
import { documentedExample, documentedMapping } from '../suite/documented';
import { contextWith, egressHttp, loopbackPolicy } from '../suite/given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

let server: ScriptedServer | undefined;

afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await server?.stop();
  server = undefined;
});

const SINCE = new Date('2026-11-21T10:00:00.000Z');

const aUser = (id: string, lastModified?: string, more: JsonObject = {}): JsonObject => ({
  schemas: [USER_SCHEMA],
  id,
  userName: id,
  meta: { resourceType: 'User', version: 'W/"1"', ...(lastModified === undefined ? {} : { lastModified }) },
  ...more,
});

const listOf = (total: number | undefined, ...resources: unknown[]): ScriptedAnswer => ({
  status: 200,
  body: { ...(total === undefined ? {} : { totalResults: total }), Resources: resources },
});

/** Answers `/Users` as given, and ServiceProviderConfig with what the service can do. */
async function given(
  users: (query: URLSearchParams, request: RecordedRequest) => ScriptedAnswer,
  features: JsonObject | null = null,
): Promise<void> {
  server = await startScriptedServer((request) => {
    const url = new URL(request.path, 'http://third-party');
    if (url.pathname === '/ServiceProviderConfig')
      return features === null ? { status: 404 } : { status: 200, body: features };
    return url.pathname === '/Users' ? users(url.searchParams, request) : { status: 404 };
  });
}

function contextFor(settings: JsonObject = {}, url = server?.url) {
  const config = scim.configSchema.parse({ base_url: url, page_size: 3, ...settings });
  return contextWith({
    config,
    credentials: { token: 't' },
    mappings: {},
    http: egressHttp(scim.hosts(config), 5_000),
  });
}

const readPage = (request: Partial<ReadRequest> = {}, context = contextFor()) =>
  scim.readPage?.(
    { recordType: 'employees', modifiedSince: null, cursor: null, ...request },
    context,
  ) as Promise<ReadPage>;

async function readAll(request: Partial<ReadRequest> = {}, context = contextFor()): Promise<ReadPage[]> {
  const pages: ReadPage[] = [];
  for (let cursor: string | null = null; pages.length < 20;) {
    const page = await readPage({ ...request, cursor }, context);
    pages.push(page);
    if (page.nextCursor === null) return pages;
    cursor = page.nextCursor;
  }
  throw new Error('the list has no end');
}

const idsOf = (pages: ReadPage[]) => pages.flatMap(({ records }) => records.map(({ remoteId }) => remoteId));
const queries = () =>
  (server?.requests ?? [])
    .map(({ path: address }) => new URL(address, 'http://x'))
    .filter(({ pathname }) => pathname === '/Users');
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => error,
  );

/** Pages of three out of so many users, as RFC 7644 3.4.2.4 has it. */
function paged(ids: readonly string[]) {
  return (query: URLSearchParams): ScriptedAnswer => {
    const [start, count] = [Number(query.get('startIndex')), Number(query.get('count'))];
    return listOf(ids.length, ...ids.slice(start - 1, start - 1 + count).map((id) => aUser(id)));
  };
}

describe('a record', () => {
  it('is what the resource says, apart from what the service says about it', async () => {
    await given(() => ({
      ...listOf(1, aUser('u1', '2026-11-20T10:00:00Z', { externalId: 'emp-1', name: { givenName: 'Ada' } })),
      headers: { date: 'Sat, 21 Nov 2026 10:00:01 GMT' },
    }));

    const page = await readPage();

    expect(page).toEqual({
      records: [
        {
          remoteId: 'u1',
          remoteVersion: 'W/"1"',
          fields: { userName: 'u1', name: { givenName: 'Ada' } },
          externalId: 'emp-1',
          isDeleted: false,
          modifiedAt: new Date('2026-11-20T10:00:00Z'),
        },
      ],
      unreadable: [],
      nextCursor: null,
      asOf: new Date('2026-11-21T10:00:01Z'),
      total: 1,
    });
  });

  it('that is invalid is reported with its position, and the others are read', async () => {
    await given(() =>
      listOf(6, aUser('u1'), { userName: 'no-id' }, 'nonsense', null, { id: null }, aUser('u2')),
    );

    const page = await readPage();

    expect(idsOf([page])).toEqual(['u1', 'u2']);
    expect(page.unreadable).toMatchObject([
      { code: 'no_id', message: 'Resource 2 of the list has no id.' },
      { code: 'not_an_object' },
      { code: 'not_an_object' },
      { code: 'no_id' },
    ]);
  });
});

describe('everything', () => {
  it('is read sorted by id if the service supports sorting', async () => {
    await given(paged(['a', 'b', 'c', 'd', 'e']), { sort: { supported: true } });

    expect(idsOf(await readAll())).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(queries().map(({ searchParams }) => searchParams.get('sortBy'))).toEqual(['id', 'id']);
    expect(server?.requests.filter(({ path: address }) => address === '/ServiceProviderConfig')).toHaveLength(
      1,
    );
  });

  it('is read in the order of the service if it does not support sorting', async () => {
    await given(paged(['a', 'b', 'c', 'd', 'e']), { sort: { supported: false } });

    expect(idsOf(await readAll())).toHaveLength(5);
    expect(queries().map(({ search }) => search)).toEqual(['?startIndex=1&count=3', '?startIndex=4&count=3']);
  });

  it('is read to its end if a service returns smaller pages', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    await given((query) =>
      paged(ids)(new URLSearchParams({ startIndex: query.get('startIndex') as string, count: '2' })),
    );

    expect(idsOf(await readAll())).toEqual(ids);
  });

  it('is read to its end if a service returns everything at once, or no total', async () => {
    await given(() => listOf(5, ...['a', 'b', 'c', 'd', 'e'].map((id) => aUser(id))));
    expect(idsOf(await readAll())).toHaveLength(5);
    await server?.stop();

    await given((query) => ({
      status: 200,
      body: { Resources: (paged(['a', 'b', 'c', 'd'])(query).body as JsonObject)['Resources'] },
    }));
    expect(idsOf(await readAll())).toHaveLength(4);
  });

  it('ends where the list has shrunk, which the counts show', async () => {
    await given((query) =>
      query.get('startIndex') === '1'
        ? listOf(5, aUser('a'), aUser('b'), aUser('c'))
        : { status: 200, body: { totalResults: 3 } },
    );

    const pages = await readAll();

    expect(pages.map(({ total }) => total)).toEqual([5, 3]);
    expect(idsOf(pages)).toHaveLength(3);
  });

  it('is refused from a service that shows the same page for ever', async () => {
    await given(() => listOf(1_000, aUser('a'), aUser('b'), aUser('c')));

    expect(await failureOf(readAll())).toMatchObject({
      kind: 'record_rejected',
      errors: [{ code: 'paging_ignored' }],
    });
  });
});

describe('what was modified', () => {
  it('is requested by a filter that was tried on all resources before', async () => {
    await given(() => listOf(1, aUser('a', '2026-11-21T10:00:00Z')), { sort: { supported: true } });

    const page = await readPage({ modifiedSince: SINCE });

    expect(page).toMatchObject({ records: [{ remoteId: 'a' }], total: 1, nextCursor: null });
    expect(queries().map(({ searchParams }) => searchParams.get('filter'))).toEqual([
      null,
      'meta.lastModified ge "1970-01-01T00:00:00.000Z"',
      'meta.lastModified ge "2026-11-21T10:00:00.000Z"',
    ]);
    expect(server?.requests.map(({ path: address }) => address).join(' ')).not.toContain('+');
  });

  it.each([400, 501])(
    'is selected from everything if the filter is refused (%s), which is not sent again',
    async (status) => {
      const modified = [
        '2026-11-21T09:59:59.999Z',
        '2026-11-21T10:00:00Z',
        undefined,
        '2026-11-21T12:00:00+02:00',
        '2026-11-21T11:59:59+02:00',
      ];
      await given((query) => {
        if (query.has('filter'))
          return { status, body: { scimType: 'invalidFilter', detail: 'No such filter.' } };
        const start = Number(query.get('startIndex')) - 1;
        return listOf(
          5,
          ...modified.map((instant, index) => aUser(`u${index}`, instant)).slice(start, start + 3),
        );
      });

      const pages = await readAll({ modifiedSince: SINCE });

      expect(idsOf(pages)).toEqual(['u1', 'u2', 'u3']);
      expect(pages.map(({ total }) => total)).toEqual([null, null]);
      expect(queries().map(({ searchParams }) => searchParams.has('filter'))).toEqual([
        false,
        true,
        false,
        false,
      ]);
    },
  );

  it('is selected from everything if the service ignores the filter', async () => {
    await given(() => listOf(2, aUser('old', '2026-11-20T00:00:00Z'), aUser('new', '2026-11-21T11:00:00Z')));

    expect(await readPage({ modifiedSince: SINCE })).toMatchObject({
      records: [{ remoteId: 'new' }],
      total: null,
    });
  });

  it('is not requested by a filter if configured so', async () => {
    await given(() => listOf(1, aUser('new', '2026-11-21T11:00:00Z')));
    const context = contextFor({ filter_modified: false });

    expect(scim.readAbilities?.(context.config, 'employees')).toEqual({
      canFilterByModified: false,
      isPagingStable: false,
      declaredAt: { filter: '/config/filter_modified' },
    });
    expect(idsOf([await readPage({ modifiedSince: SINCE }, context)])).toEqual(['new']);
    expect(queries()[0]?.searchParams.has('filter')).toBe(false);
  });

  it('is not read as everything when the third party is only busy', async () => {
    await given(() => ({ status: 429, headers: { 'retry-after': '7' } }));

    expect(await failureOf(readPage({ modifiedSince: SINCE }))).toMatchObject({
      kind: 'rate_limited',
      retryAfterMs: 7_000,
    });
    expect(queries()).toHaveLength(1);
  });
});

describe('trouble', () => {
  it.each([
    ['a page for people', { status: 200, body: '<html>Please log in</html>' }, Unavailable],
    ['JSON that is no list', { status: 200, body: { hello: 'environment' } }, Unavailable],
    ['a refusal', { status: 403, body: { detail: 'No.' } }, RecordRejected],
    ['a missing endpoint', { status: 404 }, RecordRejected],
    ['a failure', { status: 500 }, Unavailable],
    ['a request to wait', { status: 503, headers: { 'retry-after': '1' } }, RateLimited],
  ])('is the right kind of error: %s', async (_title, answer: ScriptedAnswer, kind) => {
    await given(() => answer);

    expect(await failureOf(readPage())).toBeInstanceOf(kind);
  });

  it.each(['', '7', '[1]', '{"startIndex":1}'])(
    'is a refused cursor of another connector: %s',
    async (cursor) => {
      await given(() => listOf(0));

      expect(await failureOf(readPage({ cursor }))).toMatchObject({
        kind: 'record_rejected',
        errors: [{ code: 'unknown_cursor' }],
      });
      expect(server?.requests).toEqual([]);
    },
  );
});

describe('a count', () => {
  it('is the total of a list of one', async () => {
    await given(() => listOf(4_711, aUser('a')));

    expect(await scim.count?.('employees', contextFor())).toBe(4_711);
    expect(queries().map(({ search }) => search)).toEqual(['?startIndex=1&count=1']);
  });

  it('is unknown where the list has no total', async () => {
    await given(() => listOf(undefined, aUser('a')));

    expect(await scim.count?.('employees', contextFor())).toBeNull();
  });
});

describe('a description', () => {
  it('is the standard one if the service has no schemas', async () => {
    await given(() => listOf(0));
    const context = contextFor();

    expect(await scim.describeRecordTypes?.(context)).toEqual(scim.recordTypes(context.config));
  });

  it('includes an attribute and a picklist value that were added to a running service', async () => {
    const packages = await ensurePythonPackages();
    const schemas = JSON.parse(
      fs.readFileSync(path.join(packages, 'scim2_server/resources/default-schemas.json'), 'utf8'),
    ) as JsonObject[];
    const user = schemas.find(({ id }) => id === USER_SCHEMA) as { attributes: JsonObject[] };
    const shirtSize = {
      name: 'shirtSize',
      type: 'string',
      multiValued: false,
      required: true,
      caseExact: false,
      mutability: 'readWrite',
      returned: 'default',
      uniqueness: 'none',
      description: 'Shirt',
      canonicalValues: ['S', 'M', 'L'],
    };
    user.attributes.push(shirtSize);
    const schemaFile = path.join(temporaryFolder('schemas'), 'schemas.json');
    fs.writeFileSync(schemaFile, JSON.stringify(schemas));
    const real = await startScimServer({ schemaFile });

    const config = scim.configSchema.parse({ base_url: real.url });
    const context = contextWith({
      config,
      credentials: { token: real.bearerToken },
      mappings: {},
      http: egressHttp(scim.hosts(config)),
    });
    const [described] = (await scim.describeRecordTypes?.(context)) ?? [];
    await real.stop();

    const field = (name: string) => described?.fields.find((candidate) => candidate.name === name);
    expect(field('/shirtSize')).toEqual({
      name: '/shirtSize',
      label: 'Shirt size',
      type: 'picklist',
      isRequired: true,
      values: ['S', 'M', 'L'],
    });
    expect(field('/userName')).toEqual({
      name: '/userName',
      label: 'User name',
      type: 'string',
      isRequired: true,
    });
    expect(field('emails[type eq "work"].value')).toMatchObject({
      label: 'E-mail (work)',
      type: 'string',
      isRequired: false,
    });
    expect(field('/roles')).toMatchObject({ type: 'array' });
    expect(field('/groups')).toMatchObject({ type: 'array' });
    expect(field(`/${ENTERPRISE_SCHEMA}/manager/value`)).toMatchObject({ type: 'string' });
    for (const name of ['/password', '/id', '/meta', '/externalId']) expect(field(name)).toBeUndefined();
  });

  it('ignores invalid schemas', async () => {
    server = await startScriptedServer(() => ({
      status: 200,
      body: {
        Resources: [
          null,
          'x',
          { id: USER_SCHEMA, attributes: [7, { name: '' }, { name: 'a/b' }] },
          { id: 3 },
        ],
      },
    }));
    const [described] = (await scim.describeRecordTypes?.(contextFor())) ?? [];

    expect(described?.fields.filter(({ name }) => !name.startsWith('/urn:'))).toEqual([
      { name: '/a~1b', label: 'A/b', type: 'string', isRequired: false },
    ]);
  });
});

it('accepts the example of the page', () => {
  const example = documentedExample('scim');
  const config = scim.configSchema.parse(example.config);

  expect(scim.validate?.(config, { employees: documentedMapping(example, 'employees') })).toEqual([]);
  expect(Object.keys(example.credentials)).toEqual(['token']);
});
