/**
 * The delivery log of the API, and repeated deliveries (rules.md 45). The test itself does the work of the
 * endpoint queue.
 */
import { Client } from 'pg';
import type { TenantWork } from '../../../db/database';
import { emitEvents } from '../../../db/webhooks/events';
import { fromTypeId } from '../../../db/sql/ids';
import type { DeliveryState } from '../../../db/tables/webhooks';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
let endpoint: string;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
  endpoint = await givenEndpoint();
});

const PATH = '/v1/webhook-deliveries';
const givenEndpoint = async (body: object = {}) =>
  (
    await tenant.admin
      .post('/v1/webhook-endpoints', { url: 'https://hooks.example.com', ...body })
      .expect(201)
  ).body.id as string;
const inTenant = <T>(work: (context: TenantWork) => Promise<T>) =>
  service.database.withTenant(tenant.uuid, work);
/** Something happens. @returns the events' ids on the wire */
const happen = async (count = 1): Promise<string[]> => {
  await inTenant((work) =>
    emitEvents(
      work,
      Array.from({ length: count }, () => ({
        type: 'INTEGRATION_NEEDS_REAUTHORIZATION' as const,
        integrationId: null,
        data: { integration_id: 'int_x' },
      })),
    ),
  );
  return (await list()).slice(0, count).map(({ event_id }) => event_id);
};
interface Listed {
  id: string;
  event_id: string;
  endpoint_id: string;
  state: string;
  trigger: string;
}
const list = async (query = ''): Promise<Listed[]> =>
  (await tenant.viewer.get(`${PATH}?limit=200${query}`).expect(200)).body.data;
const conclude = (deliveryIds: readonly string[], state: DeliveryState) =>
  inTenant(({ trx, now }) =>
    trx
      .updateTable('webhookDeliveries')
      .set({ state, nextAttemptAt: null, finishedAt: now, attempts: 1 })
      .where(
        'webhookDeliveryId',
        'in',
        deliveryIds.map((id) => fromTypeId('whd', id) as string),
      )
      .execute(),
  );
const wokenEndpoints = () =>
  inTenant(({ trx }) =>
    trx.selectFrom('outbox').select('subjectId').where('topic', '=', 'webhook_endpoint').execute(),
  );
const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();

it('is created for each event and subscribed endpoint, with an outbox row for its queue', async () => {
  const other = await givenEndpoint({ event_types: ['SYNC_COMPLETE'] });
  await happen(2);

  const deliveries = await list();

  expect(deliveries).toHaveLength(2);
  expect(deliveries[0]).toMatchObject({
    endpoint_id: endpoint,
    tenant_id: tenant.id,
    event_type: 'INTEGRATION_NEEDS_REAUTHORIZATION',
    state: 'pending',
    trigger: 'event',
    attempts: 0,
    last_status: null,
  });
  expect(await list(`&endpoint_id=${other}`)).toEqual([]);
  expect(await wokenEndpoints()).toContainEqual({ subjectId: fromTypeId('whe', endpoint) });
});

it('shows what was sent and each attempt', async () => {
  await happen();
  const [delivery] = await list();
  const id = delivery?.id ?? '';
  await inTenant(({ trx, now }) =>
    trx
      .insertInto('webhookAttempts')
      .values({
        tenantId: tenant.uuid,
        webhookDeliveryId: fromTypeId('whd', id) as string,
        attempt: 1,
        at: now,
        durationMs: 12,
        status: 500,
        error: 'The receiver answered 500.',
        requestHeaders: JSON.stringify({ 'webhook-id': delivery?.event_id }),
        responseHeaders: JSON.stringify({ 'content-type': 'text/plain' }),
        responseBody: 'Oh no',
      })
      .execute(),
  );

  const { body } = await tenant.viewer.get(`${PATH}/${id}`).expect(200);

  expect(body).toMatchObject({
    id,
    payload: { id: delivery?.event_id, tenant_id: tenant.id, data: { integration_id: 'int_x' } },
  });
  expect(body.log).toEqual([
    {
      attempt: 1,
      at: expect.any(String),
      duration_ms: 12,
      status: 500,
      error: 'The receiver answered 500.',
      request_headers: { 'webhook-id': delivery?.event_id },
      response_headers: { 'content-type': 'text/plain' },
      response_body: 'Oh no',
    },
  ]);
});

