/**
 * Tenant B with A's ids on every route (S6). The rows are generated from the API description: a route that
 * has no test here fails, so no new route can be forgotten.
 */
import { sql } from 'kysely';
import type supertest from 'supertest';
import { ROUTE_PERMISSIONS } from '../../../api/routing/route-permissions';
import { newUuid, toTypeId } from '../../../db/sql/ids';
import { givenRefusedMessage } from '../support/given-refused-message';
import { Browser, givenPerson, type GivenPerson } from '../support/console';
import { givenErasure } from '../support/given-erasure';
import { givenParkedWork } from '../support/given-parked-work';
import { givenPushReview } from '../support/given-push-review';
import { givenRunHistory, type RunHistory } from '../support/run-history';
import {
  type Caller,
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Method,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let a: GivenTenant;
let b: GivenTenant;
let integration: string;
let push: string;
let cursors: Record<string, string>;
let history: RunHistory;
let person: GivenPerson;
let session: string;
let browserOfB: Browser;
let endpoint: string;
let delivery: string;
let overview: string;
let operation: string;
let pushReview: string;
let parkedWork: string;
let erasure: string;
let oauthApp: string;
let connectSession: string;
beforeAll(async () => {
  service = await startService();
  a = await service.givenTenant('A');
  b = await service.givenTenant('B');
  integration = (await givenIntegration(a, { is_paused: false })).id;
  await givenIntegration(a);
  for (const name of ['a-1', 'a-2'])
    await a.operator
      .put(`/v1/records/employees/${name}`, { fields: { email: `${name}@example.org` } })
      .expect(202);
  for (const name of ['a-1', 'a-2'])
    await a.operator.post(`/v1/integrations/${integration}/records/employees/${name}/discard`).expect(200);
  history = await givenRunHistory(service, a);
  [person] = [
    await givenPerson(service, a, { name: 'Ana of A' }),
    await givenPerson(service, a, { name: 'Ada of A' }),
  ];
  session = (await (await new Browser(service.app).signIn(person.email)).get('/console/v1/me')).body
    .session_id;
  browserOfB = await new Browser(service.app).signIn((await givenPerson(service, b)).email);
  push = (await a.viewer.get('/v1/pushes')).body.data[0].id;
  for (const url of ['https://a.example.com/1', 'https://a.example.com/2'])
    endpoint = (await a.admin.post('/v1/webhook-endpoints', { url }).expect(201)).body.id;
  for (const name of ['1', '2'])
    oauthApp = (await a.admin.post('/v1/oauth-apps', newOAuthApp(name)).expect(201)).body.id;
  for (let sent = 0; sent < 2; sent += 1)
    delivery = (await a.operator.post(`/v1/webhook-endpoints/${endpoint}/test`).expect(202)).body.delivery_id;
  const asked = () =>
    a.operator
      .post(`/v1/integrations/${integration}/overviews`, {})
      .set('prefer', 'respond-async')
      .expect(202);
  await asked();
  ({
    overview: { id: overview },
    operation: { id: operation },
  } = (await asked()).body);
  pushReview = (await givenPushReview(service, a)).review.id;
  parkedWork = await givenParkedWork(service, a);
  erasure = await givenErasure(service, a, 'ready');
  for (let links = 0; links < 2; links += 1)
    connectSession = (await a.admin.post('/v1/connect-sessions', { integration_id: integration }).expect(201))
      .body.id;
  const cursorOf = async (path: string) => (await a.admin.get(`${path}?limit=1`)).body.next_cursor as string;
  cursors = {};
  for (const path of [
    ...LISTS,
    `/v1/sync-runs/${history.run}/changes`,
    `/v1/sync-runs/${history.run}/errors`,
    `/v1/deletion-reviews/${history.review}/records`,
  ])
    cursors[path] = await cursorOf(path);
});
afterAll(() => service.close());

const LISTS = [
  '/v1/integrations',
  '/v1/connect-sessions',
  '/v1/api-keys',
  '/v1/records/employees',
  '/v1/record-syncs',
  '/v1/pushes',
  '/v1/audit-log',
  '/v1/overviews',
  '/v1/people',
  '/v1/sync-runs',
  '/v1/sync-status',
  '/v1/metadata-changes',
  '/v1/sync-conflicts',
  '/v1/deletion-reviews',
  '/v1/oauth-apps',
  '/v1/webhook-endpoints',
  '/v1/webhook-deliveries',
  '/v1/events',
];

interface Row {
  /** What B sends with A's ids. */
  foreign: (as: Caller) => PromiseLike<supertest.Response>;
  /** The same with unknown ids: the answer must be the same to the byte. */
  unknown: (as: Caller) => PromiseLike<supertest.Response>;
}

const RECORD = '/v1/records/employees';
const act = (name: string): Row => ({
  foreign: (as) => as.post(`/v1/integrations/${integration}/records/employees/a-1/${name}`),
  unknown: (as) => as.post(`/v1/integrations/${toTypeId('int', newUuid())}/records/employees/a-1/${name}`),
});
const onIntegration = (method: Method, suffix = '', body?: object): Row => {
  const send = (as: Caller, id: string) => {
    const test = as.request(method, `/v1/integrations/${id}${suffix}`).set('If-Match', '"1"');
    return body === undefined ? test : test.send(body);
  };
  return { foreign: (as) => send(as, integration), unknown: (as) => send(as, toTypeId('int', newUuid())) };
};
const withQuery = (path: string, name: string, foreign: () => string, unknown: string): Row => ({
  foreign: (as) => as.get(`${path}?${name}=${foreign()}`),
  unknown: (as) => as.get(`${path}?${name}=${unknown}`),
});

const onRun = (method: Method, suffix = ''): Row => ({
  foreign: (as) => as.request(method, `/v1/sync-runs/${history.run}${suffix}`),
  unknown: (as) => as.request(method, `/v1/sync-runs/${toTypeId('run', newUuid())}${suffix}`),
});
const repair = (integration_id: string) => ({
  integration_id,
  record_type: 'employees',
  decision: 'repair',
});
const alike = (id: string) => ({ integration_id: id, kind: 'ambiguous_match', decision: 'dismiss' });
const onConnectSession = (method: Method, suffix = ''): Row => ({
  foreign: (as) => as.request(method, `/v1/connect-sessions/${connectSession}${suffix}`),
  unknown: (as) => as.request(method, `/v1/connect-sessions/${toTypeId('cns', newUuid())}${suffix}`),
});
const onReview = (method: Method, suffix = ''): Row => ({
  foreign: (as) => as.request(method, `/v1/deletion-reviews/${history.review}${suffix}`),
  unknown: (as) => as.request(method, `/v1/deletion-reviews/${toTypeId('rev', newUuid())}${suffix}`),
});
const onPushReview = (method: Method, suffix = '', body?: object): Row => {
  const send = (as: Caller, id: string) => {
    const test = as.request(method, `/v1/push-reviews/${id}${suffix}`);
    return body === undefined ? test : test.send(body);
  };
  return {
    foreign: (as) => send(as, pushReview),
    unknown: (as) => send(as, toTypeId('prv', newUuid())),
  };
};
const onPerson = (method: Method, suffix = '', body?: object): Row => {
  const send = (as: Caller, id: string) => {
    const test = as.request(method, `/v1/people/${id}${suffix}`).set('If-Match', '"1"');
    return body === undefined ? test : test.send(body);
  };
  return { foreign: (as) => send(as, person.id), unknown: (as) => send(as, toTypeId('psn', newUuid())) };
};
const onEndpoint = (method: Method, suffix = '', body?: object, root = '/v1'): Row => {
  const send = (as: Caller, id: string) => {
    const test = as.request(method, `${root}/webhook-endpoints/${id}${suffix}`).set('If-Match', '"1"');
    return body === undefined ? test : test.send(body);
  };
  return { foreign: (as) => send(as, endpoint), unknown: (as) => send(as, toTypeId('whe', newUuid())) };
};
const newOAuthApp = (name: string) => ({
  name,
  client_id: 'id-of-a',
  allowed_origins: ['https://login.example.com'],
});
const oauthAppRows = (root: string): Record<string, Row[]> => {
  const on = (method: Method, body?: object, suffix = ''): Row => {
    const send = (as: Caller, id: string) => {
      const test = as.request(method, `${root}/oauth-apps/${id}${suffix}`).set('If-Match', '"1"');
      return body === undefined ? test : test.send(body);
    };
    return { foreign: (as) => send(as, oauthApp), unknown: (as) => send(as, toTypeId('oap', newUuid())) };
  };
  const cursor = () => cursors['/v1/oauth-apps'] as string;
  return {
    [`GET ${root}/oauth-apps`]: [withQuery(`${root}/oauth-apps`, 'cursor', cursor, 'garbled')],
    [`GET ${root}/oauth-apps/{oauth_app_id}`]: [on('get')],
    [`PATCH ${root}/oauth-apps/{oauth_app_id}`]: [on('patch', { name: 'mine' })],
    [`DELETE ${root}/oauth-apps/{oauth_app_id}`]: [on('delete')],
    [`GET ${root}/oauth-apps/{oauth_app_id}/incoming-webhooks`]: [on('get', undefined, '/incoming-webhooks')],
    [`POST ${root}/oauth-apps/{oauth_app_id}/incoming-webhooks/address`]: [
      on('post', { definition_key: 'hubspot' }, '/incoming-webhooks/address'),
    ],
    [`DELETE ${root}/oauth-apps/{oauth_app_id}/incoming-webhooks/address`]: [
      on('delete', undefined, '/incoming-webhooks/address'),
    ],
    [`GET ${root}/oauth-apps/{oauth_app_id}/incoming-webhooks/definitions`]: [
      on('get', undefined, '/incoming-webhooks/definitions'),
    ],
    [`PUT ${root}/oauth-apps/{oauth_app_id}/incoming-webhooks/secret`]: [
      on('put', { secret: 'secret-of-b' }, '/incoming-webhooks/secret'),
    ],
  };
};
const onDelivery = (method: Method, suffix = '', root = '/v1'): Row => ({
  foreign: (as) => as.request(method, `${root}/webhook-deliveries/${delivery}${suffix}`),
  unknown: (as) => as.request(method, `${root}/webhook-deliveries/${toTypeId('whd', newUuid())}${suffix}`),
});
const newEndpointFor = (of: string) => ({ url: 'https://b.example.com', integration_ids: [of] });
/** Of the tenant's endpoints, and of the platform's, under `/platform`. */
const webhookRows = (prefix: '' | '/platform'): Record<string, Row[]> => {
  const root = `/v1${prefix}`;
  const since = { since: new Date(Date.now() - 3_600_000).toISOString() };
  return {
    [`GET ${root}/webhook-endpoints/{endpoint_id}`]: [onEndpoint('get', '', undefined, root)],
    [`PATCH ${root}/webhook-endpoints/{endpoint_id}`]: [
      onEndpoint('patch', '', { description: 'mine' }, root),
    ],
    [`DELETE ${root}/webhook-endpoints/{endpoint_id}`]: [onEndpoint('delete', '', undefined, root)],
    ...Object.fromEntries(
      ['rotate-secret', 'test', 'disable', 'enable'].map((name) => [
        `POST ${root}/webhook-endpoints/{endpoint_id}/${name}`,
        [onEndpoint('post', `/${name}`, undefined, root)],
      ]),
    ),
    [`POST ${root}/webhook-endpoints/{endpoint_id}/recover`]: [onEndpoint('post', '/recover', since, root)],
    [`GET ${root}/webhook-deliveries/{delivery_id}`]: [onDelivery('get', '', root)],
    [`POST ${root}/webhook-deliveries/{delivery_id}/resend`]: [onDelivery('post', '/resend', root)],
    [`GET ${root}/webhook-deliveries`]: [
      withQuery(`${root}/webhook-deliveries`, 'endpoint_id', () => endpoint, toTypeId('whe', newUuid())),
      withQuery(
        `${root}/webhook-deliveries`,
        'cursor',
        () => cursors['/v1/webhook-deliveries'] as string,
        'garbled',
      ),
    ],
    [`GET ${root}/webhook-endpoints`]: [
      withQuery(
        `${root}/webhook-endpoints`,
        'cursor',
        () => cursors['/v1/webhook-endpoints'] as string,
        'garbled',
      ),
    ],
  };
};
/** A list that takes an integration and gives cursors. */
const listOfIntegration = (path: string): Row[] => [
  withQuery(path, 'integration_id', () => integration, toTypeId('int', newUuid())),
  withQuery(path, 'cursor', () => cursors[path] as string, 'garbled'),
];

/** Routes that take an id, a name or a cursor of a tenant. */
const ROWS: Record<string, Row[]> = {
  'GET /v1/people': [withQuery('/v1/people', 'cursor', () => cursors['/v1/people'] as string, 'garbled')],
  'GET /v1/people/{person_id}': [onPerson('get')],
  'PATCH /v1/people/{person_id}': [onPerson('patch', '', { name: 'mine' })],
  'DELETE /v1/people/{person_id}': [onPerson('delete')],
  'POST /v1/people/{person_id}/invitation': [onPerson('post', '/invitation')],
  'DELETE /v1/people/{person_id}/email-refusal': [onPerson('delete', '/email-refusal')],
  'DELETE /v1/people/{person_id}/identities': [onPerson('delete', '/identities')],
  'GET /v1/people/{person_id}/sessions': [onPerson('get', '/sessions')],
  'DELETE /v1/people/{person_id}/sessions/{session_id}': [
    {
      foreign: (as) => as.delete(`/v1/people/${person.id}/sessions/${session}`),
      unknown: (as) => as.delete(`/v1/people/${toTypeId('psn', newUuid())}/sessions/${session}`),
    },
  ],
  'DELETE /console/v1/me/sessions/{session_id}': [
    {
      foreign: () => browserOfB.send('delete', `/console/v1/me/sessions/${session}`),
      unknown: () => browserOfB.send('delete', `/console/v1/me/sessions/${toTypeId('ses', newUuid())}`),
    },
  ],
  'POST /v1/tenants/{tenant_id}/first-admin': [
    {
      foreign: (as) => as.post(`/v1/tenants/${a.id}/first-admin`, { name: 'x', email: 'x@example.org' }),
      unknown: (as) =>
        as.post(`/v1/tenants/${toTypeId('ten', newUuid())}/first-admin`, {
          name: 'x',
          email: 'x@example.org',
        }),
    },
  ],
  'GET /v1/connect-sessions': [
    withQuery('/v1/connect-sessions', 'cursor', () => cursors['/v1/connect-sessions'] as string, 'garbled'),
  ],
  'GET /v1/connect-sessions/{connect_session_id}': [onConnectSession('get')],
  'POST /v1/connect-sessions/{connect_session_id}/cancel': [onConnectSession('post', '/cancel')],
  'POST /v1/connect-sessions': [
    {
      foreign: (as) => as.post('/v1/connect-sessions', { integration_id: integration }),
      unknown: (as) => as.post('/v1/connect-sessions', { integration_id: toTypeId('int', newUuid()) }),
    },
  ],
  'GET /v1/integrations/{integration_id}': [onIntegration('get')],
  'PATCH /v1/integrations/{integration_id}': [
    onIntegration('patch', '', { app: 'mine' }),
    onIntegration('patch', '?dry_run=true', { app: 'mine' }),
  ],
  'DELETE /v1/integrations/{integration_id}': [onIntegration('delete')],
  'PUT /v1/integrations/{integration_id}/credentials': [
    onIntegration('put', '/credentials', { credentials: { token: 'mine' } }),
  ],
  'POST /v1/integrations/{integration_id}/pause': [onIntegration('post', '/pause')],
  'POST /v1/integrations/{integration_id}/resume': [onIntegration('post', '/resume')],
  'POST /v1/integrations/{integration_id}/check': [onIntegration('post', '/check')],
  'POST /v1/integrations/{integration_id}/mapping-preview': [
    onIntegration('post', '/mapping-preview', { record_types: {} }),
  ],
  'POST /v1/integrations/{integration_id}/sync-runs': [onIntegration('post', '/sync-runs', { kind: 'full' })],
  'GET /v1/integrations/{integration_id}/differences': [onIntegration('get', '/differences')],
  'GET /v1/integrations/{integration_id}/incoming-webhooks': [onIntegration('get', '/incoming-webhooks')],
  'POST /v1/integrations/{integration_id}/incoming-webhooks/address': [
    onIntegration('post', '/incoming-webhooks/address'),
  ],
  'PUT /v1/integrations/{integration_id}/incoming-webhooks/secret': [
    onIntegration('put', '/incoming-webhooks/secret', { secret: 'secret-of-b' }),
  ],
  'GET /v1/integrations/{integration_id}/record-types': [onIntegration('get', '/record-types')],
  'GET /v1/integrations/{integration_id}/sync-schedule': [onIntegration('get', '/sync-schedule')],
  'GET /v1/integrations/{integration_id}/skipped-runs': [onIntegration('get', '/skipped-runs')],
  'POST /v1/integrations/{integration_id}/overviews': [onIntegration('post', '/overviews', {})],
  'POST /v1/integrations/{integration_id}/sync-now': [onIntegration('post', '/sync-now', {})],
  'GET /v1/operations/{operation_id}': [
    {
      foreign: (as) => as.get(`/v1/operations/${operation}`),
      unknown: (as) => as.get(`/v1/operations/${toTypeId('opr', newUuid())}`),
    },
  ],
  'GET /v1/overviews': listOfIntegration('/v1/overviews'),
  'GET /v1/overviews/{overview_id}': [
    {
      foreign: (as) => as.get(`/v1/overviews/${overview}`),
      unknown: (as) => as.get(`/v1/overviews/${toTypeId('ovw', newUuid())}`),
    },
  ],
  'GET /v1/overviews/{overview_id}/items': [
    {
      foreign: (as) => as.get(`/v1/overviews/${overview}/items`),
      unknown: (as) => as.get(`/v1/overviews/${toTypeId('ovw', newUuid())}/items`),
    },
  ],
  'GET /v1/sync-runs/{sync_run_id}': [onRun('get')],
  'GET /v1/sync-runs/{sync_run_id}/jobs': [onRun('get', '/jobs')],
  'GET /v1/sync-runs/{sync_run_id}/changes': [
    onRun('get', '/changes'),
    onRun('get', '/changes?record_type=contacts'),
  ],
  'GET /v1/sync-runs/{sync_run_id}/errors': [onRun('get', '/errors')],
  'POST /v1/sync-runs/{sync_run_id}/cancel': [onRun('post', '/cancel')],
  'GET /v1/sync-runs': listOfIntegration('/v1/sync-runs'),
  'GET /v1/sync-status': listOfIntegration('/v1/sync-status'),
  'GET /v1/metadata-changes': listOfIntegration('/v1/metadata-changes'),
  'GET /v1/sync-conflicts': listOfIntegration('/v1/sync-conflicts'),
  'POST /v1/sync-conflicts/{sync_conflict_id}/decide': [
    {
      foreign: (as) => as.post(`/v1/sync-conflicts/${history.conflict}/decide`, { decision: 'dismiss' }),
      unknown: (as) =>
        as.post(`/v1/sync-conflicts/${toTypeId('cnf', newUuid())}/decide`, { decision: 'dismiss' }),
    },
  ],
  'POST /v1/sync-conflicts/decide-alike': [
    {
      foreign: (as) => as.post('/v1/sync-conflicts/decide-alike', alike(integration)),
      unknown: (as) => as.post('/v1/sync-conflicts/decide-alike', alike(toTypeId('int', newUuid()))),
    },
  ],
  'POST /v1/drifts/decide': [
    {
      foreign: (as) => as.post('/v1/drifts/decide', repair(integration)),
      unknown: (as) => as.post('/v1/drifts/decide', repair(toTypeId('int', newUuid()))),
    },
  ],
  'GET /v1/drifts': listOfIntegration('/v1/drifts'),
  'GET /v1/erasures/{erasure_id}': [
    {
      foreign: (as) => as.get(`/v1/erasures/${erasure}`),
      unknown: (as) => as.get(`/v1/erasures/${toTypeId('ers', newUuid())}`),
    },
  ],
  'POST /v1/erasures/{erasure_id}/confirm': [
    {
      foreign: (as) => as.post(`/v1/erasures/${erasure}/confirm`, { records: 0 }),
      unknown: (as) => as.post(`/v1/erasures/${toTypeId('ers', newUuid())}/confirm`, { records: 0 }),
    },
  ],
  'POST /v1/erasures/{erasure_id}/lift': [
    {
      foreign: (as) => as.post(`/v1/erasures/${erasure}/lift`),
      unknown: (as) => as.post(`/v1/erasures/${toTypeId('ers', newUuid())}/lift`),
    },
  ],
  'POST /v1/parked-work/{work_id}/retry': [
    {
      foreign: (as) => as.post(`/v1/parked-work/${parkedWork}/retry`),
      unknown: (as) => as.post(`/v1/parked-work/${toTypeId('wrk', newUuid())}/retry`),
    },
  ],
  'GET /v1/push-reviews': listOfIntegration('/v1/push-reviews'),
  'GET /v1/push-reviews/{push_review_id}': [onPushReview('get')],
  'GET /v1/push-reviews/{push_review_id}/records': [onPushReview('get', '/records')],
  'POST /v1/push-reviews/{push_review_id}/approve': [onPushReview('post', '/approve', {})],
  'POST /v1/push-reviews/{push_review_id}/discard': [onPushReview('post', '/discard', {})],
  'GET /v1/deletion-reviews': listOfIntegration('/v1/deletion-reviews'),
  'GET /v1/deletion-reviews/{deletion_review_id}': [onReview('get')],
  'GET /v1/deletion-reviews/{deletion_review_id}/records': [onReview('get', '/records')],
  'POST /v1/deletion-reviews/{deletion_review_id}/approve': [onReview('post', '/approve')],
  'POST /v1/deletion-reviews/{deletion_review_id}/discard': [onReview('post', '/discard')],
  'GET /v1/records/{record_type}/{external_id}': [
    { foreign: (as) => as.get(`${RECORD}/a-1`), unknown: (as) => as.get(`${RECORD}/unknown`) },
  ],
  'PATCH /v1/records/{record_type}/{external_id}': [
    {
      foreign: (as) => as.patch(`${RECORD}/a-1`, { fields: {} }),
      unknown: (as) => as.patch(`${RECORD}/unknown`, { fields: {} }),
    },
  ],
  'DELETE /v1/records/{record_type}/{external_id}': [
    { foreign: (as) => as.delete(`${RECORD}/a-1`), unknown: (as) => as.delete(`${RECORD}/unknown`) },
  ],
  'DELETE /v1/api-keys/{api_key_id}': [
    {
      foreign: (as) => as.delete(`/v1/api-keys/${keyOfA()}`),
      unknown: (as) => as.delete(`/v1/api-keys/${toTypeId('key', newUuid())}`),
    },
  ],
  'GET /v1/pushes/{push_id}': [
    {
      foreign: (as) => as.get(`/v1/pushes/${push}`),
      unknown: (as) => as.get(`/v1/pushes/${toTypeId('psh', newUuid())}`),
    },
  ],
  'GET /v1/pushes': [
    withQuery('/v1/pushes', 'integration_id', () => integration, toTypeId('int', newUuid())),
    withQuery('/v1/pushes', 'record_type=employees&external_id', () => 'a-1', 'unknown'),
    withQuery('/v1/pushes', 'cursor', () => cursors['/v1/pushes'] as string, 'garbled'),
  ],
  'GET /v1/record-syncs': [
    withQuery('/v1/record-syncs', 'integration_id', () => integration, toTypeId('int', newUuid())),
    withQuery('/v1/record-syncs', 'cursor', () => cursors['/v1/record-syncs'] as string, 'garbled'),
  ],
  'POST /v1/record-syncs/retry': [
    {
      foreign: (as) => as.post('/v1/record-syncs/retry', { integration_id: integration }),
      unknown: (as) => as.post('/v1/record-syncs/retry', { integration_id: toTypeId('int', newUuid()) }),
    },
  ],
  'GET /v1/integrations': [
    withQuery('/v1/integrations', 'cursor', () => cursors['/v1/integrations'] as string, 'garbled'),
  ],
  'GET /v1/api-keys': [
    withQuery('/v1/api-keys', 'cursor', () => cursors['/v1/api-keys'] as string, 'garbled'),
  ],
  'GET /v1/audit-log': [
    withQuery('/v1/audit-log', 'cursor', () => cursors['/v1/audit-log'] as string, 'garbled'),
  ],
  'GET /v1/records/{record_type}': [withQuery(RECORD, 'cursor', () => cursors[RECORD] as string, 'garbled')],
  'GET /v1/tenants/{tenant_id}': [
    {
      foreign: (as) => as.get(`/v1/tenants/${a.id}`),
      unknown: (as) => as.get(`/v1/tenants/${toTypeId('ten', newUuid())}`),
    },
  ],
  'PATCH /v1/tenants/{tenant_id}': [
    {
      foreign: (as) => as.patch(`/v1/tenants/${a.id}`, { name: 'mine' }).set('If-Match', '"1"'),
      unknown: (as) =>
        as.patch(`/v1/tenants/${toTypeId('ten', newUuid())}`, { name: 'mine' }).set('If-Match', '"1"'),
    },
  ],
  'DELETE /v1/tenants/{tenant_id}': [
    {
      foreign: (as) => as.delete(`/v1/tenants/${a.id}?name=A`),
      unknown: (as) => as.delete(`/v1/tenants/${toTypeId('ten', newUuid())}?name=A`),
    },
  ],
  'GET /v1/tenants/{tenant_id}/export': [
    {
      foreign: (as) => as.get(`/v1/tenants/${a.id}/export`),
      unknown: (as) => as.get(`/v1/tenants/${toTypeId('ten', newUuid())}/export`),
    },
  ],
  'GET /v1/tenants/{tenant_id}/deletion': [
    {
      foreign: (as) => as.get(`/v1/tenants/${a.id}/deletion`),
      unknown: (as) => as.get(`/v1/tenants/${toTypeId('ten', newUuid())}/deletion`),
    },
  ],
  'POST /v1/tenants/{tenant_id}/api-keys': [
    {
      foreign: (as) => as.post(`/v1/tenants/${a.id}/api-keys`, { name: 'x', role: 'admin' }),
      unknown: (as) =>
        as.post(`/v1/tenants/${toTypeId('ten', newUuid())}/api-keys`, { name: 'x', role: 'admin' }),
    },
  ],
  ...webhookRows(''),
  ...webhookRows('/platform'),
  ...oauthAppRows('/v1'),
  ...oauthAppRows('/v1/platform'),
  'POST /v1/platform/outbox/{message_id}/retry': [
    {
      foreign: async (as) =>
        as.post(`/v1/platform/outbox/${await givenRefusedMessage(service, { uuid: a.uuid })}/retry`),
      unknown: (as) => as.post('/v1/platform/outbox/999999999/retry'),
    },
  ],
  'POST /v1/webhook-endpoints': [
    {
      foreign: (as) => as.post('/v1/webhook-endpoints', newEndpointFor(integration)),
      unknown: (as) => as.post('/v1/webhook-endpoints', newEndpointFor(toTypeId('int', newUuid()))),
    },
  ],
  'GET /v1/events': listOfIntegration('/v1/events'),
  ...Object.fromEntries(
    ['push-now', 'hold', 'release', 'discard', 'retry'].map((name) => [
      `POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/${name}`,
      [act(name)],
    ]),
  ),
};

/**
 * Routes that take no id: what B gets there must hold nothing of A's (tested below), or holds
 * nothing of any tenant.
 */
const TAKES_NOTHING = new Set([
  'GET /livez',
  'GET /readyz',
  'GET /openapi.json',
  'GET /v1/tenants',
  'POST /v1/tenants',
  'GET /v1/platform/audit-log',
  'GET /v1/platform/outbox',
  'POST /v1/oauth-apps',
  'POST /v1/platform/oauth-apps',
  'POST /v1/platform/webhook-endpoints',
  'GET /v1/tenant',
  'GET /v1/tenant/export',
  'PATCH /v1/tenant',
  'POST /v1/api-keys',
  'GET /v1/connectors',
  'GET /v1/connectors/{kind}',
  'GET /v1/third-party-definitions',
  'GET /v1/third-party-definitions/{definition_key}',
  'GET /v1/third-party-definition-schema',
  'GET /v1/platform/third-party-definitions',
  'POST /v1/platform/third-party-definitions',
  'POST /v1/third-party-definitions/draft',
  'POST /v1/third-party-definitions/try',
  'POST /v1/platform/third-party-definitions/draft',
  'POST /v1/platform/third-party-definitions/try',
  'GET /v1/platform/third-party-definitions/{definition_key}/versions',
  'GET /v1/platform/third-party-definitions/{definition_key}/versions/{version}',
  'GET /v1/platform/third-party-definitions/{definition_key}/integrations',
  'GET /v1/platform/stopped-rollouts',
  'GET /v1/platform/third-party-definitions/{definition_key}/rollouts',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts',
  'GET /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}',
  'GET /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/integrations',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/approve',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/pause',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/resume',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/cancel',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/retry',
  'POST /v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/roll-back',
  'POST /v1/integrations',
  'POST /v1/records/batch',
  'PUT /v1/records/{record_type}/{external_id}',
  'GET /v1/erasures',
  'POST /v1/erasures',
  'GET /v1/parked-work',
  'GET /v1/notifications',
  // About the person who asks: notifications.test.ts has those of other people and other tenants.
  'GET /v1/notifications/unread',
  'POST /v1/notifications/viewed',
  'POST /v1/notifications/{notification_id}/viewed',
  'GET /v1/connect-settings',
  'PATCH /v1/connect-settings',
  'GET /v1/notification-settings',
  'PATCH /v1/notification-settings',
  'PATCH /v1/notification-settings/own',
  'GET /v1/onboarding',
  'GET /v1/sync-summary',
  'POST /v1/sign-ins',
  'GET /v1/stream',
  'GET /v1/time-zones',
  'POST /v1/people',
  'GET /console/v1/sign-in',
  'POST /console/v1/sign-in',
  'POST /console/v1/sign-out',
  'POST /console/v1/passwords',
  'GET /console/v1/oidc',
  'GET /console/v1/oidc/callback',
  // platform-session.test.ts has what no person of a tenant can do.
  'POST /console/v1/platform/sign-in',
  'POST /console/v1/platform/sign-out',
  'GET /console/v1/platform/session',
  'GET /console/v1/me',
  'POST /console/v1/me/password',
  'GET /console/v1/me/sessions',
]);

const keyOfA = () => keyIds[0] as string;
let keyIds: string[];
beforeAll(async () => {
  keyIds = (await a.admin.get('/v1/api-keys')).body.data.map((key: { id: string }) => key.id);
});

it('has a row for exactly the routes of the API description', async () => {
  const { body } = await service.as(undefined).get('/openapi.json').expect(200);
  const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );

  const tested = [...Object.keys(ROWS), ...TAKES_NOTHING];
  expect(tested.toSorted()).toEqual(described.toSorted());
  expect(Object.keys(ROUTE_PERMISSIONS).toSorted()).toEqual(described.toSorted());
});

