/** rules.md 22, 60: a look at the pushes of a Sync Now costs the same, however many have not ended. */
import { recordPushOutcomes } from '../../../db/sync-runs/sync-now-outcomes';
import { FIRST_ID, newUuid } from '../../../db/sql/ids';
import { sql } from 'kysely';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenWaitingPushes, rowsOf } from '../many-rows';

const PUSHES = 3_000;
const LIMIT = 100;
const recordType = 'employees';
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
let syncRunId: string;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
  syncRunId = newUuid();
  await givenWaitingPushes(tenant, { integrationId, count: PUSHES });
  await tenant.work(({ trx, tenantId, now }) =>
    sql`insert into sync_run_pushes (tenant_id, sync_run_id, record_type, record_id, version, made_due_at)
      select tenant_id, ${syncRunId}::uuid, ${recordType}, record_id, 1, ${now}::timestamptz from record_syncs
      where tenant_id = ${tenantId}`.execute(trx),
  );
}, 60_000);

const look = async (after: string, limit = LIMIT): Promise<string | null> => {
  const found = await tenant.work((work) =>
    recordPushOutcomes(work, { syncRunId, recordType }, { integrationId }, { after, limit }),
  );
  return found.after;
};

/** The pushes of all records have ended, or of those whose external id fits. */
const endPushes = (fits = '%'): Promise<unknown> =>
  tenant.work(({ trx, tenantId }) =>
    sql`update record_syncs set push_id = null, push_version = null, push_hash = null, is_push_failing = false,
        next_attempt_at = null, give_up_at = null, result_status = 'synced', result_version = 1
      where tenant_id = ${tenantId} and record_id in (
        select record_id from records where tenant_id = ${tenantId} and external_id like ${fits})`.execute(
      trx,
    ),
  );

const openPushes = async (): Promise<number> => {
  const [row] = await db.superuser(
    `select count(*)::int as open from sync_run_pushes where sync_run_id = $1 and outcome is null`,
    [syncRunId],
  );
  return row?.['open'] as number;
};

it('reads a few rows for each push that it looks at', async () => {
  const { read } = await rowsOf(tenant, (work) =>
    recordPushOutcomes(work, { syncRunId, recordType }, { integrationId }, { after: FIRST_ID, limit: LIMIT }),
  );
  expect(read).toBeLessThan(10 * LIMIT);
  expect(await openPushes()).toBe(PUSHES);
});

it('comes to all of them, goes on with the first ones, and is done when all have ended', async () => {
  await endPushes('w1%');
  const stillOpen = PUSHES - 1_111;
  let after: string | null = FIRST_ID;
  for (let looks = 0; looks <= PUSHES / LIMIT && after !== null; looks += 1) after = await look(after);
  expect(after).not.toBeNull();
  expect(await openPushes()).toBe(stillOpen);

  await endPushes();
  for (let looks = 0; looks <= PUSHES / LIMIT + 1 && after !== null; looks += 1) after = await look(after);
  expect(after).toBeNull();
  expect(await openPushes()).toBe(0);
});

it('is done at once if all have ended and fit into one look', async () => {
  await endPushes();
  expect(await look(FIRST_ID, PUSHES + 1)).toBeNull();
});

it('waits for a single push that has not ended', async () => {
  await endPushes('w%');
  await tenant.work(({ trx, tenantId, now }) =>
    sql`update record_syncs set window_opened_at = ${now}::timestamptz, due_at = ${now}::timestamptz, window_reason = 'quiet'
      where tenant_id = ${tenantId} and record_id in (
        select record_id from records where tenant_id = ${tenantId} and external_id = 'w7')`.execute(trx),
  );
  expect(await look(FIRST_ID, PUSHES + 1)).toBe(FIRST_ID);
  expect(await openPushes()).toBe(1);
});

it('records each push once, although a worker that was given up looks at the same time', async () => {
  await endPushes();
  const looks = [1, 2, 3].map(() =>
    tenant.work((work) =>
      recordPushOutcomes(
        work,
        { syncRunId, recordType },
        { integrationId },
        { after: FIRST_ID, limit: PUSHES + 1 },
      ),
    ),
  );
  const found = await Promise.all(looks);
  expect(found.map(({ after }) => after)).toEqual([null, null, null]);
  expect(found.reduce((sum, { ended }) => sum + ended, 0)).toBe(PUSHES);
});

it('rule 62: ends although records of it were erased, and names none that are being erased', async () => {
  await endPushes();
  await db.superuser('alter table sync_jobs drop constraint sync_jobs_tenant_id_sync_run_id_fkey');
  await db.superuser('set session_replication_role = replica'); // without foreign keys
  await db.superuser(
    `insert into sync_jobs (tenant_id, sync_run_id, record_type, state, updated_at)
     values ($1, $2, 'push:employees', 'running', now())`,
    [tenant.tenantId, syncRunId],
  );
  for (const table of ['record_syncs', 'records'])
    await db.superuser(
      `delete from ${table} where tenant_id = $1 and record_id in (
         select record_id from records where tenant_id = $1 and external_id like 'w1%')`,
      [tenant.tenantId],
    );
  await db.superuser('set session_replication_role = default');
  await db.superuser(`update record_syncs set result_status = 'sync_failed' where tenant_id = $1`, [
    tenant.tenantId,
  ]);
  await db.superuser(`update records set changed_by = 'erasure' where tenant_id = $1`, [tenant.tenantId]);

  expect(await look(FIRST_ID, PUSHES + 1)).toBeNull();
  expect(await openPushes()).toBe(0);
  const errors = await db.superuser(
    'select distinct remote_id, code from sync_record_errors where sync_run_id = $1',
    [syncRunId],
  );
  expect(errors).toEqual([{ remote_id: null, code: 'sync_failed' }]);
});
