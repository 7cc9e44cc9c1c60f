/** What stays due (here an account of a tenant that is being deleted) hides nothing that is due behind it. */
import { type DueAccount, findDueAccounts } from '../../../db/integrations/oauth/refreshes';
import { newUuid } from '../../../db/sql/ids';
import { type AbandonedConsent, findAbandonedConsents } from '../../../db/sync-runs/abandoned-consents';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenDueAccount } from './given-due-account';

let db: TestDb;
let tenant: GivenTenant;
const anHourAgo = new Date(Date.now() - 3_600_000);

beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

/** All that a loop finds, one by one. */
async function allOf<Row>(find: (after: Row | undefined) => Promise<Row[]>): Promise<Row[]> {
  const found: Row[] = [];
  for (let turns = 0; turns < 10; turns += 1) {
    const [next] = await find(found.at(-1));
    if (next === undefined) break;
    found.push(next);
  }
  return found;
}

it('finds each account whose tokens have to be refreshed, although the first ones stay due', async () => {
  const integrationIds = await Promise.all([1, 2, 3].map(() => givenDueAccount(tenant)));

  const found = await allOf<DueAccount>((after) =>
    db.database.withDispatcher((work) => findDueAccounts(work, { after, limit: 1 })),
  );

  expect(found.map((one) => one.integrationId)).toEqual(integrationIds.toSorted());
});

it('finds each consent that was abandoned, although the first ones cannot be dropped', async () => {
  const ids = [1, 2, 3].map(() => newUuid()).toSorted();
  await db.superuser('set session_replication_role = replica'); // without foreign keys
  for (const id of ids)
    await db.superuser(
      `insert into connect_sessions select (jsonb_populate_record(null::connect_sessions, $1)).*`,
      [
        JSON.stringify({
          tenant_id: tenant.tenantId,
          connect_session_id: id,
          integration_id: newUuid(),
          oauth_consent_id: newUuid(),
          state: 'in_progress',
          secret_hash: `\\x${id.replaceAll('-', '')}`,
          settings: {},
          guidance: {},
          attempts: 0,
          created_by: 'test',
          created_at: anHourAgo,
          expires_at: anHourAgo,
        }),
      ],
    );
  await db.superuser('set session_replication_role = default');

  const found = await allOf<AbandonedConsent>((after) =>
    db.database.withDispatcher((work) => findAbandonedConsents(work, { after, limit: 1 })),
  );

  expect(found.map((one) => one.connectSessionId)).toEqual(ids);
});
