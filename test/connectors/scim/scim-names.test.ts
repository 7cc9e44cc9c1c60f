/** Services that write names and ids in their own way. */
import type { ReadPage } from '../../../connectors/connector';
import { scim } from '../../../connectors/scim';
import { EMPLOYEES_MAPPING, ENTERPRISE_SCHEMA } from '../../../connectors/scim/fields';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { fieldsFromRemote } from '../../../domain/pull/reverse-mapping';
import { contextWith, egressHttp, loopbackPolicy, pushItem } from '../suite/given';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from '../suite/scripted-server';

let server: ScriptedServer | undefined;

afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await server?.stop();
  server = undefined;
});

const HIS_SCHEMA = ENTERPRISE_SCHEMA.toLowerCase();
const oddUser: JsonObject = {
  ID: 4711,
  ExternalID: 'emp-1',
  username: 'ada',
  NAME: { givenname: 'Ada', FamilyName: 'Lovelace' },
  Emails: [{ Type: 'work', VALUE: 'ada@work.example', Primary: true }],
  [HIS_SCHEMA]: { Department: 'Research' },
  nickname: 'Countess',
  Meta: { LastModified: '2026-11-21T10:00:00Z', Version: 'W/"1"' },
  Schemas: [HIS_SCHEMA],
};

/** Answers by `METHOD /path` without the query, and 404 for everything else. */
async function given(routes: Record<string, ScriptedAnswer>): Promise<void> {
  server = await startScriptedServer(
    ({ method, path }) => routes[`${method} ${path.split('?')[0]}`] ?? { status: 404 },
  );
}

function contextFor(mapping: RecordTypeMapping = EMPLOYEES_MAPPING, settings: JsonObject = {}) {
  const config = scim.configSchema.parse({ base_url: server?.url, ...settings });
  const http = egressHttp(scim.hosts(config), 5_000);
  return contextWith({ config, credentials: { token: 't' }, mappings: { employees: mapping }, http });
}

const readPage = (mapping?: RecordTypeMapping, modifiedSince: Date | null = null) =>
  scim.readPage?.(
    { recordType: 'employees', modifiedSince, cursor: null },
    contextFor(mapping),
  ) as Promise<ReadPage>;

const listOf = (...users: JsonObject[]): ScriptedAnswer => ({
  status: 200,
  body: { totalresults: users.length, resources: users },
});

