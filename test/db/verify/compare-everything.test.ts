/** After a restore, a tenant with many integrations (rules.md 54, 60). */
import { compareEverything } from '../../../db/compare-everything';
import { GivenTenant, givenCopies, openTestDb, type TestDb } from '../given';

const COPIES = 44;
let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

it('all its integrations are compared, a few in each transaction', async () => {
  const tenant = await GivenTenant.create(db);
  const integrationId = await tenant.integration();
  await givenCopies(db, integrationId, COPIES);
  await GivenTenant.create(db);

  await compareEverything(db.database);

  const rows = await db.superuser(
    `select count(*)::int as integrations from integrations
     where unverified_types <> '{}' group by xmin::text::bigint order by xmin::text::bigint`,
  );
  expect(rows.map((row) => row['integrations'])).toEqual([20, 20, 5]);
});
