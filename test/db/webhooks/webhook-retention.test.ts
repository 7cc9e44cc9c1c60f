/** Retention of events and deliveries: 30 days, or longer while a delivery is waiting. */
import { emitEvents } from '../../../db/webhooks/events';
import { newUuid } from '../../../db/sql/ids';
import { sweep } from '../../../worker/stalled-work-sweeper';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  await db.superuser(`
    insert into webhook_endpoints (tenant_id, webhook_endpoint_id, url, description, secrets, created_at, updated_at)
    values ('${tenant.tenantId}', '${newUuid()}', 'https://example.com/hooks', '', '[]', now(), now())`);
  await tenant.work((work) =>
    emitEvents(work, [{ type: 'TEST', integrationId: null, data: { message: 'a test' } }]),
  );
  await db.superuser(`
    insert into webhook_attempts (tenant_id, webhook_delivery_id, attempt, at, duration_ms, request_headers)
    select tenant_id, webhook_delivery_id, 1, now(), 5, '{}' from webhook_deliveries where tenant_id = '${tenant.tenantId}'`);
});

const silent = { info() {}, warn() {}, error() {} };
const sweepUp = () => sweep({ database: db.database, handleRow: () => Promise.resolve(), log: silent });
/** Makes the deliveries this old, in that state. */
async function age(days: number, isDue: boolean): Promise<void> {
  for (const table of ['events', 'webhook_deliveries'])
    await db.superuser(
      `update ${table} set created_at = now() - interval '${days} days' where tenant_id = '${tenant.tenantId}'`,
    );
  if (!isDue)
    await db.superuser(
      `update webhook_deliveries set state = 'delivered', next_attempt_at = null where tenant_id = '${tenant.tenantId}'`,
    );
}
const rowsLeft = async () => {
  const counts: number[] = [];
  for (const table of ['events', 'webhook_deliveries', 'webhook_attempts'])
    counts.push((await db.superuser(`select * from ${table} where tenant_id = '${tenant.tenantId}'`)).length);
  return counts;
};

it('deletes an event, its deliveries and their attempts after 30 days', async () => {
  await age(32, false);

  await sweepUp();

  expect(await rowsLeft()).toEqual([0, 0, 0]);
});

it('keeps younger events', async () => {
  await age(29, false);

  await sweepUp();

  expect(await rowsLeft()).toEqual([1, 1, 1]);
});

it('keeps events with a waiting delivery, however old', async () => {
  await age(32, true);

  await sweepUp();

  expect(await rowsLeft()).toEqual([1, 1, 1]);
});
