/** Deliveries from an event to its receiver, days passing by skipped time: rules.md 43 to 45. */
import type { ServerResponse } from 'node:http';
import { webhookEndpointWorkflowId } from '../../../contract/webhook-endpoint';
import { emitEvents, type NewEvent } from '../../../db/webhooks/events';
import { toTypeId } from '../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import { until } from '../../support/until';
import { PushEnvironment, MINUTE, type TestTenant } from '../../support/environments/push-environment';
import { givenPerson } from '../../support/environments/people';
import {
  createEndpoint,
  isSignedBy,
  newWebhookSecret,
  type Receiver,
  startReceiver,
} from '../../support/fakes/webhooks';

const HOUR = 60 * MINUTE;
let environment: PushEnvironment;
let tenant: TestTenant;
let receiver: Receiver;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end();
const test = (message: string): NewEvent => ({ type: 'TEST', integrationId: null, data: { message } });
/** @returns the events' ids on the wire. */
async function emit(count = 1, of: TestTenant = tenant): Promise<string[]> {
  const events = Array.from({ length: count }, (_, index) => test(`event ${index}`));
  const ids = await environment.database.withTenant(of.tenantId, (work) => emitEvents(work, events));
  return ids.map((id) => toTypeId('evt', id));
}
const endpoint = (more: Partial<Parameters<typeof createEndpoint>[1]> = {}) =>
  createEndpoint(environment, { tenantId: tenant.tenantId, url: receiver.url, ...more });
const deliveries = () =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx.selectFrom('webhookDeliveries').selectAll().execute(),
  );
const attempts = () =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx.selectFrom('webhookAttempts').selectAll().orderBy('attempt').execute(),
  );
/** A tenant sees the platform's endpoints too. */
const endpointRow = () =>
  environment.database.withTenant(tenant.tenantId, ({ trx, tenantId }) =>
    trx.selectFrom('webhookEndpoints').selectAll().where('tenantId', '=', tenantId).executeTakeFirstOrThrow(),
  );
const states = async () => (await deliveries()).map(({ state }) => state);
const idsReceived = () => receiver.received.map(({ id }) => id);
async function pushEnv(endpointId: string): Promise<string> {
  return (
    await environment.env.client.workflow.getHandle(webhookEndpointWorkflowId({ endpointId })).describe()
  ).status.name;
}

/** Moves the clock on and lets what that began end: real receivers take real time. */
async function pass(ms: number): Promise<void> {
  await environment.sleep(ms);
  await until('nothing is under way', async () => {
    await environment.dispatch();
    const now = new Date(await environment.now());
    const underWay = await environment.database.withWebhooksRole(({ trx }) =>
      trx
        .selectFrom('webhookDeliveries as delivery')
        .innerJoin('webhookEndpoints as endpoint', 'endpoint.webhookEndpointId', 'delivery.webhookEndpointId')
        .select('delivery.webhookDeliveryId')
        .where('delivery.nextAttemptAt', '<=', now)
        .where((where) =>
          where.or([
            where('endpoint.blockedUntil', 'is', null),
            where('endpoint.blockedUntil', '<=', now),
            where('delivery.claimId', 'is not', null),
          ]),
        )
        .execute(),
    );
    return underWay.length === 0;
  });
}

/** In steps, so that what is decided on the way has its e-mail leave on the way. */
async function hours(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed += 1) await pass(HOUR);
}
const FAILING = 'A webhook endpoint is failing';
const mailTo = ({ email }: { email: string }) =>
  environment.mail.sent.filter(({ recipient }) => recipient === email).map(({ subject }) => subject);

