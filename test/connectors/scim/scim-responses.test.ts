/** SCIM answers that no real server gives on demand: conflicts, limits, missing features, nonsense. */
import type { PushItem, PushResult } from '../../../connectors/connector';
import { scim } from '../../../connectors/scim';
import { describeRefusal } from '../../../connectors/scim/error-mapping';
import { EMPLOYEES_MAPPING } from '../../../connectors/scim/fields';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import { contextWith, egressHttp, loopbackPolicy, pushItem } from '../suite/given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

const NOTHING: ScriptedAnswer = { status: 200, body: { totalResults: 0 } };

let server: ScriptedServer | undefined;

afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await server?.stop();
  server = undefined;
});

const aUser = (attributes: JsonObject = {}): JsonObject => ({
  id: 'u1',
  externalId: 'emp-1',
  userName: 'ada',
  meta: { version: 'W/"1"' },
  ...attributes,
});
const listOf = (...users: JsonObject[]): ScriptedAnswer => ({
  status: 200,
  body: { totalResults: users.length, Resources: users },
});
const scimError = (status: number, scimType: string | undefined, detail: string): ScriptedAnswer => ({
  status,
  body: { status: String(status), scimType, detail },
});

/** Answers by `METHOD /path` without the query; a list is used up one by one, its last answer repeats. */
function script(
  routes: Record<string, ScriptedAnswer | ScriptedAnswer[] | ((request: RecordedRequest) => ScriptedAnswer)>,
) {
  const used: Record<string, number> = {};
  return async (): Promise<ScriptedServer> => {
    server = await startScriptedServer((request) => {
      const key = `${request.method} ${request.path.split('?')[0]}`;
      const route =
        routes[key] ??
        (key === 'GET /ServiceProviderConfig'
          ? { status: 404 }
          : { status: 599, body: `no answer scripted for ${key}` });
      if (typeof route === 'function') return route(request);
      if (!Array.isArray(route)) return route;
      used[key] = (used[key] ?? 0) + 1;
      return route[Math.min(used[key], route.length) - 1] as ScriptedAnswer;
    });
    return server;
  };
}

const anItem = (overrides: Partial<PushItem> = {}, fields: JsonObject = {}) =>
  pushItem(
    'employees',
    EMPLOYEES_MAPPING,
    { user_name: 'ada', first_name: 'Ada', ...fields },
    { externalId: 'emp-1', pushId: 'psh_1', ...overrides },
  );

async function pushAll(
  items: PushItem[],
  settings: JsonObject = {},
  credentials: unknown = { token: 't' },
): Promise<PushResult[]> {
  const config = scim.configSchema.parse({ base_url: `${server?.url}/`, ...settings });
  return scim.push(
    items,
    contextWith({
      config,
      credentials: scim.credentialsSchema.parse(credentials),
      mappings: { employees: EMPLOYEES_MAPPING },
      http: egressHttp(scim.hosts(config), 5_000),
    }),
  );
}

const push = async (item: PushItem, settings: JsonObject = {}) =>
  (await pushAll([item], settings))[0] as PushResult;
const requests = (method: string) => (server?.requests ?? []).filter((request) => request.method === method);
const bodyOf = (request: RecordedRequest | undefined) => JSON.parse(request?.body ?? 'null') as JsonObject;