describe('names', () => {
  it('A17: are read in the spelling of the mapping, whatever their case', async () => {
    await given({ 'GET /Users': listOf(oddUser) });

    const page = await readPage();

    expect(page).toMatchObject({
      records: [{ remoteId: '4711', externalId: 'emp-1', remoteVersion: 'W/"1"' }],
      unreadable: [],
      total: 1,
    });
    expect(fieldsFromRemote(EMPLOYEES_MAPPING)(page.records[0]?.fields ?? {}).fields).toEqual({
      user_name: 'ada',
      first_name: 'Ada',
      last_name: 'Lovelace',
      email: 'ada@work.example',
      department: 'Research',
    });
  });

  it('are read as a mapping in another spelling writes them', async () => {
    await given({ 'GET /Users': listOf({ id: 'u1', userName: 'ada', name: { givenName: 'Ada' } }) });
    const mapping: RecordTypeMapping = {
      ...EMPLOYEES_MAPPING,
      fields: [
        { name: 'login', to: '/USERNAME' },
        { name: 'first_name', to: '/Name/givenname' },
      ],
    };

    const page = await readPage(mapping);

    expect(fieldsFromRemote(mapping)(page.records[0]?.fields ?? {}).fields).toEqual({
      login: 'ada',
      first_name: 'Ada',
    });
  });

  it('of a resource that writes one twice are those of the exact spelling', async () => {
    await given({ 'GET /Users': listOf({ id: 'u1', username: 'old', userName: 'ada', USERNAME: 'x' }) });

    expect((await readPage()).records[0]?.fields).toEqual({ userName: 'ada' });
  });

  it('A17: are written as the service writes them, and nothing is written beside (PATCH)', async () => {
    await given({
      'GET /Users/4711': { status: 200, body: oddUser },
      'PATCH /Users/4711': { status: 204 },
    });

    const pushed = await push({ first_name: 'Augusta', department: 'Engines' });

    expect(pushed).toMatchObject({ ok: true, remoteId: '4711' });
    expect(written()).toMatchObject({
      Operations: [
        { op: 'replace', path: 'NAME.givenname', value: 'Augusta' },
        { op: 'replace', path: `${HIS_SCHEMA}:Department`, value: 'Engines' },
      ],
    });
  });

  it('A17: are written as the service writes them, and nothing is written beside (PUT)', async () => {
    await given({
      'GET /Users/4711': { status: 200, body: oddUser },
      'PUT /Users/4711': { status: 200, body: oddUser },
    });

    await push({ first_name: 'Augusta' }, { update_with: 'put' });

    expect(written()).toEqual({
      ...oddUser,
      NAME: { givenname: 'Augusta', FamilyName: 'Lovelace' },
      Schemas: [HIS_SCHEMA, 'urn:ietf:params:scim:schemas:core:2.0:User'],
    });
  });

  it('A17: make no call when a pushed record is pushed again', async () => {
    await given({ 'GET /Users/4711': { status: 200, body: oddUser } });

    expect(await push({ first_name: 'Ada', department: 'Research' })).toMatchObject({ ok: true });
    expect(server?.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('of an error, its type and detail, are read in any case', async () => {
    await given({
      'GET /Users': listOf(),
      'POST /Users': { status: 400, body: { ScimType: 'invalidValue', DETAIL: 'userName is too long' } },
    });

    expect(await push({ user_name: 'ada' }, {}, null)).toMatchObject({
      ok: false,
      error: { errors: [{ field: 'user_name', code: 'invalidValue', message: 'userName is too long' }] },
    });
  });

  it('of ServiceProviderConfig are read in any case', async () => {
    await given({
      'GET /ServiceProviderConfig': { status: 200, body: { Patch: { Supported: 'False' } } },
      'GET /Users/4711': { status: 200, body: oddUser },
      'PUT /Users/4711': { status: 200, body: oddUser },
    });

    expect(await push({ first_name: 'Augusta' })).toMatchObject({ ok: true });
    expect(server?.requests.at(-1)).toMatchObject({ method: 'PUT' });
  });

  it('of a description are those of the standard', async () => {
    const attributes = [
      { Name: 'username', Type: 'String', Required: true },
      { Name: 'name', type: 'complex', SubAttributes: [{ name: 'GIVENNAME', type: 'string' }] },
    ];
    await given({
      'GET /Schemas': listOf({
        Id: 'URN:ietf:params:scim:schemas:core:2.0:user',
        Attributes: attributes,
      }),
    });

    const [described] = (await scim.describeRecordTypes?.(contextFor())) ?? [];

    expect(described?.fields.filter(({ name }) => !name.startsWith('/urn:'))).toEqual([
      { name: '/userName', label: 'User name', type: 'string', isRequired: true },
      { name: '/name/givenName', label: 'Given name', type: 'string', isRequired: false },
    ]);
  });

  it('that two fields of a mapping spell differently are refused', () => {
    const config = scim.configSchema.parse({ base_url: 'https://hr.example.com' });
    const fields = [
      { name: 'user_name', to: '/username' },
      { name: 'first_name', to: '/name/givenName' },
      { name: 'last_name', to: '/Name/familyName' },
    ];

    expect(scim.validate?.(config, { employees: { ...EMPLOYEES_MAPPING, fields } })).toMatchObject([
      { pointer: '/record_types/employees/fields/2/to' },
    ]);
  });
});

describe('ids', () => {
  it.each<[string, string, string]>([
    ['a number', '4711', '4711'],
    ['a number too long for a double', '90071992547409931', '90071992547409931'],
    ['zero', '0', '0'],
    ['a boolean', 'false', 'false'],
    ['a text of digits', '"007"', '007'],
  ])('A17: can be any JSON scalar: %s', async (_title, json, remoteId) => {
    await given({
      'GET /Users': { status: 200, body: `{"totalResults":1,"Resources":[{"id":${json},"userName":"a"}]}` },
    });

    expect(await readPage()).toMatchObject({ records: [{ remoteId }], unreadable: [] });
  });

  it.each(['null', '""', '{}', '["a"]'])('are nothing else: %s', async (json) => {
    await given({
      'GET /Users': { status: 200, body: `{"totalResults":1,"Resources":[{"id":${json},"userName":"a"}]}` },
    });

    expect(await readPage()).toMatchObject({ records: [], unreadable: [{ code: 'no_id' }] });
  });

  it('of a created user can be a number', async () => {
    await given({
      'GET /Users': listOf(),
      'POST /Users': { status: 201, body: { id: 12, userName: 'ada' } },
    });

    expect(await push({ user_name: 'ada' }, {}, null)).toMatchObject({ ok: true, remoteId: '12' });
  });

  it('of ours can be shown as a number, and the user is found by it', async () => {
    await given({
      'GET /Users': listOf({ id: 'u1', externalId: 42, name: { givenName: 'Ada' }, active: true }),
    });

    expect(await push({ first_name: 'Ada' }, {}, null, '42')).toMatchObject({ ok: true, remoteId: 'u1' });
    expect(server?.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});

it('A17: a user without meta.lastModified is read by an incremental run', async () => {
  const since = new Date('2026-11-21T10:00:00Z');
  const modified = { id: 'u2', meta: { lastModified: '2026-11-21T11:00:00Z' } };
  server = await startScriptedServer(({ path }) => {
    if (!path.startsWith('/Users')) return { status: 404 };
    return path.includes('filter=') ? listOf(modified) : listOf({ id: 'u1', userName: 'ada' }, modified);
  });

  expect((await readPage(EMPLOYEES_MAPPING, since)).records.map(({ remoteId }) => remoteId)).toEqual([
    'u1',
    'u2',
  ]);
});

async function push(
  fields: JsonObject,
  settings: JsonObject = {},
  remoteId: string | null = '4711',
  externalId = 'emp-1',
) {
  // The fields that the odd user has already.
  const mapping = {
    ...EMPLOYEES_MAPPING,
    fields: EMPLOYEES_MAPPING.fields.filter(({ constant }) => constant === undefined),
  };
  const item = pushItem('employees', mapping, fields, { remoteId, externalId });
  return (await scim.push([item], contextFor(mapping, settings)))[0];
}

function written(): JsonObject {
  const request = server?.requests.find(({ method }) => method !== 'GET');
  return JSON.parse(request?.body ?? 'null') as JsonObject;
}

it('A2: a selector chooses by names in any case, as the service writes them', async () => {
  const things = [
    { Kind: 'a', value: '1' },
    { KIND: 'B', Value: '2' },
  ];
  await given({ 'GET /Users': listOf({ id: 'u1', things }) });
  const mapping: RecordTypeMapping = {
    ...EMPLOYEES_MAPPING,
    fields: [{ name: 'thing', to: 'things[kind eq "b"].value' }],
  };

  const page = await readPage(mapping);

  expect(fieldsFromRemote(mapping)(page.records[0]?.fields ?? {}).fields).toEqual({ thing: '2' });
});