describe('a delivery', () => {
  it('sends the stored payload once, signed by every valid secret', async () => {
    const [newest, older, expired] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()];
    const now = await environment.now();
    const inAnHour = new Date(now + HOUR).toISOString();
    const secrets = [
      { secret: newest, expiresAt: null },
      { secret: older, expiresAt: inAnHour },
      { secret: expired, expiresAt: new Date(now - HOUR).toISOString() },
    ];
    await endpoint({ secrets });
    const [id] = await emit();

    await pass(1_000);

    expect(receiver.received).toHaveLength(1);
    const [webhook] = receiver.received;
    if (webhook === undefined) throw new Error('Nothing came.');
    expect(webhook).toMatchObject({
      id,
      headers: { 'content-type': 'application/json', 'user-agent': 'Syncline' },
    });
    expect(JSON.parse(webhook.body)).toMatchObject({
      id,
      type: 'TEST',
      tenant_id: toTypeId('ten', tenant.tenantId),
      data: { message: 'event 0' },
    });
    expect([
      isSignedBy(newest, webhook),
      isSignedBy(older, webhook),
      isSignedBy(expired, webhook),
      webhook.signatures.length,
    ]).toEqual([true, true, false, 2]);
    expect(await deliveries()).toMatchObject([
      {
        state: 'delivered',
        attempts: 1,
        lastStatus: 204,
        lastError: null,
        nextAttemptAt: null,
        claimId: null,
      },
    ]);
    expect(await attempts()).toMatchObject([
      { attempt: 1, status: 204, error: null, requestHeaders: { 'webhook-id': id } },
    ]);
    expect(JSON.stringify(await attempts())).not.toMatch(/whsec_|v1,/);
  });

  it('is signed by both secrets for 24 h after a rotation, then by the new one alone', async () => {
    const [newest, former] = [newWebhookSecret(), newWebhookSecret()];
    const secrets = [
      { secret: newest, expiresAt: null },
      { secret: former, expiresAt: new Date((await environment.now()) + 24 * HOUR).toISOString() },
    ];
    await endpoint({ secrets });
    await emit();
    await pass(23 * HOUR);
    await emit();
    await pass(2 * HOUR);
    await emit();
    await pass(1_000);

    const signedBy = receiver.received.map((webhook) => [
      isSignedBy(newest, webhook),
      isSignedBy(former, webhook),
    ]);
    expect(signedBy).toEqual([
      [true, true],
      [true, true],
      [true, false],
    ]);
  });

  it('is limited to the rate of the endpoint', async () => {
    await endpoint({ ratePerSecond: 20 });
    const startedAt = performance.now();

    await emit(30);
    await pass(1_000);

    expect(receiver.received).toHaveLength(30);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_400);
  });

  it('leaves no workflow running without pending deliveries', async () => {
    const endpointId = await endpoint();
    await emit(3);

    await pass(1_000);

    expect(await states()).toEqual(['delivered', 'delivered', 'delivered']);
    expect(await pushEnv(endpointId)).toBe('COMPLETED');
  });

  it('is made to an endpoint of the platform for every tenant, and to a tenant’s for its own events only', async () => {
    const platform = await startReceiver();
    await createEndpoint(environment, { tenantId: PLATFORM_TENANT_ID, url: platform.url });
    await endpoint();
    const other = await environment.tenant();
    const [mine, others] = [await emit(1), await emit(1, other)];

    await pass(1_000);

    expect(idsReceived()).toEqual(mine);
    expect(platform.received.map(({ id }) => id).toSorted()).toEqual([...mine, ...others].toSorted());
    await environment.database.withTenant(PLATFORM_TENANT_ID, ({ trx }) =>
      trx.updateTable('webhookEndpoints').set({ deletedAt: new Date() }).execute(),
    );
    await platform.close();
  });

  it('reaches a receiver that was down for three days: every event once by id', async () => {
    await endpoint();
    receiver.answer = status(503);
    const ids = await emit(12);
    await pass(71 * HOUR);
    expect(new Set(await states())).toEqual(new Set(['retrying']));
    const refused = receiver.received.splice(0);
    receiver.answer = status(200);

    await pass(15 * HOUR);

    expect(idsReceived().toSorted()).toEqual(ids.toSorted());
    expect(new Set(refused.map(({ id }) => id))).toEqual(new Set(ids));
    expect(new Set(await states())).toEqual(new Set(['delivered']));
    expect(await endpointRow()).toMatchObject({
      failingSince: null,
      failedAttempts: 0,
      disabledAt: null,
      blockedUntil: null,
    });
  }, 120_000);

  it('is tried ten times over three days and then has failed', async () => {
    await endpoint();
    receiver.answer = status(500);
    await emit();

    await pass(90 * HOUR);

    expect(await deliveries()).toMatchObject([
      { state: 'failed', attempts: 10, nextAttemptAt: null, lastStatus: 500 },
    ]);
    const at = (await attempts()).map((attempt) => attempt.at.getTime());
    expect((at.at(-1) as number) - (at[0] as number)).toBeGreaterThanOrEqual(75.5 * HOUR);
    expect(new Set(idsReceived()).size).toBe(1);
    expect(new Set(receiver.received.map(({ timestamp }) => timestamp)).size).toBe(10);
  }, 120_000);

  it('is delayed as long as a 429 asks, and at most an hour', async () => {
    await endpoint();
    receiver.answer = status(429, { 'retry-after': '600' });
    await emit();
    await pass(1_000);
    const [{ nextAttemptAt } = { nextAttemptAt: null }] = await deliveries();
    const [{ at } = { at: new Date(0) }] = await attempts();
    expect((nextAttemptAt?.getTime() ?? 0) - at.getTime()).toBeGreaterThanOrEqual(600_000);
    expect((nextAttemptAt?.getTime() ?? 0) - at.getTime()).toBeLessThan(605_000);

    receiver.answer = status(429, { 'retry-after': '864000' });
    await pass(15 * MINUTE);
    const [again] = await deliveries();
    expect(again).toMatchObject({ attempts: 2, state: 'retrying' });
    expect((again?.nextAttemptAt?.getTime() ?? 0) - (await environment.now())).toBeLessThanOrEqual(HOUR);
  });
});