describe('a creation', () => {
  it('sends the push id as Idempotency-Key, the token, and the content type asked for', async () => {
    await script({
      'GET /Users': NOTHING,
      'POST /Users': { status: 201, headers: { etag: 'W/"7"' }, body: aUser() },
    })();

    const result = await push(anItem(), { content_type: 'application/json' });

    expect(result).toMatchObject({ ok: true, effect: 'created', remoteId: 'u1', remoteVersion: 'W/"7"' });
    expect(result).toMatchObject({ shown: { userName: expect.any(String) as string } });
    expect(requests('POST')[0]?.headers).toMatchObject({
      'idempotency-key': 'psh_1',
      authorization: 'Bearer t',
      'content-type': 'application/json',
    });
  });

  it('may be signed in by user name and password', async () => {
    await script({ 'GET /Users': NOTHING, 'POST /Users': { status: 201, body: aUser() } })();

    await pushAll([anItem()], {}, { username: 'syncline', password: 'pässword:1' });

    expect(requests('POST')[0]?.headers['authorization']).toBe(
      `Basic ${Buffer.from('syncline:pässword:1').toString('base64')}`,
    );
  });

  it('takes the id from Location when the answer has no body', async () => {
    await script({
      'GET /Users': NOTHING,
      'POST /Users': { status: 201, headers: { location: 'https://elsewhere.example/Users/u%2F1?x=1' } },
    })();

    expect(await push(anItem())).toMatchObject({ ok: true, effect: 'created', remoteId: 'u/1' });
  });

  it('that conflicts searches again, and updates the record that an attempt with a lost answer had created (409)', async () => {
    await script({
      'GET /Users': [NOTHING, listOf(aUser())],
      'POST /Users': scimError(409, 'uniqueness', 'already in use'),
      'PATCH /Users/u1': { status: 204, headers: { etag: 'W/"2"' } },
    })();

    expect(await push(anItem())).toMatchObject({
      ok: true,
      effect: 'updated',
      remoteId: 'u1',
      remoteVersion: 'W/"2"',
    });
    expect(requests('POST')).toHaveLength(1);
  });

  it.each<[string, ScriptedAnswer]>([
    ['no body', { status: 201 }],
    ['202', { status: 202 }],
    ['a blank id', { status: 201, body: aUser({ id: ' ' }) }],
    ['no id', { status: 201, body: { schemas: [] } }],
  ])('that is answered with %s is searched, and never sent again by itself', async (_title, answer) => {
    let isIndexed = true;
    await script({
      'GET /Users': () => (isIndexed && requests('POST').length > 0 ? listOf(aUser()) : NOTHING),
      'POST /Users': answer,
    })();

    expect(await push(anItem())).toMatchObject({ ok: true, effect: 'created', remoteId: 'u1' });
    isIndexed = false;
    for (const wasCreated of [true, false])
      expect(await push(anItem({ wasCreated }))).toMatchObject({
        ok: false,
        error: { kind: 'record_rejected', errors: [{ code: 'created_without_id' }] },
      });
    expect(requests('POST')).toHaveLength(2);
  });

  it('that is answered with a web page is no success', async () => {
    await script({ 'GET /Users': NOTHING, 'POST /Users': { status: 200, body: '<html>Hi</html>' } })();

    expect(await push(anItem())).toMatchObject({ ok: false, error: { kind: 'unavailable', status: 200 } });
  });

  it('that conflicts with another user is refused (409)', async () => {
    await script({
      'GET /Users': NOTHING,
      'POST /Users': scimError(409, undefined, 'userName already in use'),
    })();

    expect(await push(anItem())).toMatchObject({
      ok: false,
      error: { kind: 'record_rejected', errors: [{ field: 'user_name', code: 'uniqueness' }] },
    });
  });
});