describe("another tenant's ids are answered like unknown ids", () => {
  for (const [route, rows] of Object.entries(ROWS)) {
    it.each(rows.map((row, index) => [index + 1, row] as const))(`${route} (%i)`, async (_number, row) => {
      const foreign = await row.foreign(b.admin);
      const unknown = await row.unknown(b.admin);

      const isForPlatform = ROUTE_PERMISSIONS[route] === 'platform';
      expectProblem(foreign, isForPlatform ? 403 : foreign.text.includes('invalid_cursor') ? 400 : 404);
      expect({ status: foreign.status, body: withoutRequestId(foreign) }).toEqual({
        status: unknown.status,
        body: withoutRequestId(unknown),
      });
    });
  }

  it('and nothing of A was changed by all that', async () => {
    const { body } = await a.viewer.get(`/v1/integrations/${integration}`);

    expect(body).toMatchObject({ app: 'Example HR', state: 'active' });
    expect((await a.viewer.get(`/v1/sync-runs/${history.run}`)).body).toMatchObject({
      state: 'running',
      cancel_requested_at: null,
    });
    expect((await a.viewer.get(`/v1/deletion-reviews/${history.review}`)).body.state).toBe('pending');
    expect((await a.viewer.get(`/v1/webhook-endpoints/${endpoint}`)).body).toMatchObject({
      description: '',
      state: 'enabled',
      former_secrets_expire_at: [],
    });
    expect(
      (await a.viewer.get('/v1/webhook-deliveries')).body.data.map(
        ({ trigger }: { trigger: string }) => trigger,
      ),
    ).toEqual(['test', 'test']);
    expect((await a.viewer.get('/v1/tenant')).body.name).toBe('A');
    expect(
      (await a.admin.get('/v1/api-keys')).body.data.filter(
        (key: { revoked_at: string | null }) => key.revoked_at !== null,
      ),
    ).toEqual([]);
    expect((await a.viewer.get(`${RECORD}/a-1`)).body).toMatchObject({ version: 1, is_deleted: false });
    expect((await a.admin.get(`/v1/people/${person.id}`)).body).toMatchObject({
      name: 'Ana of A',
      status: 'active',
    });
    expect((await a.admin.get(`/v1/people/${person.id}/sessions`)).body.data).toHaveLength(1);
  });
});

