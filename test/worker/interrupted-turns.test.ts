/** Turns of background loops that end early: the next turn goes on where they ended. */
import { newUuid } from '../../db/sql/ids';
import { always } from '../../worker/leased-loop';
import { dropAbandonedConsents } from '../../worker/schedules/abandoned-consents';
import { refreshDueAccounts } from '../../worker/schedules/oauth-refresher';
import { GivenTenant, openTestDb, type TestDb } from '../db/given';
import { givenDueAccount } from '../db/integrations/given-due-account';

/** More than a turn looks at. */
const ROWS = 230;
const anHourAgo = new Date(Date.now() - 3_600_000);

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

/** True so often. */
const times = (count: number) => {
  let left = count;
  return async () => (left -= 1) >= 0;
};
const countOf = async (rows: string) =>
  Number((await db.superuser(`select count(*) as count from ${rows}`))[0]?.['count']);
/** Further rows like the only one of a table, without foreign keys. */
async function multiply(table: string, changes: string): Promise<void> {
  await db.superuser('set session_replication_role = replica');
  await db.superuser(`insert into ${table}
    select (jsonb_populate_record(one, ${changes})).* from ${table} one, generate_series(2, ${ROWS}) number`);
  await db.superuser('set session_replication_role = default');
}

it('no account whose tokens have to be refreshed waits for the next round', async () => {
  await givenDueAccount(tenant);
  await multiply(
    'oauth_accounts',
    `jsonb_build_object('integration_id', gen_random_uuid(), 'connection_id', gen_random_uuid())`,
  );
  const log = { info() {}, warn() {}, error() {} };
  const openConnector = () => Promise.reject(new Error('The provider is not there.'));
  const options = { database: db.database, openConnector, log };
  const due = () => countOf('oauth_accounts where refresh_due_at < now()');

  const last = await refreshDueAccounts(options, undefined, times(3));
  const handled = ROWS - (await due());
  const next = await refreshDueAccounts(options, last, always);

  expect(handled).toBe(24);
  expect(await due()).toBe(ROWS - 224);
  expect(await refreshDueAccounts(options, next, always)).toBeUndefined();
  expect(await due()).toBe(0);
});

it('no abandoned consent waits for the next round', async () => {
  await db.superuser('set session_replication_role = replica');
  await db.superuser(
    `insert into connect_sessions select (jsonb_populate_record(null::connect_sessions, $1)).*`,
    [
      JSON.stringify({
        tenant_id: tenant.tenantId,
        connect_session_id: newUuid(),
        integration_id: newUuid(),
        oauth_consent_id: newUuid(),
        state: 'in_progress',
        secret_hash: '\\x01',
        settings: {},
        guidance: {},
        attempts: 0,
        created_by: 'test',
        created_at: anHourAgo,
        expires_at: anHourAgo,
      }),
    ],
  );
  await multiply(
    'connect_sessions',
    `jsonb_build_object('connect_session_id', gen_random_uuid(), 'oauth_consent_id', gen_random_uuid(),
      'secret_hash', '\\x' || md5(number::text))`,
  );
  const place = {};
  const left = () => countOf('connect_sessions where oauth_consent_id is not null');

  await dropAbandonedConsents(db, place, times(7));
  expect(await left()).toBe(ROWS - 7);
  await dropAbandonedConsents(db, place, always);
  expect(await left()).toBe(ROWS - 207);
  await dropAbandonedConsents(db, place, always);

  expect(await left()).toBe(0);
  expect(place).toEqual({ after: undefined });
});
