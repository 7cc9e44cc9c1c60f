/** Deleting an integration with many records: rule 60. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createBackgroundTaskActivities } from '../../../activities/platform/background-task';
import type { BackgroundTaskReport } from '../../../contract/background-task';
import { removeIntegrationRows } from '../../../db/integrations/remove-integration-rows';
import { advanceBackgroundTask, listBackgroundTasks } from '../../../db/platform/background-tasks';
import { STALLED_WORK } from '../../../db/platform/stalled-work';
import { listRecordSyncs } from '../../../db/records/record-syncs';
import { findRecordSyncsOfRecords } from '../../../db/records/records';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import { resumeIntegration, pauseIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { countRecordsByType } from '../../../db/sync-runs/sync-summary';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenWaitingPushes, rowsOf } from '../many-rows';

const COUNT = 10_000;
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
let otherId: string;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  otherId = await tenant.integration();
  integrationId = await tenant.integration();
  await givenWaitingPushes(tenant, { integrationId, count: COUNT });
});

const remove = () => tenant.work((work) => deleteIntegration(work, { integrationId, by: 'ana' }));
const findTask = async () => {
  const [task] = await tenant.work((work) => listBackgroundTasks(work, { integrationIds: [integrationId] }));
  return task;
};
const chunk = (backgroundTaskId: string, limit = 1_000) =>
  tenant.work((work) =>
    advanceBackgroundTask(work, { backgroundTaskId, limit, doChunkOf: () => removeIntegrationRows }),
  );
const left = async (table: string, of = integrationId) => {
  const rows = await db.superuser(`select count(*)::int as count from ${table} where integration_id = $1`, [
    of,
  ]);
  return rows[0]?.['count'];
};
async function finish(): Promise<BackgroundTaskReport> {
  const { advanceBackgroundTask: advance } = createBackgroundTaskActivities({
    database: db.database,
    isStopping: () => false,
  });
  const { backgroundTaskId = '' } = (await findTask()) ?? {};
  for (;;) {
    const input = { tenantId: tenant.tenantId, backgroundTaskId };
    const report = (await new MockActivityEnvironment().run(advance, input)) as BackgroundTaskReport;
    if (report.isFinished) return report;
  }
}

describe('rule 60: deleting an integration with 10,000 waiting pushes', () => {
  it('reads and writes as many rows in the request as for 1,000', async () => {
    const other = await GivenTenant.create(db);
    const smallId = await other.integration();
    await givenWaitingPushes(other, { integrationId: smallId, count: 1_000 });

    const large = await rowsOf(tenant, (work) => deleteIntegration(work, { integrationId }));
    const little = await rowsOf(other, (work) => deleteIntegration(work, { integrationId: smallId }));

    expect(large.wrote).toBeLessThan(400);
    expect(large.wrote).toBe(little.wrote);
    expect(large.read).toBeLessThan(2_000);
  });

  it('hides its record syncs at once', async () => {
    const filters = { limit: 1_000 };
    expect(await tenant.work((work) => listRecordSyncs(work, filters))).toHaveLength(1_000);
    const last = await db.superuser(
      `select record_id from record_syncs where integration_id = $1 order by record_id desc limit 1`,
      [integrationId],
    );
    await remove();

    expect(await left('record_syncs')).toBeGreaterThan(9_000);
    expect(await tenant.work((work) => listRecordSyncs(work, filters))).toEqual([]);
    expect(await tenant.work((work) => countRecordsByType(work, { status: 'sync_failed' }))).toEqual([]);
    const recordIds = [String(last[0]?.['record_id'])];
    expect(await tenant.work((work) => findRecordSyncsOfRecords(work, { recordIds }))).toEqual([]);
    const [accepted] = await tenant.accept({ externalId: 'w1', kind: 'patch', fields: { name: 'B' } });
    expect(accepted?.syncs.map((sync) => sync.integrationId)).toEqual([otherId]);
  });

  it('deletes all rows in the background, closes the pushes and keeps their log', async () => {
    await remove();

    expect(await finish()).toEqual({
      kind: 'delete_integration',
      doneRows: 2 * COUNT,
      isFinished: true,
    });

    expect([await left('record_syncs'), await left('record_links')]).toEqual([0, 0]);
    const pushes = await db.superuser(
      `select result, count(*)::int as count from pushes where integration_id = $1 group by result`,
      [integrationId],
    );
    expect(pushes).toEqual([{ result: 'closed', count: COUNT }]);
    expect(await findTask()).toBeUndefined();
  });

  it('repeats a chunk whose worker died, and does no row twice', async () => {
    await remove();
    const { backgroundTaskId = '', doneRows } = (await findTask()) ?? {};
    await chunk(backgroundTaskId);
    const died = tenant.work(async (work) => {
      const limit = 1_000;
      await advanceBackgroundTask(work, { backgroundTaskId, limit, doChunkOf: () => removeIntegrationRows });
      throw new Error('The worker died.');
    });
    await expect(died).rejects.toThrow('died');
    expect((await findTask())?.doneRows).toBe((doneRows ?? 0) + 1_000);
    // Two executions at once: one of them waits for the other.
    await Promise.all([chunk(backgroundTaskId), chunk(backgroundTaskId)]);
    expect((await findTask())?.doneRows).toBe((doneRows ?? 0) + 3_000);

    expect(await finish()).toMatchObject({ doneRows: 2 * COUNT });
  });

  it('accepts changes of the tenant while a chunk is being deleted', async () => {
    await remove();
    const { backgroundTaskId = '' } = (await findTask()) ?? {};
    const [last] = await db.superuser(
      `select record.external_id from record_syncs record_sync join records record using (tenant_id, record_id)
       where record_sync.integration_id = $1 order by record_sync.record_id desc limit 1`,
      [integrationId],
    );

    await tenant.work(async (work) => {
      const limit = 1_000;
      await advanceBackgroundTask(work, { backgroundTaskId, limit, doChunkOf: () => removeIntegrationRows });
      // Its transaction is still open.
      const accepted = await tenant.accept(
        { externalId: 'new', fields: { name: 'N' } },
        { externalId: String(last?.['external_id']), kind: 'patch', fields: { name: 'L' } },
      );
      expect(accepted.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted']);
    });

    await finish();
    expect(await left('record_syncs', otherId)).toBe(2);
  });

  it('is found by the sweep if its workflow is lost', async () => {
    await remove();
    const { backgroundTaskId } = (await findTask()) ?? {};
    const overdueSince = new Date(Date.now() + 60_000);

    const { stalled } = await db.database.withDispatcher((work) =>
      STALLED_WORK.backgroundTasks(work, { overdueSince, after: undefined, limit: 1_000 }),
    );

    expect(stalled).toContainEqual({ tenantId: tenant.tenantId, backgroundTaskId, topic: 'background_task' });
  });

  it('works right after the integration was paused and resumed', async () => {
    await tenant.work((work) => pauseIntegration(work, { integrationId }));
    await tenant.work((work) => resumeIntegration(work, { integrationId }));
    await remove();

    await finish();

    expect(await left('record_syncs')).toBe(0);
  });
});