it('lists by endpoint, state, type and time, newest first, page by page', async () => {
  await happen(5);
  const all = await list();
  await conclude(
    all.slice(0, 2).map(({ id }) => id),
    'failed',
  );

  expect((await list('&state=failed')).map(({ id }) => id)).toEqual(all.slice(0, 2).map(({ id }) => id));
  expect(await list('&event_type=SYNC_COMPLETE')).toEqual([]);
  expect(await list(`&from=${secondsAgo(60)}&to=${secondsAgo(-60)}`)).toHaveLength(5);
  expect(await list(`&to=${secondsAgo(60)}`)).toEqual([]);
  const first = (await tenant.viewer.get(`${PATH}?limit=3`)).body;
  const rest = (await tenant.viewer.get(`${PATH}?limit=3&cursor=${first.next_cursor}`)).body;
  expect([...first.data, ...rest.data]).toEqual(await list());
  expect(rest.next_cursor).toBeNull();
  expectProblem(
    await tenant.viewer.get(`${PATH}?limit=3&state=failed&cursor=${first.next_cursor}`),
    400,
    'invalid_cursor',
  );
});

it.each([
  'state=lost',
  'event_type=NOTHING',
  'from=yesterday',
  'to=2026-13-01T00:00:00Z',
  'limit=201',
  'endpoint=whe_x',
  'state=failed&state=pending',
])('refuses to list by %s', async (query) => {
  expectProblem(await tenant.viewer.get(`${PATH}?${query}`), 400, 'invalid_query');
});

it('is sent again under the same event id, as a new delivery', async () => {
  const [event] = await happen();
  const [first] = await list();
  await conclude([first?.id ?? ''], 'delivered');

  const send = () => tenant.operator.post(`${PATH}/${first?.id}/resend`).set('Idempotency-Key', 'again');
  const { body } = await send().expect(202);

  expect((await send().expect(202)).body).toEqual(body);
  expect(await list()).toMatchObject([
    { id: body.delivery_id, event_id: event, trigger: 'resend', state: 'pending' },
    { id: first?.id, state: 'delivered' },
  ]);
});

it('is not sent again to a disabled or deleted endpoint', async () => {
  await happen();
  const [first] = await list();
  await tenant.admin.post(`/v1/webhook-endpoints/${endpoint}/disable`).expect(200);
  expectProblem(await tenant.operator.post(`${PATH}/${first?.id}/resend`), 409, 'endpoint_disabled');

  await tenant.admin.delete(`/v1/webhook-endpoints/${endpoint}`).expect(204);
  expectProblem(await tenant.operator.post(`${PATH}/${first?.id}/resend`), 404, 'endpoint_not_found');
  await tenant.viewer.get(`${PATH}/${first?.id}`).expect(200);
});

it('recovers failed and missed events, once, and none that arrived or are pending', async () => {
  await happen(4);
  const [pending, delivered, failed, disabled] = (await list()) as [Listed, Listed, Listed, Listed];
  await conclude([delivered.id], 'delivered');
  await conclude([failed.id], 'failed');
  await conclude([disabled.id], 'disabled');
  const recover = async (since: string) =>
    (await tenant.operator.post(`/v1/webhook-endpoints/${endpoint}/recover`, { since }).expect(202)).body
      .recovered;

  expect(await recover(secondsAgo(-1))).toBe(0);
  expect(await recover(secondsAgo(60))).toBe(2);
  expect(await recover(secondsAgo(60))).toBe(0);

  const again = (await list()).filter(({ trigger }) => trigger === 'recover').map(({ event_id }) => event_id);
  expect(again.toSorted()).toEqual([failed.event_id, disabled.event_id].toSorted());
  expect(again).not.toContain(pending.event_id);
});