describe('a search', () => {
  it('escapes our id and accepts no result whose id is not exactly ours', async () => {
    const externalId = 'a"b\\c or userName pr ü';
    await script({
      'GET /Users': listOf(
        aUser({ id: 'u1', externalId: externalId.toUpperCase() }),
        aUser({ id: 'u2', externalId: 'emp-1' }),
        { id: 'u3' },
      ),
      'POST /Users': { status: 201, body: aUser({ id: 'u4' }) },
    })();

    expect(await push(anItem({ externalId }))).toMatchObject({ ok: true, effect: 'created', remoteId: 'u4' });
    const asked = new URL(
      requests('GET').find(({ path }) => path.startsWith('/Users'))?.path ?? '',
      'http://x',
    ).searchParams;
    expect(asked.get('filter')).toBe(String.raw`externalId eq "a\"b\\c or userName pr ü"`);
  });

  it('reads page after page where the service cannot filter', async () => {
    const users = Array.from({ length: 250 }, (_, index) =>
      aUser({ id: `u${index}`, externalId: `emp-${index}`, userName: `user ${index}` }),
    );
    await script({
      'GET /ServiceProviderConfig': { status: 200, body: { filter: { supported: false } } },
      'GET /Users': ({ path }) => {
        const start = Number(new URL(path, 'http://x').searchParams.get('startIndex'));
        return {
          status: 200,
          body: { totalResults: 250, startIndex: start, Resources: users.slice(start - 1, start + 99) },
        };
      },
      'PATCH /Users/u249': { status: 204 },
    })();

    expect(await push(anItem({ externalId: 'emp-249' }))).toMatchObject({ ok: true, remoteId: 'u249' });
    expect(requests('GET').filter(({ path }) => path.startsWith('/Users?startIndex'))).toHaveLength(3);
  });

  it('ends where a service repeats its first page for ever', async () => {
    await script({
      'GET /Users': { status: 200, body: { totalResults: 1_000, Resources: [aUser({ externalId: 'x' })] } },
      'POST /Users': { status: 201, body: aUser({ id: 'u9' }) },
    })();

    expect(await push(anItem())).toMatchObject({ ok: true, remoteId: 'u9' });
  });

  it('does not choose between two users with our id', async () => {
    await script({ 'GET /Users': listOf(aUser({ id: 'u1' }), aUser({ id: 'u2' })) })();

    expect(await push(anItem())).toMatchObject({
      ok: false,
      error: { kind: 'record_rejected', errors: [{ code: 'ambiguous' }] },
    });
  });

  it.each([
    ['a page of HTML', { status: 200, body: '<html>Please sign in</html>' }],
    ['JSON that is no list', { status: 200, body: { ok: true } }],
    ['a list of something else', { status: 200, body: { totalResults: 1, Resources: ['x'] } }],
    ['nothing', { status: 200 }],
  ])('does not treat %s as "not found"', async (_title, answer) => {
    await script({ 'GET /Users': answer, 'POST /Users': { status: 201, body: aUser() } })();

    expect(await push(anItem())).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    expect(requests('POST')).toEqual([]);
  });
});

describe('rule 49: with two resources merged there', () => {
  const known = { remoteId: 'u1', remoteVersion: null };
  const error = { kind: 'record_rejected', errors: [{ code: 'answered_other_id' }] };

  it('sends nothing to the resource that the read is answered with', async () => {
    await script({ 'GET /Users/u1': { status: 200, body: aUser({ id: 'u2' }) } })();

    expect(await push(anItem(known))).toMatchObject({ ok: false, error });
    expect(requests('PATCH')).toEqual([]);
  });

  it('fails if only the update is answered with the other', async () => {
    await script({
      'GET /Users/u1': { status: 200, body: aUser({ id: 'u1' }) },
      'PATCH /Users/u1': { status: 200, body: aUser({ id: 'u2' }) },
    })();

    expect(await push(anItem(known, { first_name: 'Augusta' }))).toMatchObject({ ok: false, error });
  });
});

it('a redirect to a sign-in page is a wrong address and not "not found"', async () => {
  await script({
    'GET /Users': { status: 302, headers: { location: '/login' } },
    'POST /Users': { status: 201, body: aUser() },
  })();

  expect(await push(anItem())).toMatchObject({
    ok: false,
    error: { kind: 'record_rejected', errors: [{ code: 'redirect' }] },
  });
  expect(requests('POST')).toEqual([]);
});

