/** Canceling a run that has read many pages: rule 60. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createBackgroundTaskActivities } from '../../../activities/platform/background-task';
import { listBackgroundTasks } from '../../../db/platform/background-tasks';
import { beginSyncRun, cancelSyncRun } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf } from '../many-rows';

const PAGES = 2_500;
let db: TestDb;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

it('rule 60: writes a bounded number of rows, and clears the pages in the background', async () => {
  const tenant = await GivenTenant.create(db);
  const integrationId = await tenant.integration({
    recordTypes: { employees: { direction: 'pull', fields: [], onDelete: 'leave' } },
  });
  await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
  const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
  if (run === undefined) throw new Error('There is no run.');
  const ids = [tenant.tenantId, run.syncRunId];
  await db.superuser(
    `update sync_jobs set state = 'waiting', cursor = '["ada@example.com"]'
     where tenant_id = $1 and sync_run_id = $2`,
    ids,
  );
  await db.superuser(
    `insert into sync_pages (tenant_id, sync_run_id, record_type, page, ids_digest, seen, created, changed, deleted, at)
     select $1, $2, 'employees', n, '', array[gen_random_uuid()], '{}', '[]', '{}', now()
     from generate_series(1, ${PAGES}) n`,
    ids,
  );
  await db.superuser(
    `insert into match_keys (tenant_id, sync_run_id, record_type, value, record_id)
     select $1, $2, 'employees', n::text, gen_random_uuid() from generate_series(1, ${PAGES}) n`,
    ids,
  );
  const left = async () => {
    const rows = await db.superuser(
      `select (select count(*) from sync_pages where tenant_id = $1 and sync_run_id = $2 and seen is not null)::int
         + (select count(*) from match_keys where tenant_id = $1 and sync_run_id = $2)::int as count`,
      ids,
    );
    return rows[0]?.['count'];
  };

  const { wrote } = await rowsOf(tenant, (work) => cancelSyncRun(work, { ...run, by: 'ana' }));

  expect(wrote).toBeLessThan(300);
  // Sync Logs stay for ever, and the position is the id of a person (rule 62).
  const positions = await db.superuser(
    `select cursor from sync_jobs where tenant_id = $1 and sync_run_id = $2 and cursor is not null`,
    ids,
  );
  expect(positions).toEqual([]);
  expect(await left()).toBe(2 * PAGES - 200);
  const [task] = await tenant.work((work) => listBackgroundTasks(work, { integrationIds: [integrationId] }));
  const { advanceBackgroundTask } = createBackgroundTaskActivities({
    database: db.database,
    isStopping: () => false,
  });
  const input = { tenantId: tenant.tenantId, backgroundTaskId: task?.backgroundTaskId ?? '' };
  expect(await new MockActivityEnvironment().run(advanceBackgroundTask, input)).toEqual({
    kind: 'clear_pass_state',
    doneRows: 2 * PAGES - 100,
    isFinished: true,
  });
  expect(await left()).toBe(0);
});
