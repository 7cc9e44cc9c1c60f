/** Behaviour specific to SCIM, against scim2-server; shared-suite.ts has what every connector guarantees. */
import { randomUUID } from 'node:crypto';
import type { HttpClient, PushItem, PushResult } from '../../../connectors/connector';
import { scim } from '../../../connectors/scim';
import { EMPLOYEES_MAPPING, ENTERPRISE_SCHEMA, USER_SCHEMA } from '../../../connectors/scim/fields';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import { mergePulled } from '../../../domain/pull/three-way-merge';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { payloadDifference } from '../../../domain/records/payload-difference';
import { type ScimServer, startScimServer } from '../../support/servers/third-parties';
import { contextWith, egressHttp, loopbackPolicy, pushItem } from '../suite/given';

type Pushed = Extract<PushResult, { ok: true }>;

let server: ScimServer;

beforeAll(async () => {
  server = await startScimServer();
}, 300_000);

afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const unique = () => `ada-${randomUUID()}`;

function anEmployee(
  fields: JsonObject = {},
  overrides: Partial<PushItem> = {},
  mapping = EMPLOYEES_MAPPING,
): PushItem {
  const name = unique();
  return pushItem(
    'employees',
    mapping,
    { user_name: name, first_name: 'Ada', last_name: 'Lovelace', email: `${name}@example.com`, ...fields },
    overrides,
  );
}

/** The same record again, with other fields; a field that is undefined is left out. */
function changed(
  item: PushItem,
  pushed: Pushed,
  fields: JsonObject,
  overrides: Partial<PushItem> = {},
): PushItem {
  const payload = pushItem('employees', EMPLOYEES_MAPPING, fields).payload;
  return {
    ...item,
    pushId: `psh_${randomUUID()}`,
    payload,
    remoteId: pushed.remoteId,
    remoteVersion: pushed.remoteVersion,
    ...overrides,
  };
}

interface Options {
  mapping?: RecordTypeMapping;
  updateWith?: 'patch' | 'put';
  http?: HttpClient;
}

async function push(
  item: PushItem,
  { mapping = EMPLOYEES_MAPPING, updateWith = 'patch', http }: Options = {},
): Promise<PushResult> {
  const config = scim.configSchema.parse({ base_url: server.url, update_with: updateWith });
  const context = contextWith({
    config,
    credentials: { token: server.bearerToken },
    mappings: { employees: mapping },
    http: http ?? egressHttp(scim.hosts(config)),
  });
  return (await scim.push([item], context))[0] as PushResult;
}

async function pushOk(item: PushItem, options: Options = {}): Promise<Pushed> {
  const result = await push(item, options);
  if (!result.ok) throw new Error(JSON.stringify(result.error), { cause: result.error });
  return result;
}