describe('an endpoint', () => {
  it('that answers 410 is disabled at once, and pending deliveries are kept', async () => {
    const endpointId = await endpoint();
    receiver.answer = status(410);
    await emit(8);
    await pass(1_000);

    expect(receiver.received.length).toBeLessThanOrEqual(5);
    expect(await endpointRow()).toMatchObject({ disabledReason: 'gone', disabledAt: expect.any(Date) });
    // The news of it waits for it too.
    expect(await states()).toEqual(Array.from({ length: 9 }, () => 'disabled'));
    expect(await pushEnv(endpointId)).toBe('COMPLETED');
    const news = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('events').selectAll().where('type', '=', 'ENDPOINT_DISABLED').execute(),
    );
    expect(news).toMatchObject([
      { payload: { data: { endpoint_id: toTypeId('whe', endpointId), reason: 'gone' } } },
    ]);
  });

  it('that fails five times in a row is not called for a minute, which counts as no attempt', async () => {
    await endpoint();
    receiver.answer = status(500);
    await emit(40);
    await pass(2_000);

    expect(receiver.received).toHaveLength(5);
    expect((await deliveries()).filter(({ attempts: made }) => made === 0)).toHaveLength(35);

    receiver.answer = status(200);
    receiver.received.length = 0;
    await pass(30_000);
    expect(receiver.received).toHaveLength(0);
    await pass(10 * MINUTE);
    expect(new Set(idsReceived()).size).toBe(40);
    expect(receiver.received).toHaveLength(40);
  });

  it('is disabled after five days of failures only, and its tenant is notified (S16)', async () => {
    const ada = await givenPerson(environment.database, tenant.tenantId);
    const endpointId = await endpoint();
    const witness = await startReceiver();
    await endpoint({ url: witness.url, eventTypes: ['ENDPOINT_DISABLED'] });
    receiver.answer = status(500);
    await emit(1);
    await hours(60);
    await emit(1);
    await hours(50);
    expect(witness.received).toHaveLength(0);
    await hours(40);

    expect(witness.received.map(({ body }) => JSON.parse(body) as object)).toMatchObject([
      { data: { endpoint_id: toTypeId('whe', endpointId), reason: 'failing' } },
    ]);
    const news = (await tenant.notifications()).toSorted(
      (a, b) => a.createdAt.getTime() - b.createdAt.getTime(),
    );
    expect(news.map(({ kind }) => kind)).toEqual([
      'endpoint_failing',
      'endpoint_failing',
      'endpoint_disabled',
    ]);
    expect(news.at(-1)).toMatchObject({
      webhookEndpointId: endpointId,
      detail: expect.stringMatching(/^127\.0\.0\.1:\d+ accepted nothing for 5 days\.$/),
    });
    await hours(1);
    expect(mailTo(ada)).toEqual([FAILING, FAILING, 'A webhook endpoint was disabled']);
    await witness.close();
  }, 120_000);

  it('that accepts nothing is reported after a day and after three, in the platform and by e-mail, with its page', async () => {
    const ada = await givenPerson(environment.database, tenant.tenantId);
    const viewer = await givenPerson(environment.database, tenant.tenantId, { role: 'viewer' });
    const endpointId = await endpoint();
    receiver.answer = status(500);
    await emit();
    await hours(20);
    const before = await tenant.notifications();
    await hours(16);
    const afterADay = await tenant.notifications();
    await hours(20);
    const onTheThirdDay = await tenant.notifications();
    await hours(27);

    const warning = { kind: 'endpoint_failing', webhookEndpointId: endpointId, resolvedAt: expect.any(Date) };
    expect(before).toEqual([]);
    expect(afterADay).toMatchObject([
      { ...warning, detail: expect.stringMatching(/^127\.0\.0\.1:\d+ has accepted nothing since .*Z\.$/) },
    ]);
    expect(onTheThirdDay).toHaveLength(1);
    expect(await tenant.notifications()).toMatchObject([warning, warning]);
    expect([mailTo(ada), mailTo(viewer)]).toEqual([[FAILING, FAILING], []]);
    const mail = environment.mail.sent.find(({ recipient }) => recipient === ada.email);
    expect(mail?.text).toContain(`/console/webhooks/${toTypeId('whe', endpointId)}`);
    expect(mail?.text).not.toContain('127.0.0.1:');
  }, 120_000);

  it('that accepts an event now and then is not reported', async () => {
    await endpoint();
    receiver.answer = status(500);
    await emit();
    await hours(20);
    receiver.answer = status(200);
    await emit();
    await pass(1_000);
    receiver.answer = status(500);
    await emit();
    await hours(20);

    expect(await tenant.notifications()).toEqual([]);
  }, 120_000);

  it('of the platform is reported in the log only', async () => {
    const endpointId = await endpoint({ tenantId: PLATFORM_TENANT_ID });
    const warn = jest.spyOn(environment.dependencies.log, 'warn');
    receiver.answer = status(500);
    await emit();
    await hours(36);

    const ofIt = warn.mock.calls.filter(
      ([subject]) => (subject as { endpoint_id?: string }).endpoint_id === toTypeId('whe', endpointId),
    );
    expect(ofIt.map(([, message]) => message)).toEqual(['webhook endpoint failing continuously']);
    expect(await tenant.notifications()).toEqual([]);
    warn.mockRestore();
    await environment.database.withTenant(PLATFORM_TENANT_ID, ({ trx }) =>
      trx.updateTable('webhookEndpoints').set({ deletedAt: new Date() }).execute(),
    );
  }, 120_000);

  it('that hangs does not delay another', async () => {
    await endpoint();
    const healthy = await startReceiver();
    await endpoint({ url: healthy.url });
    receiver.answer = () => undefined;
    await emit(30);

    await environment.dispatch();
    await until('the healthy one has all', () => healthy.received.length === 30);

    expect(receiver.received.length).toBeLessThanOrEqual(5);
    await pass(1_000);
    await healthy.close();
  });
});