it('is kept while the endpoint is disabled, and sent when it is enabled with `recover_since`', async () => {
  await tenant.admin.post(`/v1/webhook-endpoints/${endpoint}/disable`).expect(200);
  await happen(3);
  expect((await list()).map(({ state }) => state)).toEqual(['disabled', 'disabled', 'disabled']);

  const { body } = await tenant.admin
    .post(`/v1/webhook-endpoints/${endpoint}/enable`, { recover_since: secondsAgo(60) })
    .expect(200);

  expect(body).toMatchObject({ state: 'enabled', recovered: 3 });
  expect(await list('&state=pending')).toHaveLength(3);
});

it('goes only to endpoints that select the integration', async () => {
  const { id } = (
    await tenant.admin
      .post('/v1/integrations', {
        connector: 'scim',
        config: { base_url: 'https://hr.example.com' },
        credentials: { token: 't' },
      })
      .expect(201)
  ).body as { id: string };
  const filtered = await givenEndpoint({ integration_ids: [id] });
  const emit = (integrationId: string | null) =>
    inTenant((work) =>
      emitEvents(work, [
        { type: 'INTEGRATION_NEEDS_REAUTHORIZATION', integrationId, data: { integration_id: 'int_x' } },
      ]),
    );

  await emit(null);
  await emit(fromTypeId('int', id) as string);

  expect(await list(`&endpoint_id=${filtered}`)).toHaveLength(1);
  expect(await list(`&endpoint_id=${endpoint}`)).toHaveLength(2);
});

describe('of the platform', () => {
  it('shows all tenants to the platform only', async () => {
    const { body: platforms } = await service.platform
      .post('/v1/platform/webhook-endpoints', { url: 'https://platform.example.com' })
      .expect(201);
    const [event] = await happen();
    const seen = async () =>
      (await service.platform.get(`/v1/platform/webhook-deliveries?endpoint_id=${platforms.id}`).expect(200))
        .body.data as Listed[];
    const [delivery] = await seen();

    expect(delivery).toMatchObject({ event_id: event, tenant_id: tenant.id, endpoint_id: platforms.id });
    expect((await list()).map(({ endpoint_id }) => endpoint_id)).toEqual([endpoint]);
    expectProblem(await tenant.viewer.get(`${PATH}/${delivery?.id}`), 404, 'delivery_not_found');
    expectProblem(await tenant.operator.post(`${PATH}/${delivery?.id}/resend`), 404, 'delivery_not_found');
    const shown = (await service.platform.get(`/v1/platform/webhook-deliveries/${delivery?.id}`).expect(200))
      .body;
    expect(shown.payload.tenant_id).toBe(tenant.id);

    await conclude([delivery?.id ?? ''], 'failed');
    const recover = service.platform.post(`/v1/platform/webhook-endpoints/${platforms.id}/recover`, {
      since: secondsAgo(60),
    });
    expect((await recover.expect(202)).body.recovered).toBe(1);
    await service.platform.post(`/v1/platform/webhook-deliveries/${delivery?.id}/resend`).expect(202);
    expect((await seen()).map(({ trigger }) => trigger)).toEqual(['resend', 'recover', 'event']);

    const [own] = await list();
    expectProblem(
      await service.platform.get(`/v1/platform/webhook-deliveries/${own?.id}`),
      404,
      'delivery_not_found',
    );
    await service.platform.delete(`/v1/platform/webhook-endpoints/${platforms.id}`).expect(204);
  });
});

it('rule 62: is hidden after 30 days, cannot be sent again then, and the lists say since when they are complete', async () => {
  await happen();
  const [old] = await list();
  const client = new Client(service.databaseUrl);
  await client.connect();
  await client.query(`update events set created_at = created_at - interval '31 days' where tenant_id = $1`, [
    tenant.uuid,
  ]);
  await client.end();

  expect(await list()).toEqual([]);
  expectProblem(await tenant.operator.post(`${PATH}/${old?.id}/resend`), 404, 'delivery_not_found');
  const { body } = await tenant.viewer.get('/v1/events');
  expect(body.data).toEqual([]);
  for (const [path, days] of [
    ['/v1/events', 30],
    [PATH, 30],
    ['/v1/pushes', 90],
    ['/v1/audit-log', 730],
  ] as const) {
    const { oldest_kept_at: since } = (await tenant.admin.get(path).expect(200)).body;
    expect((Date.now() - Date.parse(since)) / 86_400_000).toBeCloseTo(days, 1);
  }
});
