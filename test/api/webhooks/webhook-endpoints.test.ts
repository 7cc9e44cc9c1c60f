/** Webhook endpoints over the API, of a tenant and of the platform (rules.md 43 to 45). */
import type { Route } from '../../../api/routing/define-route';
import { routes } from '../../../api/routes';
import { fromTypeId } from '../../../db/sql/ids';
import { endpointSecretsLocation } from '../../../db/webhooks/endpoints';
import { EVENT_TYPES } from '../../../domain/event-catalogue';
import {
  type Caller,
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
});

const ADDRESS = 'https://hooks.example.com/syncline';
const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
const base = '/v1/webhook-endpoints';
const caller = (): Caller => tenant.admin;
const ownerId = (): string => tenant.uuid;

describe('an endpoint', () => {
  const create = async (body: object = {}) =>
    (
      await caller()
        .post(base, { url: ADDRESS, ...body })
        .expect(201)
    ).body;
  const uuidOf = (id: string) => fromTypeId('whe', id) as string;
  /** The secrets that sign now, the newest first. */
  const secretsOf = (id: string) =>
    service.database.withTenant(ownerId(), async (work) => {
      const { secrets } = await work.trx
        .selectFrom('webhookEndpoints')
        .select('secrets')
        .where('webhookEndpointId', '=', uuidOf(id))
        .executeTakeFirstOrThrow();
      const opened: { secret: string; expiresAt: string | null }[] = [];
      for (const { encrypted, expiresAt } of secrets)
        opened.push({
          secret: await service.encryption.open(
            work,
            endpointSecretsLocation({ endpointId: uuidOf(id) }),
            encrypted,
          ),
          expiresAt,
        });
      return opened;
    });

  it('is created with only the required fields, and shown without its secret', async () => {
    const { body, headers } = await caller().post(base, { url: ADDRESS }).expect(201);
    const { secret, ...rest } = body;

    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(rest).toMatchObject({
      url: ADDRESS,
      description: '',
      event_types: null,
      integration_ids: null,
      rate_per_second: null,
      state: 'enabled',
    });
    expect((await caller().get(`${base}/${body.id}`)).body).toEqual(rest);
    expect(headers.etag).toBe('"1"');
  });

  it('does not show its secret in lists, the audit log, the log of the process or the database', async () => {
    const { id, secret } = await create();
    const rotated = (await caller().post(`${base}/${id}/rotate-secret`).expect(200)).body.secret as string;

    const shown = [
      await caller().get(base),
      await caller().get(`${base}/${id}`),
      await caller().patch(`${base}/${id}`, { description: 'x' }).set('If-Match', '"2"'),
    ];
    const kept = await service.database.withTenant(ownerId(), async ({ trx }) => [
      await trx.selectFrom('auditLog').selectAll().execute(),
      await trx.selectFrom('webhookEndpoints').selectAll().execute(),
    ]);
    for (const hidden of [secret, rotated].map((text: string) => text.replace('whsec_', '')))
      for (const text of [
        ...shown.map((response) => response.text),
        JSON.stringify(kept),
        service.logged.join(''),
      ])
        expect(text).not.toContain(hidden);
  });

  it('is created once per Idempotency-Key; repeats answer the same secret, stored encrypted', async () => {
    const send = () =>
      caller().post(base, { url: ADDRESS, description: 'once' }).set('Idempotency-Key', `once ${ownerId()}`);
    const [first, again] = [await send().expect(201), await send().expect(201)];

    expect(again.body).toEqual(first.body);
    const [row] = await service.database.withTenant(ownerId(), ({ trx }) =>
      trx
        .selectFrom('idempotencyKeys')
        .selectAll()
        .where('idempotencyKey', '=', `once ${ownerId()}`)
        .execute(),
    );
    expect(JSON.stringify(row)).not.toContain(first.body.secret.slice(6));
    expect(
      (await caller().get(`${base}?limit=200`)).body.data.filter(
        ({ description }: { description: string }) => description === 'once',
      ),
    ).toHaveLength(1);
  });

  it('is changed only with the current ETag', async () => {
    const { id } = await create();
    const change = {
      url: 'https://hooks.example.com:8443/v2',
      description: 'Payroll',
      event_types: ['SYNC_COMPLETE', 'DATA_NEW'],
      rate_per_second: 5,
    };

    expectProblem(await caller().patch(`${base}/${id}`, change), 428, 'precondition_required');
    expectProblem(
      await caller().patch(`${base}/${id}`, change).set('If-Match', '"7"'),
      412,
      'precondition_failed',
    );
    const { body, headers } = await caller()
      .patch(`${base}/${id}`, change)
      .set('If-Match', '"1"')
      .expect(200);

    expect(body).toMatchObject(change);
    expect(headers.etag).toBe('"2"');
    expect(
      (
        await caller()
          .patch(`${base}/${id}`, { event_types: null, rate_per_second: null })
          .set('If-Match', '"2"')
      ).body,
    ).toMatchObject({
      event_types: null,
      rate_per_second: null,
      description: 'Payroll',
    });
  });

  it('is not found once deleted', async () => {
    const { id } = await create();

    await caller().delete(`${base}/${id}`).expect(204);

    expectProblem(await caller().get(`${base}/${id}`), 404, 'endpoint_not_found');
    expectProblem(await caller().delete(`${base}/${id}`), 404, 'endpoint_not_found');
    expect(
      (await caller().get(`${base}?limit=200`)).body.data.map((one: { id: string }) => one.id),
    ).not.toContain(id);
    const row = await service.database.withTenant(ownerId(), ({ trx }) =>
      trx
        .selectFrom('webhookEndpoints')
        .select('secrets')
        .where('webhookEndpointId', '=', uuidOf(id))
        .execute(),
    );
    expect(row).toEqual([{ secrets: [] }]);
  });

  it('signs with its former secret for 24 hours more, at most three at a time', async () => {
    const { id, secret: first } = await create();
    const rotate = () => caller().post(`${base}/${id}/rotate-secret`);
    const { body } = await rotate().expect(200);
    const [expiry] = body.former_secrets_expire_at as string[];

    expect(await secretsOf(id)).toEqual([
      { secret: body.secret, expiresAt: null },
      { secret: first, expiresAt: expiry },
    ]);
    expect(Math.abs(new Date(expiry ?? 0).getTime() - Date.now() - DAY_MS)).toBeLessThan(60_000);
    expect((await rotate().expect(200)).body.former_secrets_expire_at).toHaveLength(2);
    expectProblem(await rotate(), 409, 'too_many_secrets');

    await service.database.withTenant(ownerId(), async (work) => {
      const row = await work.trx
        .selectFrom('webhookEndpoints')
        .select('secrets')
        .where('webhookEndpointId', '=', uuidOf(id))
        .executeTakeFirstOrThrow();
      const expired = row.secrets.map((one) =>
        one.expiresAt === null ? one : { ...one, expiresAt: daysAgo(1) },
      );
      await work.trx
        .updateTable('webhookEndpoints')
        .set({ secrets: JSON.stringify(expired) })
        .where('webhookEndpointId', '=', uuidOf(id))
        .execute();
    });
    await rotate().expect(200);
    expect(await secretsOf(id)).toHaveLength(2);
  });

  it('is disabled and enabled by a person, and sends nothing while disabled', async () => {
    const { id } = await create();
    const act = (name: string, body?: object) => caller().post(`${base}/${id}/${name}`, body);

    const off = await act('disable').expect(200);
    expect(off.body).toMatchObject({
      state: 'disabled',
      disabled_reason: 'manual',
      disabled_at: expect.any(String),
    });
    expect((await act('disable').expect(200)).body.disabled_at).toBe(off.body.disabled_at);
    expectProblem(await act('test'), 409, 'endpoint_disabled');
    expectProblem(await act('recover', { since: daysAgo(1) }), 409, 'endpoint_disabled');
    expectProblem(await act('enable', { recover_since: daysAgo(15) }), 422, 'recover_too_far');
    expect((await caller().get(`${base}/${id}`)).body.state).toBe('disabled');

    expect((await act('enable', {}).expect(200)).body).toMatchObject({
      state: 'enabled',
      disabled_reason: null,
      recovered: 0,
    });
    expectProblem(await act('recover', { since: daysAgo(15) }), 422, 'recover_too_far');
    expect((await act('test').expect(202)).body.delivery_id).toMatch(/^whd_/);
  });

  it.each<[string, object]>([
    ['without an address', { url: undefined }],
    ['of an address that is a number', { url: 5 }],
    ['of an address beyond all measure', { url: `https://example.com/${'x'.repeat(2_000)}` }],
    ['with an unknown event type', { event_types: ['SYNC_COMPLETED'] }],
    ['with TEST as an event', { event_types: ['TEST'] }],
    ['with no events', { event_types: [] }],
    [
      'with more events than exist',
      { event_types: Array.from({ length: EVENT_TYPES.length + 1 }, () => 'DATA_NEW') },
    ],
    ['with no integrations', { integration_ids: [] }],
    [
      'with too many integrations',
      { integration_ids: Array.from({ length: 101 }, () => 'int_01k07nr000e008000000000005') },
    ],
    ['with a rate of 0', { rate_per_second: 0 }],
    ['with a rate beyond all measure', { rate_per_second: 1_001 }],
    ['with half a request a second', { rate_per_second: 0.5 }],
    ['with a line break in its description', { description: 'a\nb' }],
    ['with a secret of its own', { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }],
  ])('is refused %s', async (_what, body) => {
    expectProblem(await caller().post(base, { url: ADDRESS, ...body }), 400, 'invalid_body');
  });

  it('is refused with an id of something else as an integration', async () => {
    expectProblem(
      await caller().post(base, { url: ADDRESS, integration_ids: ['whe_01k07nr000e008000000000005'] }),
      404,
      'integration_not_found',
    );
  });

  it('is one of at most 50; a deleted one does not count', async () => {
    const there = (await caller().get(`${base}?limit=200`)).body.data.length as number;
    let last = '';
    for (let count = there; count < 50; count += 1) last = (await create()).id;

    expectProblem(await caller().post(base, { url: ADDRESS }), 422, 'too_many_endpoints');
    await caller().delete(`${base}/${last}`).expect(204);
    const outcomes = await Promise.all([1, 2, 3].map(() => caller().post(base, { url: ADDRESS })));
    expect(outcomes.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 422, 422]);
    const made = outcomes.find(({ status }) => status === 201)?.body.id as string;
    await caller().delete(`${base}/${made}`).expect(204);
  });
});