/** A call past the connector. */
async function call(method: string, path: string, body?: unknown): Promise<JsonObject> {
  const headers = { authorization: `Bearer ${server.bearerToken}`, 'content-type': 'application/scim+json' };
  const response = await fetch(server.url + path, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? {} : (JSON.parse(text) as JsonObject);
}

const user = (remoteId: string | null) => call('GET', `/Users/${remoteId}`);
const patch = (remoteId: string | null, Operations: unknown[]) =>
  call('PATCH', `/Users/${remoteId}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations,
  });

it('fills the core schema and the enterprise extension by the default mapping', async () => {
  const item = anEmployee({
    department: 'Research',
    employee_number: 4711,
    title: 'Analyst',
    phone: '+44 20 7946 0000',
    active: true,
    division: 'Engines',
    cost_center: 'C1',
  });

  const { remoteId } = await pushOk(item);

  expect(await user(remoteId)).toMatchObject({
    externalId: item.externalId,
    schemas: expect.arrayContaining([USER_SCHEMA, ENTERPRISE_SCHEMA]) as unknown,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ type: 'work', primary: true }],
    phoneNumbers: [{ value: '+44 20 7946 0000', type: 'work' }],
    title: 'Analyst',
    active: true,
    [ENTERPRISE_SCHEMA]: {
      department: 'Research',
      employeeNumber: '4711',
      division: 'Engines',
      costCenter: 'C1',
    },
  });
});

describe.each(['patch', 'put'] as const)('an update by %s', (updateWith) => {
  it('leaves unmapped values unchanged, including values added to our lists', async () => {
    const item = anEmployee({ department: 'Research' });
    const created = await pushOk(item);
    await patch(created.remoteId, [
      { op: 'add', path: 'nickName', value: 'Countess' },
      { op: 'add', path: 'name.middleName', value: 'King' },
      { op: 'add', path: 'emails', value: [{ type: 'home', value: 'ada@home.example' }] },
      { op: 'add', path: `${ENTERPRISE_SCHEMA}:organization`, value: 'Analytical' },
    ]);

    await pushOk(
      changed(item, created, {
        user_name: 'renamed-' + unique(),
        first_name: 'Augusta',
        email: 'augusta@example.com',
        department: 'Engines',
      }),
      {
        updateWith,
      },
    );

    expect(await user(created.remoteId)).toMatchObject({
      nickName: 'Countess',
      name: { givenName: 'Augusta', familyName: 'Lovelace', middleName: 'King' },
      emails: [
        { type: 'work', value: 'augusta@example.com', primary: true },
        { type: 'home', value: 'ada@home.example' },
      ],
      [ENTERPRISE_SCHEMA]: { department: 'Engines', organization: 'Analytical' },
    });
  });

  it('removes a value that is null in the change, and leaves one that is absent', async () => {
    const item = anEmployee({ department: 'Research', title: 'Analyst', phone: '1' });
    const created = await pushOk(item);

    await pushOk(changed(item, created, { email: null, department: null, phone: null }), { updateWith });

    const after = await user(created.remoteId);
    expect(after).toMatchObject({ title: 'Analyst', name: { givenName: 'Ada' } });
    expect(after).not.toHaveProperty('emails');
    expect(after).not.toHaveProperty('phoneNumbers');
    expect((after[ENTERPRISE_SCHEMA] as JsonObject | undefined)?.['department']).toBeUndefined();
  });

  it('adds the enterprise extension to a user that had none', async () => {
    const item = anEmployee();
    const created = await pushOk(item);

    await pushOk(changed(item, created, { department: 'Research' }), { updateWith });

    expect(await user(created.remoteId)).toMatchObject({ [ENTERPRISE_SCHEMA]: { department: 'Research' } });
  });

  it('loses no change when the user is changed between our read and write (412)', async () => {
    const item = anEmployee();
    const created = await pushOk(item);
    const http = interfering(async () =>
      patch(created.remoteId, [{ op: 'replace', path: 'nickName', value: 'Countess' }]),
    );

    const updated = await pushOk(changed(item, created, { first_name: 'Augusta' }), {
      updateWith,
      http: http.client,
    });

    expect(http.statuses).toContain(412);
    expect(updated.effect).toBe('updated');
    expect(await user(created.remoteId)).toMatchObject({
      nickName: 'Countess',
      name: { givenName: 'Augusta' },
    });
  });

  it('returns the version it wrote', async () => {
    const item = anEmployee();
    const created = await pushOk(item);

    const updated = await pushOk(changed(item, created, { first_name: 'Augusta' }), { updateWith });

    expect(updated.remoteVersion).not.toBe(created.remoteVersion);
    expect(updated.remoteVersion).toBe(((await user(created.remoteId))['meta'] as JsonObject)['version']);
  });

  it('writes nothing when nothing differs', async () => {
    const item = anEmployee();
    const created = await pushOk(item);
    const http = interfering(() => Promise.resolve({}));

    await pushOk(
      { ...item, pushId: 'psh_again', remoteId: created.remoteId },
      { updateWith, http: http.client },
    );

    expect(http.methods).not.toContain('PATCH');
    expect(http.methods).not.toContain('PUT');
  });
});

describe('A2: rule 48: an edit of the first name', () => {
  const home = { type: 'home', value: 'home@example.com' };
  const work = { type: 'work', value: 'work@example.com', primary: true };
  const mapping: RecordTypeMapping = {
    ...EMPLOYEES_MAPPING,
    direction: 'both',
    fields: EMPLOYEES_MAPPING.fields.filter(({ constant }) => constant === undefined),
  };

  describe.each([
    ['home first', [home, work]],
    ['work first', [work, home]],
  ])('of a user with two addresses, %s', (_title, emails) => {
    it.each(['patch', 'put'] as const)('leaves both addresses alone (%s)', async (updateWith) => {
      const { id } = await call('POST', '/Users', { schemas: [USER_SCHEMA], userName: unique(), emails });
      const context = contextWith({
        config: scim.configSchema.parse({ base_url: server.url, page_size: 1000 }),
        credentials: { token: server.bearerToken },
        mappings: { employees: mapping },
        http: egressHttp([new URL(server.url).host]),
      });
      const page = await scim.readPage?.(
        { recordType: 'employees', modifiedSince: null, cursor: null },
        context,
      );
      const remote = page?.records.find(({ remoteId }) => remoteId === id)?.fields ?? {};
      const pulled = mergePulled(mapping, {}, { agreed: null }, remote).fields;
      expect(pulled).toMatchObject({ email: 'work@example.com' });

      const edited = { ...pulled, first_name: 'Augusta' };
      const item = pushItem('employees', mapping, edited, { remoteId: id as string });
      await pushOk(item, { mapping, updateWith });

      const after = await user(id as string);
      expect(after['name']).toEqual({ givenName: 'Augusta' });
      expect(after['emails']).toEqual(emails);
      expect(payloadDifference(item.payload, after, mapping.fields)).toBeNull();
      const merged = mergePulled(mapping, edited, { agreed: item.payload }, after);
      expect(merged).toMatchObject({ changedFields: [], conflicts: [], isAgreed: true });
    });
  });

  it('of a user with a home address only adds the work address, and leaves the other', async () => {
    const { id } = await call('POST', '/Users', {
      schemas: [USER_SCHEMA],
      userName: unique(),
      emails: [{ ...home, primary: false }],
    });
    const item = anEmployee({ email: 'work@example.com' }, { remoteId: id as string });

    await pushOk(item);
    await pushOk({ ...item, pushId: 'psh_again' });

    const { emails } = await user(id as string);
    expect(emails).toHaveLength(2);
    expect(emails).toEqual(
      expect.arrayContaining([expect.objectContaining(home), expect.objectContaining(work)]),
    );
  });
});

describe('an existing user', () => {
  it('is not linked if another user has its user name, and the error names our field (409)', async () => {
    const userName = unique();
    const { id } = await call('POST', '/Users', {
      schemas: [USER_SCHEMA],
      userName,
      externalId: 'another-user',
    });

    const result = await push(anEmployee({ user_name: userName }));

    expect(result).toMatchObject({
      ok: false,
      error: {
        kind: 'record_rejected',
        errors: [{ field: 'user_name', remoteField: 'userName', code: 'uniqueness' }],
      },
    });
    expect(await user(id as string)).toMatchObject({ externalId: 'another-user' });
  });

  it('is linked by the match field if it is not linked yet, in any capitalisation', async () => {
    const userName = unique();
    const { id } = await call('POST', '/Users', {
      schemas: [USER_SCHEMA],
      userName: userName.toUpperCase(),
      nickName: 'Countess',
    });
    const item = anEmployee({ user_name: userName });

    const pushed = await pushOk(item, { mapping: { ...EMPLOYEES_MAPPING, matchBy: 'user_name' } });

    expect(pushed).toMatchObject({ effect: 'updated', remoteId: id });
    expect(await user(pushed.remoteId)).toMatchObject({
      externalId: item.externalId,
      nickName: 'Countess',
      name: { givenName: 'Ada' },
    });
  });

  it('is found by the match field among addresses too, but not when it belongs to another record', async () => {
    const email = `${unique()}@example.com`;
    const mapping = { ...EMPLOYEES_MAPPING, matchBy: 'email' };
    const { id } = await call('POST', '/Users', {
      schemas: [USER_SCHEMA],
      userName: unique(),
      emails: [{ value: email, type: 'work' }],
    });

    const first = await pushOk(anEmployee({ email }), { mapping });
    const second = await pushOk(anEmployee({ email }), { mapping });

    expect(first).toMatchObject({ effect: 'updated', remoteId: id });
    expect(second.effect).toBe('created');
  });

  it('is not linked if several match', async () => {
    const email = `${unique()}@example.com`;
    for (let count = 0; count < 2; count += 1)
      await call('POST', '/Users', {
        schemas: [USER_SCHEMA],
        userName: unique(),
        emails: [{ value: email }],
      });

    const result = await push(anEmployee({ email }), { mapping: { ...EMPLOYEES_MAPPING, matchBy: 'email' } });

    expect(result).toMatchObject({
      ok: false,
      error: { kind: 'record_rejected', errors: [{ field: 'email', code: 'ambiguous' }] },
    });
  });

  it('is not deleted or deactivated by the match field', async () => {
    const userName = unique();
    const { id } = await call('POST', '/Users', { schemas: [USER_SCHEMA], userName });
    const mapping = { ...EMPLOYEES_MAPPING, matchBy: 'user_name' };

    const deleted = await pushOk(anEmployee({ user_name: userName }, { operation: 'delete' }), { mapping });
    const deactivated = await pushOk(anEmployee({ user_name: userName }, { operation: 'deactivate' }), {
      mapping,
    });

    expect([deleted.effect, deactivated.effect]).toEqual(['none', 'none']);
    expect(await user(id as string)).toMatchObject({ userName });
  });
});

describe('a refusal', () => {
  it('names our field when a required value is missing', async () => {
    const result = await push(anEmployee({ user_name: null }));

    expect(result).toMatchObject({
      ok: false,
      error: {
        errors: [
          {
            field: 'user_name',
            remoteField: 'userName',
            code: 'invalidValue',
            message: expect.stringContaining('userName') as string,
          },
        ],
      },
    });
  });

  it('names our field when a value has the wrong type', async () => {
    const mapping = {
      ...EMPLOYEES_MAPPING,
      fields: EMPLOYEES_MAPPING.fields.map(({ type: _type, ...field }) => field),
    };

    const result = await push(anEmployee({ active: 'maybe' }, {}, mapping), { mapping });

    expect(result).toMatchObject({
      ok: false,
      error: { errors: [{ field: 'active', code: 'invalidValue' }] },
    });
  });

  it('leaves a known user as it was', async () => {
    const taken = unique();
    await call('POST', '/Users', { schemas: [USER_SCHEMA], userName: taken });
    const item = anEmployee();
    const created = await pushOk(item);

    const result = await push(changed(item, created, { user_name: taken, first_name: 'Augusta' }));

    expect(result).toMatchObject({
      ok: false,
      error: { errors: [{ field: 'user_name', code: 'uniqueness' }] },
    });
    expect(await user(created.remoteId)).toMatchObject({ name: { givenName: 'Ada' } });
  });
});

it('keeps a user inactive if its field says so, also when it is activated again', async () => {
  const item = anEmployee({ active: false });

  const created = await pushOk(item);
  await pushOk({ ...item, pushId: 'psh_again', remoteId: created.remoteId, isDeactivated: true });

  expect(await user(created.remoteId)).toMatchObject({ active: false });
});

it('creates a user again after the third party lost its data', async () => {
  const own = await startScimServer();
  const previous = server;
  server = own;
  try {
    const item = anEmployee();
    const created = await pushOk(item);
    await own.stop();
    server = await startScimServer({ port: own.port });

    const recreated = await pushOk({ ...item, pushId: 'psh_again', remoteId: created.remoteId });

    expect(recreated.effect).toBe('created');
    expect(await user(recreated.remoteId)).toMatchObject({ externalId: item.externalId });
  } finally {
    await server.stop();
    server = previous;
  }
});

/** The HTTP client, with one action between the first read of a user and the next call. */
function interfering(between: () => Promise<unknown>) {
  const http = egressHttp([new URL(server.url).host]);
  const [methods, statuses]: [string[], number[]] = [[], []];
  let isDone = false;
  const client: HttpClient = {
    async send(request) {
      const response = await http.send(request);
      methods.push(request.method);
      statuses.push(response.status);
      if (!isDone && request.method === 'GET' && request.url.includes('/Users/')) {
        isDone = true;
        await between();
      }
      return response;
    },
  };
  return { client, methods, statuses };
}