describe('an update', () => {
  const known = { remoteId: 'u1', remoteVersion: 'W/"1"' };

  it('is sent under the version just read, not an earlier one', async () => {
    await script({
      'GET /Users/u1': { status: 200, headers: { etag: 'W/"5"' }, body: aUser() },
      'PATCH /Users/u1': { status: 204, headers: { etag: 'W/"6"' } },
    })();

    expect(await push(anItem(known))).toMatchObject({ ok: true, remoteVersion: 'W/"6"' });
    expect(requests('PATCH')[0]?.headers['if-match']).toBe('W/"5"');
  });

  it('is not done if a web page answers it', async () => {
    await script({
      'GET /Users/u1': { status: 200, body: aUser() },
      'PATCH /Users/u1': { status: 200, body: '<html>Please sign in</html>' },
    })();

    expect(await push(anItem(known, { first_name: 'Augusta' }))).toMatchObject({
      ok: false,
      error: { kind: 'unavailable', status: 200 },
    });
  });

  it('sends no version if the service has none', async () => {
    await script({
      'GET /Users/u1': { status: 200, body: aUser({ meta: {} }) },
      'PATCH /Users/u1': { status: 200, body: aUser({ meta: {} }) },
    })();

    expect(await push(anItem(known))).toMatchObject({ ok: true, effect: 'updated', remoteVersion: null });
    expect(requests('PATCH')[0]?.headers).not.toHaveProperty('if-match');
  });

  it('reads once more after 412 and tries again; then it is left to a later attempt', async () => {
    await script({
      'GET /Users/u1': { status: 200, body: aUser() },
      'PATCH /Users/u1': scimError(412, undefined, 'version'),
    })();

    expect(await push(anItem(known))).toMatchObject({
      ok: false,
      error: { kind: 'unavailable', status: 412 },
    });
    expect(requests('PATCH')).toHaveLength(2);
  });

  it('treats a 409 that is not about uniqueness as an old version (RFC 7644 3.12)', async () => {
    await script({
      'GET /Users/u1': [
        { status: 200, body: aUser() },
        { status: 200, body: aUser({ meta: { version: 'W/"2"' } }) },
      ],
      'PATCH /Users/u1': [scimError(409, undefined, 'version'), { status: 204 }],
    })();

    expect(await push(anItem(known))).toMatchObject({ ok: true, effect: 'updated' });
    expect(requests('PATCH').map(({ headers }) => headers['if-match'])).toEqual(['W/"1"', 'W/"2"']);
  });

  it.each<[string, JsonObject, ScriptedAnswer, string]>([
    [
      'PATCH where ServiceProviderConfig says so',
      {},
      { status: 200, body: { patch: { supported: true } } },
      'PATCH',
    ],
    [
      'PUT where it says that PATCH is not supported',
      {},
      { status: 200, body: { patch: { supported: false } } },
      'PUT',
    ],
    ['PATCH where there is no ServiceProviderConfig', {}, { status: 404 }, 'PATCH'],
    [
      'PUT where the integration says so',
      { update_with: 'put' },
      { status: 200, body: { patch: { supported: true } } },
      'PUT',
    ],
    [
      'PATCH where the integration says so',
      { update_with: 'patch' },
      { status: 200, body: { patch: { supported: false } } },
      'PATCH',
    ],
  ])('uses %s', async (_title, settings, features, method) => {
    await script({
      'GET /ServiceProviderConfig': features,
      'GET /Users/u1': { status: 200, body: aUser({ nickName: 'kept' }) },
      'PATCH /Users/u1': { status: 204 },
      'PUT /Users/u1': { status: 200, body: aUser({ meta: { version: 'W/"2"' } }) },
    })();

    expect(await push(anItem(known), settings)).toMatchObject({ ok: true, effect: 'updated' });

    const writes = (server?.requests ?? []).filter(({ method: used }) => used !== 'GET');
    expect(writes.map(({ method: used }) => used)).toEqual([method]);
    const isWhole = method === 'PUT';
    expect(bodyOf(writes[0])).toMatchObject(
      isWhole
        ? { nickName: 'kept', name: { givenName: 'Ada' }, externalId: 'emp-1' }
        : { Operations: [{ op: 'add', path: 'name', value: { givenName: 'Ada' } }] },
    );
  });

  it.each([405, 501])(
    'falls back to PUT, for the rest of the batch, where PATCH is answered %d',
    async (status) => {
      await script({
        'GET /Users/u1': { status: 200, body: aUser() },
        'GET /Users/u2': { status: 200, body: aUser({ id: 'u2' }) },
        'PATCH /Users/u1': { status },
        'PUT /Users/u1': { status: 200, body: aUser() },
        'PUT /Users/u2': { status: 200, body: aUser({ id: 'u2' }) },
        'PATCH /Users/u2': { status },
      })();

      const results = await pushAll([anItem(known), anItem({ pushId: 'psh_2', remoteId: 'u2' })]);

      expect(results.every(({ ok }) => ok)).toBe(true);
      expect(requests('PUT')).toHaveLength(2);
    },
  );

  it('is refused where the integration says PATCH and the service has none', async () => {
    await script({ 'GET /Users/u1': { status: 200, body: aUser() }, 'PATCH /Users/u1': { status: 501 } })();

    expect(await push(anItem(known), { update_with: 'patch' })).toMatchObject({ ok: false });
    expect(requests('PATCH')).toHaveLength(1);
  });

  it('finds a user under a new id when the known one is gone (404)', async () => {
    await script({
      'GET /Users/u1': { status: 404 },
      'GET /Users': listOf(aUser({ id: 'u2' })),
      'PATCH /Users/u2': { status: 204 },
    })();

    expect(await push(anItem(known))).toMatchObject({ ok: true, effect: 'updated', remoteId: 'u2' });
  });

  it('is left to a later attempt if the user is deleted meanwhile', async () => {
    await script({ 'GET /Users/u1': { status: 200, body: aUser() }, 'PATCH /Users/u1': { status: 404 } })();

    expect(await push(anItem(known))).toMatchObject({
      ok: false,
      error: { kind: 'unavailable', status: 404 },
    });
  });

  it('keeps an id with special characters inside its path segment', async () => {
    const paths: string[] = [];
    server = await startScriptedServer(({ path, method }) => {
      paths.push(path);
      return method === 'GET' ? { status: 200, body: aUser() } : { status: 204 };
    });

    await push(anItem({ remoteId: '../Groups/1?x#y' }));

    expect(paths).toContain('/Users/..%2FGroups%2F1%3Fx%23y');
  });
});