describe('an endpoint of the platform', () => {
  const platformBase = '/v1/platform/webhook-endpoints';

  it('has the same routes as an endpoint of a tenant', () => {
    const about = ({ path }: Route) => /\/webhook-(endpoints|deliveries)/.test(path);
    const [ofPlatform, ofTenants] = [true, false].map((isPlatform) =>
      routes
        .filter((route) => about(route) && route.path.startsWith('/v1/platform/') === isPlatform)
        .map(({ method, path }) => `${method} ${path.replace('/platform', '')}`)
        .toSorted(),
    );

    expect(ofTenants?.length).toBeGreaterThan(10);
    expect(ofPlatform).toEqual(ofTenants);
  });

  it('is created, changed, rotated, tested, disabled, enabled, recovered and deleted', async () => {
    const { body: created } = await service.platform.post(platformBase, { url: ADDRESS }).expect(201);
    const path = `${platformBase}/${created.id}`;
    const changed = await service.platform
      .patch(path, { rate_per_second: 5 })
      .set('If-Match', '"1"')
      .expect(200);

    expect(created.secret).toMatch(/^whsec_/);
    expect(changed.body.rate_per_second).toBe(5);
    expect((await service.platform.post(`${path}/rotate-secret`).expect(200)).body.secret).not.toBe(
      created.secret,
    );
    const { delivery_id } = (await service.platform.post(`${path}/test`).expect(202)).body;
    await service.platform.get(`/v1/platform/webhook-deliveries/${delivery_id}`).expect(200);
    expect((await service.platform.post(`${path}/disable`).expect(200)).body.state).toBe('disabled');
    expect((await service.platform.post(`${path}/enable`, {}).expect(200)).body.state).toBe('enabled');
    await service.platform.post(`${path}/recover`, { since: daysAgo(1) }).expect(202);
    await service.platform.delete(path).expect(204);
    expectProblem(await service.platform.get(path), 404, 'endpoint_not_found');
  });

  it('is not visible to a tenant', async () => {
    const { body: created } = await service.platform.post(platformBase, { url: ADDRESS }).expect(201);

    expectProblem(await tenant.admin.get(`${base}/${created.id}`), 404, 'endpoint_not_found');
    await service.platform.delete(`${platformBase}/${created.id}`).expect(204);
  });
});

