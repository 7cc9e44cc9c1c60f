/** Approving a deletion review of many records: rules 31 and 60. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'kysely';
import { createBackgroundTaskActivities } from '../../../activities/platform/background-task';
import type { BackgroundTaskReport } from '../../../contract/background-task';
import type { TenantWork } from '../../../db/database';
import { listBackgroundTasks } from '../../../db/platform/background-tasks';
import { decideDeletionReview } from '../../../db/pull/decide-deletion-review';
import { createReview, listReviewSummaries, lockDeletionReview } from '../../../db/pull/deletion-reviews';
import { externalIdPrefixOf } from '../../../db/pull/page';
import { newUuid } from '../../../db/sql/ids';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf } from '../many-rows';

const MISSING = 2_500;
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration({
    recordTypes: {
      employees: { direction: 'pull', fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' },
    },
  });
});

/** Records that a pass no longer found, in a review that waits. */
async function givenReview(count: number): Promise<string> {
  const syncRunId = newUuid();
  const prefix = externalIdPrefixOf(integrationId);
  await tenant.work(async (work) => {
    const { trx, tenantId, now } = work;
    await sql`
      insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
        changed_at, created_at, changed_by)
      select ${tenantId}::uuid, gen_random_uuid(), 'employees', ${prefix}::text || n, 1, '{"name": "A"}',
        ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz, 'test'
      from generate_series(1, ${count}::int) n`.execute(trx);
    await sql`
      insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
        updated_at)
      select tenant_id, ${integrationId}::uuid, record_id, 'employees', external_id, false,
        ${now}::timestamptz - interval '1 hour'
      from records where tenant_id = ${tenantId}`.execute(trx);
    await sql`
      insert into missing_records (tenant_id, sync_run_id, record_type, record_id)
      select tenant_id, ${syncRunId}::uuid, 'employees', record_id from records where tenant_id = ${tenantId}`.execute(
      trx,
    );
    await createReview(
      work,
      { integrationId, syncRunId, recordType: 'employees' },
      { kind: 'delete', fields: [], recordsMissing: count, recordsBefore: count, detail: 'missing' },
    );
  });
  return (await findReview())?.deletionReviewId ?? '';
}

async function findReview() {
  const [review] = await tenant.work((work) => listReviewSummaries(work, { limit: 1 }));
  return review;
}
const approve =
  (deletionReviewId: string) =>
  async (work: TenantWork): Promise<number> => {
    const review = await lockDeletionReview(work, { deletionReviewId });
    if (review === undefined) throw new Error('No such review.');
    return decideDeletionReview(work, { review, decision: 'approved', by: 'ana' });
  };
const deletedRecords = async () => {
  const rows = await db.superuser(
    'select count(*)::int as count from records where tenant_id = $1 and deleted_at is not null',
    [tenant.tenantId],
  );
  return rows[0]?.['count'];
};
const listTasks = () => tenant.work((work) => listBackgroundTasks(work, { integrationIds: [integrationId] }));
async function finish(backgroundTaskId: string): Promise<void> {
  const { advanceBackgroundTask } = createBackgroundTaskActivities({
    database: db.database,
    isStopping: () => false,
  });
  const input = { tenantId: tenant.tenantId, backgroundTaskId };
  for (let isFinished = false; !isFinished;) {
    const report = await new MockActivityEnvironment().run(advanceBackgroundTask, input);
    ({ isFinished } = report as BackgroundTaskReport);
  }
}

describe('rule 60: approving the deletion of many records', () => {
  it('deletes the first in the request, the others in the background, each once', async () => {
    const deletionReviewId = await givenReview(MISSING);

    const { wrote } = await rowsOf(tenant, approve(deletionReviewId));

    expect(wrote).toBeLessThan(1_000);
    expect(await findReview()).toMatchObject({ state: 'approved', decidedBy: 'ana', recordsDeleted: 100 });
    const [task] = await listTasks();
    expect(task).toMatchObject({ kind: 'decide_deletion_review', doneRows: 100, requestedBy: 'ana' });
    await finish(task?.backgroundTaskId ?? '');
    expect(await findReview()).toMatchObject({ recordsDeleted: MISSING });
    expect(await deletedRecords()).toBe(MISSING);
    expect(await listTasks()).toEqual([]);
  });

  it('keeps records that the app lists again before their chunk', async () => {
    await tenant.work(approve(await givenReview(MISSING)));
    const [task] = await listTasks();
    await db.superuser(
      `update record_links set updated_at = now() + interval '1 second' where tenant_id = $1 and record_id in (
         select record_id from record_links where tenant_id = $1 order by record_id desc limit 10)`,
      [tenant.tenantId],
    );

    await finish(task?.backgroundTaskId ?? '');

    expect(await deletedRecords()).toBe(MISSING - 10);
    expect(await findReview()).toMatchObject({ recordsDeleted: MISSING - 10 });
  });

  it('ends if the integration is deleted meanwhile', async () => {
    await tenant.work(approve(await givenReview(MISSING)));
    const [task] = await listTasks();
    await tenant.work((work) => deleteIntegration(work, { integrationId, by: 'ana' }));

    await finish(task?.backgroundTaskId ?? '');

    expect(await deletedRecords()).toBe(100);
  });

  it('needs no background task for a few records', async () => {
    expect(await tenant.work(approve(await givenReview(30)))).toBe(30);
    expect(await listTasks()).toEqual([]);
  });
});
