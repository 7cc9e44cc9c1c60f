/** What calls of a third party cost while thousands of records that it has named wait (rules.md 60). */
import { addIncomingChanges } from '../../../db/integrations/incoming/incoming-changes';
import type { TenantWork } from '../../../db/database';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf } from '../many-rows';

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  await db.superuser('truncate incoming_changes');
  await given({ tenants: 500, rows: 4 });
  await db.superuser('analyze incoming_changes');
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
});

const insert = `insert into incoming_changes
  (tenant_id, integration_id, record_type, remote_id, first_at, last_at)`;
const given = ({ tenants, rows }: { tenants: number; rows: number }) =>
  db.superuser(`${insert} select md5('tenant' || t)::uuid, md5('integration' || t)::uuid, 'contacts', 'r' || n,
    now() - interval '1 minute', now() from generate_series(1, ${tenants}) t, generate_series(1, ${rows}) n`);
/** `r1` to `r{count}` of the tenant, in no statistics. */
const waiting = (count: number) =>
  db.superuser(
    `${insert} select $1, $2, 'contacts', 'r' || n, now() - interval '1 minute', now()
     from generate_series(1, $3::int) n`,
    [tenant.tenantId, integrationId, count],
  );
const name =
  (...ids: string[]) =>
  (work: TenantWork) =>
    addIncomingChanges(work, {
      integrationId,
      changes: ids.map((remoteId) => ({ recordType: 'contacts', remoteId })),
    });
const readBy = async (...ids: string[]) => (await rowsOf(tenant, name(...ids))).read;
const kept = () =>
  db.superuser(`select remote_id from incoming_changes where tenant_id = $1`, [tenant.tenantId]);
const messages = () =>
  db.superuser(`select from outbox where topic = 'incoming_changes' and tenant_id = $1`, [tenant.tenantId]);

it('a flood of webhooks reads what waits once in about a hundred calls', async () => {
  await waiting(4_000);
  await readBy('z');

  const reads = [];
  for (let call = 0; call < 200; call += 1) reads.push(await readBy(`z${call}`));

  expect(reads.filter((read) => read > 10).length).toBeLessThanOrEqual(6);
  expect([(await kept()).length, (await messages()).length]).toEqual([4_201, 1]);
});

it('records that wait already are noted without a count, and without a message', async () => {
  await waiting(4_000);

  expect(await readBy('r1', 'r2', 'r4000')).toBeLessThanOrEqual(10);
  expect([(await kept()).length, (await messages()).length]).toEqual([4_000, 0]);
});

it('beyond 5,000 the record type is read as a whole, although calls never pause, and nothing is added', async () => {
  await waiting(4_900);
  for (let call = 0; call < 600; call += 1) await readBy(`z${call}`);
  const count = (await kept()).length;

  const read = await readBy('newer', 'newest', 'r1');

  expect(read).toBeLessThanOrEqual(10);
  expect(count).toBeLessThan(5_400);
  const ids = (await kept()).map((row) => row['remote_id'] as string);
  expect([ids.length, ids.includes(''), ids.includes('newer')]).toEqual([count, true, false]);
});

it('a call with many records is counted', async () => {
  await waiting(4_990);
  const many = (from: string) => Array.from({ length: 150 }, (_, index) => `${from}${index}`);
  await readBy(...many('a'));

  await readBy(...many('b'));

  expect((await kept()).length).toBe(4_990 + 150 + 1);
});