describe('the permission to', () => {
  const ACTIONS = ['rotate-secret', 'disable', 'enable'];

  it('see them: all; test and recover them: operators; change them: admins', async () => {
    const { id } = (await tenant.admin.post('/v1/webhook-endpoints', { url: ADDRESS }).expect(201)).body;
    const one = `/v1/webhook-endpoints/${id}`;

    for (const path of ['/v1/webhook-endpoints', one, '/v1/webhook-deliveries', '/v1/events'])
      await tenant.viewer.get(path).expect(200);
    for (const name of ['test', 'recover'])
      expectProblem(await tenant.viewer.post(`${one}/${name}`, {}), 403, 'role_insufficient');
    const forAdmins = [
      tenant.operator.post('/v1/webhook-endpoints', { url: ADDRESS }),
      tenant.operator.patch(one, {}).set('If-Match', '"1"'),
      tenant.operator.delete(one),
      ...ACTIONS.map((name) => tenant.operator.post(`${one}/${name}`)),
    ];
    for (const response of await Promise.all(forAdmins)) expectProblem(response, 403, 'role_insufficient');
    await tenant.operator.post(`${one}/test`).expect(202);
    await tenant.operator.post(`${one}/recover`, { since: daysAgo(1) }).expect(202);
  });

  it('reach those of the platform: only the platform key, which reaches none of a tenant', async () => {
    expectProblem(await tenant.admin.get('/v1/platform/webhook-endpoints'), 403, 'platform_key_required');
    expectProblem(await service.platform.get('/v1/webhook-endpoints'), 403, 'tenant_key_required');
  });

  it('select integrations: a tenant its own, the platform those of any tenant', async () => {
    const other = await service.givenTenant('Other');
    const { id } = await givenIntegration(other);
    const body = { url: ADDRESS, integration_ids: [id] };

    expectProblem(await tenant.admin.post('/v1/webhook-endpoints', body), 404, 'integration_not_found');
    expect((await other.admin.post('/v1/webhook-endpoints', body).expect(201)).body.integration_ids).toEqual([
      id,
    ]);
    const { body: made } = await service.platform.post('/v1/platform/webhook-endpoints', body).expect(201);
    await service.platform.delete(`/v1/platform/webhook-endpoints/${made.id}`).expect(204);
  });
});

it('lists page by page, each once', async () => {
  const ids: string[] = [];
  for (const description of ['1', '2', '3'])
    ids.push(
      (await tenant.admin.post('/v1/webhook-endpoints', { url: ADDRESS, description }).expect(201)).body.id,
    );

  const first = (await tenant.viewer.get('/v1/webhook-endpoints?limit=2')).body;
  const second = (await tenant.viewer.get(`/v1/webhook-endpoints?limit=2&cursor=${first.next_cursor}`)).body;

  expect([...first.data, ...second.data].map(({ id }: { id: string }) => id)).toEqual(ids);
  expect(second.next_cursor).toBeNull();
});