describe('trouble', () => {
  const many = Array.from({ length: 30 }, (_, index) =>
    anItem({ pushId: `psh_${index}`, externalId: `emp-${index}` }),
  );

  it('R9 is a request to wait (429), after which no further calls are started', async () => {
    await script({ 'GET /Users': { status: 429, headers: { 'retry-after': '12' } } })();

    const results = await pushAll(many);

    expect(results.length).toBeLessThanOrEqual(4);
    for (const result of results)
      expect(result).toMatchObject({ ok: false, error: { kind: 'rate_limited', retryAfterMs: 12_000 } });
    expect(requests('GET').filter(({ path }) => path.startsWith('/Users')).length).toBeLessThanOrEqual(4);
  });

  it('R9 is a request to wait in a 503 with a date', async () => {
    await script({
      'GET /Users': { status: 503, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } },
    })();

    const result = await push(anItem());

    expect(result).toMatchObject({ ok: false, error: { kind: 'rate_limited' } });
    const waitMs = (result as unknown as { error: { retryAfterMs: number } }).error.retryAfterMs;
    expect(waitMs).toBeGreaterThan(55_000);
    expect(waitMs).toBeLessThanOrEqual(60_000);
  });

  it('is Unauthorized for 401, after which no further calls are started', async () => {
    await script({ 'GET /Users': scimError(401, undefined, 'expired') })();

    const results = await pushAll(many);

    expect(results.length).toBeLessThanOrEqual(4);
    for (const result of results)
      expect(result).toMatchObject({ ok: false, error: { kind: 'unauthorized' } });
  });

  it('is a refused record for 403, marked so that the credentials are checked', async () => {
    await script({ 'GET /Users': NOTHING, 'POST /Users': scimError(403, undefined, 'not in this group') })();

    expect(await push(anItem())).toMatchObject({
      ok: false,
      error: { kind: 'record_rejected', isForbidden: true, errors: [{ message: 'not in this group' }] },
    });
  });

  it.each([500, 502, 504, 408, 425])('is Unavailable for %d', async (status) => {
    await script({ 'GET /Users': NOTHING, 'POST /Users': { status } })();

    expect(await push(anItem())).toMatchObject({ ok: false, error: { kind: 'unavailable', status } });
  });

  it('with one record does not stop the others', async () => {
    await script({
      'GET /Users': NOTHING,
      'POST /Users': ({ body }) =>
        (JSON.parse(body) as JsonObject)['externalId'] === 'emp-7'
          ? { status: 500 }
          : { status: 201, body: aUser() },
    })();

    const results = await pushAll(many);

    expect(results.filter(({ ok }) => ok)).toHaveLength(29);
    expect(results.find(({ pushId }) => pushId === 'psh_7')).toMatchObject({
      ok: false,
      error: { kind: 'unavailable' },
    });
  });

  it('is an unknown record type, or one that cannot be deactivated', async () => {
    await script({})();
    const teams = {
      resource_type: 'Group',
      endpoint: '/Groups',
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      active_attribute: null,
    };

    const [unknown] = await pushAll([anItem({ recordType: 'deals' })]);
    const [fixed] = await pushAll([anItem({ recordType: 'teams', operation: 'deactivate' })], {
      record_types: { teams },
    });

    expect(unknown).toMatchObject({ ok: false, error: { errors: [{ code: 'unknown_record_type' }] } });
    expect(fixed).toMatchObject({ ok: false, error: { errors: [{ code: 'not_supported' }] } });
    expect(server?.requests).toEqual([]);
  });
});

