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

it('a flood of webhooks reads what waits once in a few seconds, and not for each call', async () => {
  await waiting(4_000);
  await readBy('new');

  const reads = [];
  for (let call = 0; call < 20; call += 1) reads.push(await readBy(`new${call}`));

  expect(Math.max(...reads)).toBeLessThanOrEqual(10);
  expect([(await kept()).length, (await messages()).length]).toEqual([4_021, 1]);
});

it('records that wait already are noted without a count, and without a message', async () => {
  await waiting(4_000);

  expect(await readBy('r1', 'r2', 'r4000')).toBeLessThanOrEqual(10);
  expect([(await kept()).length, (await messages()).length]).toEqual([4_000, 0]);
});

it('once 5,000 records wait, the record type is read as a whole, and further calls add nothing', async () => {
  await waiting(5_000);
  await readBy('new');

  const read = await readBy('newer', 'newest', 'r1');

  expect(read).toBeLessThanOrEqual(10);
  const added = (await kept()).map((row) => row['remote_id'] as string).filter((id) => !id.startsWith('r'));
  expect(added).toEqual(['']);
});

it('a call with many records is counted, however recent the last message is', async () => {
  await waiting(4_990);
  await readBy('new');
  const many = (from: string) => Array.from({ length: 30 }, (_, index) => `${from}${index}`);
  await readBy(...many('a'));

  await readBy(...many('b'));

  expect((await kept()).length).toBe(4_990 + 1 + 30 + 1);
});