describe('lists', () => {
  const OWN = LISTS.filter(
    (path) => !['/v1/api-keys', '/v1/audit-log', '/v1/people', '/v1/events'].includes(path),
  );

  it.each([...OWN, '/v1/notifications', '/v1/onboarding'])('%s of B hold nothing of A', async (path) => {
    expect((await b.admin.get(path)).body).toMatchObject({ data: [], next_cursor: null });
  });

  it('of events of B hold nothing of A, and have a cursor to continue', async () => {
    expect((await b.admin.get('/v1/events')).body).toEqual({
      data: [],
      next_cursor: expect.any(String),
      has_more: false,
      oldest_kept_at: expect.any(String),
    });
  });

  it('of sign-ins of B start nothing at A', async () => {
    const runsOfA = async () => (await a.viewer.get('/v1/sync-runs?limit=200')).body.data.length;
    const before = await runsOfA();

    expect((await b.admin.post('/v1/sign-ins', { user: 'ben' }).expect(202)).body).toEqual({
      sync_runs: [],
      left_out: [],
    });
    expect(await runsOfA()).toBe(before);
  });

  it('of people of B contain no person of A, nor in the console', async () => {
    for (const { body } of [await b.admin.get('/v1/people'), await browserOfB.get('/console/v1/people')]) {
      expect(body.data).toHaveLength(1);
      expect(JSON.stringify(body)).not.toContain('of A');
    }
  });

  it('of keys and of the audit log hold only what is of B', async () => {
    const [keys, log] = [await b.admin.get('/v1/api-keys'), await b.admin.get('/v1/audit-log')];

    expect(keys.body.data).toHaveLength(3);
    expect(`${keys.text}${log.text}`).not.toMatch(/ of A"|key:\w+ of A/);
  });
});

it('lets two tenants use the same record id and the same Idempotency-Key independently (S7, S24)', async () => {
  const own = await b.operator.put(`${RECORD}/a-1`, { fields: { email: 'b@example.org' } });
  const [first, second] = [
    await a.admin.post('/v1/api-keys', { name: 'same', role: 'viewer' }).set('Idempotency-Key', 'same'),
    await b.admin.post('/v1/api-keys', { name: 'same', role: 'viewer' }).set('Idempotency-Key', 'same'),
  ];

  expect(own.body).toMatchObject({ outcome: 'accepted', version: 1 });
  expect((await a.viewer.get(`${RECORD}/a-1`)).body.fields).toEqual({ email: 'a-1@example.org' });
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(first.body.id).not.toBe(second.body.id);
});

describe('row-level security', () => {
  const TABLES = [
    'tenants',
    'tenantKeys',
    'apiKeys',
    'idempotencyKeys',
    'integrations',
    'records',
    'recordChanges',
    'recordSyncs',
    'pushes',
    'notifications',
    'auditLog',
    'streamEvents',
    'outbox',
    'syncRuns',
    'syncJobs',
    'syncPages',
    'syncRecordErrors',
    'syncDatasets',
    'syncStatuses',
    'skippedRuns',
    'deletionReviews',
    'remoteRecordTypes',
    'metadataChanges',
    'syncConflicts',
    'rateLimits',
    'emails',
    'people',
    'personTokens',
    'consoleSessions',
    'events',
    'eventSequences',
    'webhookEndpoints',
    'webhookDeliveries',
    'webhookAttempts',
    'companySyncs',
  ] as const;

  it.each(TABLES)('shows nothing of A in %s when a query does not name the tenant', async (table) => {
    const rows = await service.database.withTenant(b.uuid, ({ trx }) =>
      trx.selectFrom(table).select('tenantId').execute(),
    );

    expect(rows.filter(({ tenantId }) => tenantId === a.uuid)).toEqual([]);
  });

  it('shows nothing at all without a tenant', async () => {
    const rows = await service.database.withTenant('', ({ trx }) =>
      trx.selectFrom('records').select('tenantId').execute(),
    );

    expect(rows).toEqual([]);
  });

  it('rejects a row for another tenant', async () => {
    const writing = service.database.withTenant(b.uuid, ({ trx, now }) =>
      trx
        .insertInto('apiKeys')
        .values({
          tenantId: a.uuid,
          apiKeyId: newUuid(),
          publicId: 'x',
          secretHash: Buffer.alloc(32),
          name: 'x',
          role: 'admin',
          createdBy: 'x',
          expiresAt: now,
          revokedAt: null,
          lastUsedAt: null,
        })
        .execute(),
    );

    await expect(writing).rejects.toThrow(/row-level security/);
  });

  it.each([
    'update audit_log set actor = $$x$$',
    'delete from audit_log',
    'drop table records',
    'create table x (y int)',
    'select * from pg_authid',
    'truncate records',
  ])('does not let the role of the application do: %s', async (statement) => {
    await expect(
      service.database.withTenant(a.uuid, ({ trx }) => sql.raw(statement).execute(trx)),
    ).rejects.toThrow(/permission denied|must be owner/);
  });
});

function withoutRequestId({ text }: supertest.Response): unknown {
  return { ...JSON.parse(text), request_id: null };
}