describe('a check', () => {
  it.each<[string, ScriptedAnswer, string]>([
    ['refused credentials', { status: 401 }, 'unauthorized'],
    ['credentials without permissions', { status: 403 }, 'unauthorized'],
    ['a wrong address', { status: 404 }, 'unavailable'],
    ['a page of HTML', { status: 200, body: '<html></html>' }, 'unavailable'],
    ['trouble', { status: 500 }, 'unavailable'],
    ['a request to wait', { status: 429 }, 'rate_limited'],
  ])('reports %s', async (_title, answer, kind) => {
    await script({ 'GET /Users': answer })();
    const config = scim.configSchema.parse({ base_url: server?.url });

    await expect(
      scim.check(
        contextWith({
          config,
          credentials: { token: 't' },
          mappings: {},
          http: egressHttp(scim.hosts(config)),
        }),
      ),
    ).rejects.toMatchObject({
      kind,
    });
    expect(server?.requests).toHaveLength(1);
  });
});

describe('a complaint', () => {
  const fieldNames = {
    '/userName': 'user_name',
    '/name/givenName': 'first_name',
    '/displayName': 'display_name',
    'emails[type eq "work"].value': 'email',
    '/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department': 'department',
  };

  it.each<[string, string | undefined, string | null, string]>([
    ["Attribute 'userName' is required", 'invalidValue', 'user_name', 'userName'],
    ['name.givenName is too long', 'invalidValue', 'first_name', 'name.givenName'],
    ['The value of givenName is too long', 'invalidValue', 'first_name', 'name.givenName'],
    ['emails[type eq "work"].value: no such address', 'invalidValue', 'email', 'emails.value'],
    ['Invalid value for emails.value', 'invalidValue', 'email', 'emails.value'],
    [
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department is unknown',
      'invalidPath',
      'department',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department',
    ],
    ['already in use', 'uniqueness', 'user_name', 'userName'],
    ['DISPLAYNAME must be unique', 'uniqueness', 'display_name', 'displayName'],
  ])('names our field: %s', (detail, scimType, field, remoteField) => {
    const refusal = describeRefusal({ fieldNames })({
      status: 400,
      headers: {},
      text: JSON.stringify({ detail, scimType }),
    });

    expect(refusal).toMatchObject({
      message: detail,
      errors: [
        {
          field,
          remoteField,
          code: scimType,
          message: detail,
          explanation: expect.stringMatching(/./) as string,
        },
      ],
    });
  });

  it.each(['The departmental value is odd', 'Something is wrong', 'unnamed'])(
    'is about the record when it names no mapped field: %s',
    (detail) => {
      const refusal = describeRefusal({ fieldNames })({
        status: 400,
        headers: {},
        text: JSON.stringify({ detail, scimType: 'invalidValue' }),
      });

      expect(refusal.errors).toMatchObject([{ field: null, remoteField: null }]);
    },
  );

  it('is read as text when it is not SCIM', () => {
    expect(describeRefusal(null)({ status: 422, headers: {}, text: 'no such\ncountry' })).toMatchObject({
      message: 'no such country',
      errors: [{ code: 'http_422' }],
    });
    expect(describeRefusal(null)({ status: 422, headers: {}, text: 'null' })).toMatchObject({
      message: 'null',
    });
    expect(describeRefusal(null)({ status: 422, headers: {}, text: '' })).toMatchObject({
      message: 'The third party answered 422.',
    });
  });
});

