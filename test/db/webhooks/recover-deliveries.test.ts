/** Recovering what an endpoint has missed (rules.md 45, 60). */
import { newUuid } from '../../../db/sql/ids';
import { recoverDeliveries } from '../../../db/webhooks/delivery-log';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf } from '../many-rows';

const DAY_MS = 86_400_000;
let db: TestDb;
let tenant: GivenTenant;
let endpointId: string;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  endpointId = newUuid();
  await db.superuser(
    `insert into webhook_endpoints
       (tenant_id, webhook_endpoint_id, url, description, secrets, created_at, updated_at)
     values ($1, $2, 'https://example.com', '', '[]', now(), now())`,
    [tenant.tenantId, endpointId],
  );
});

/** Events with a delivery each. @returns the ids of the events. */
async function deliveries(count: number, state: string): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newUuid());
  await db.superuser(
    `insert into events (tenant_id, event_id, sequence, type, payload, created_at)
     select $1, id, n + (select count(*) from events where tenant_id = $1), 'DATA_NEW', '{}', now()
     from unnest($2::uuid[]) with ordinality made(id, n)`,
    [tenant.tenantId, ids],
  );
  await deliver(ids, state);
  return ids;
}

const deliver = (events: readonly string[], state: string) =>
  db.superuser(
    `insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state,
       trigger, created_at)
     select $1, delivery, $2, event, $5, 'event', now() from unnest($3::uuid[], $4::uuid[]) made(delivery, event)`,
    [tenant.tenantId, endpointId, events.map(() => newUuid()), events, state],
  );
const since = () => new Date(Date.now() - DAY_MS);
const recoverSome = () => tenant.work((work) => recoverDeliveries(work, { endpointId, since: since() }));
const recover = async () => (await recoverSome()).recovered;
const recovered = async () =>
  (
    await db.superuser(
      `select event_id from webhook_deliveries where tenant_id = $1 and trigger = 'recover' order by 1`,
      [tenant.tenantId],
    )
  ).map((row) => row['event_id']);

it('of 25,000 missed events a request sends 10,000, the oldest first, and the last one what is left', async () => {
  const events = await deliveries(25_000, 'disabled');

  expect(await recover()).toBe(10_000);
  expect(await recovered()).toEqual(events.slice(0, 10_000).toSorted());
  expect([await recover(), await recover(), await recover()]).toEqual([10_000, 5_000, 0]);
  expect(await recovered()).toEqual(events.toSorted());
});

it('a request does not read again what was recovered, or what arrived', async () => {
  await deliveries(10_000, 'failed');
  await deliveries(10_000, 'delivered');
  await recover();
  await deliveries(3, 'failed');

  const { read } = await rowsOf(tenant, (work) => recoverDeliveries(work, { endpointId, since: since() }));

  expect(read).toBeLessThan(100);
  expect(await recovered()).toHaveLength(10_003);
});

it('an event that fails again after its recovery is recovered again', async () => {
  const [event] = await deliveries(1, 'failed');
  await recover();
  await db.superuser(`update webhook_deliveries set state = 'failed' where tenant_id = $1`, [
    tenant.tenantId,
  ]);

  expect([await recover(), await recover()]).toEqual([1, 0]);
  expect(await recovered()).toEqual([event, event]);
});

it('an event that people have sent again is recovered only if that failed, too, and once', async () => {
  const [arrived = '', waiting = '', failed = ''] = await deliveries(3, 'failed');
  await deliver([arrived], 'delivered');
  await deliver([waiting], 'pending');
  await deliver([failed], 'failed');

  expect(await recover()).toBe(1);
  expect(await recovered()).toEqual([failed]);

  await db.superuser(
    `update webhook_deliveries set state = 'failed' where tenant_id = $1 and event_id = $2`,
    [tenant.tenantId, waiting],
  );
  expect(await recover()).toBe(1);
  expect(await recovered()).toEqual([waiting, failed].toSorted());
});

it('a request sends 10,000 also where others that are older or newer have arrived', async () => {
  const older = await deliveries(9_999, 'failed');
  await deliver(await deliveries(2_000, 'failed'), 'delivered');
  const [first = '', second] = await deliveries(2, 'failed');

  expect(await recover()).toBe(10_000);
  expect(await recovered()).toEqual([...older, first].toSorted());
  expect([await recover(), await recover()]).toEqual([1, 0]);
  expect(await recovered()).toContain(second);
});

it('a request says that more may have been missed behind tens of thousands that have arrived since', async () => {
  await deliver(await deliveries(35_000, 'failed'), 'delivered');
  const [missed] = await deliveries(1, 'failed');

  const { wrote } = await rowsOf(tenant, async (work) => {
    const first = await recoverDeliveries(work, { endpointId, since: since() });
    expect(first).toEqual({ recovered: 0, hasMore: true });
  });

  expect(wrote).toBeLessThanOrEqual(30_000);
  expect(await recoverSome()).toEqual({ recovered: 1, hasMore: false });
  expect(await recovered()).toEqual([missed]);
});

it('what was missed before the time stays for a later request', async () => {
  await deliveries(2, 'failed');
  const later = new Date(Date.now() + DAY_MS);

  const { recovered: count } = await tenant.work((work) =>
    recoverDeliveries(work, { endpointId, since: later }),
  );
  expect(count).toBe(0);
  expect(await recover()).toBe(2);
});