describe('the settings', () => {
  const config = scim.configSchema.parse({ base_url: 'https://hr.example.com:8443/scim/v2/' });

  it('name the host with its port', () => {
    expect(scim.hosts(config)).toEqual(['hr.example.com:8443']);
  });

  it('have employees with enterprise fields and a field for each type of list members', () => {
    const [employees] = scim.recordTypes(config);

    expect(employees).toMatchObject({ name: 'employees', label: 'Employees' });
    expect(employees?.fields).toContainEqual({
      name: 'emails[type eq "work"].value',
      label: 'E-mail (work)',
      type: 'string',
      isRequired: false,
    });
    expect(employees?.fields.filter(({ name }) => name.includes('enterprise'))).toHaveLength(6);
  });

  it.each<[string, Partial<(typeof EMPLOYEES_MAPPING)['fields'][number]>[] | undefined, string]>([
    ['maps no user name', [{ name: 'x', to: '/title' }], '/record_types/employees/fields'],
    [
      'maps what the service sets',
      [
        { name: 'user_name', to: 'userName' },
        { name: 'x', to: '/externalId' },
      ],
      '/record_types/employees/fields/1/to',
    ],
    ...['/emails/0/value', '/roles/1/value', '/urn:x:2.0:User/things/0/value'].map(
      (to): [string, { name: string; to: string }[], string] => [
        `names a member of a list by its position: ${to}`,
        [
          { name: 'user_name', to: '/username' },
          { name: 'x', to },
        ],
        '/record_types/employees/fields/1/to',
      ],
    ),
    ...[
      'emails[type ne "work"].value',
      'emails[type eq "work"]',
      'emails[type eq "work"].type',
      'emails[Type eq "work"].value',
      'ID',
    ].map((to): [string, { name: string; to: string }[], string] => [
      `maps to ${to}`,
      [
        { name: 'user_name', to: 'userName' },
        { name: 'x', to },
      ],
      '/record_types/employees/fields/1/to',
    ]),
  ])('refuse a mapping that %s', (_title, fields, pointer) => {
    const mapping = { ...EMPLOYEES_MAPPING, fields: fields as (typeof EMPLOYEES_MAPPING)['fields'] };

    expect(scim.validate?.(config, { employees: mapping })).toMatchObject([{ pointer }]);
  });

  it('refuse a mapping of a record type they do not have', () => {
    expect(scim.validate?.(config, { deals: EMPLOYEES_MAPPING })).toMatchObject([
      { pointer: '/record_types/deals' },
    ]);
  });

  it.each([
    { token: '' },
    { token: 'a b' },
    { token: 'a\r\nb' },
    { token: 'ü' },
    { token: 't', username: 'u' },
    { username: 'a:b', password: 'x' },
    { username: 'a' },
  ])('refuse credentials that cannot be sent: %j', (credentials) => {
    expect(scim.credentialsSchema.safeParse(credentials).success).toBe(false);
  });
});
