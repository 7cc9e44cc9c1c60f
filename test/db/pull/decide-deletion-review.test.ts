/** Deletion reviews of many records, and records that are listed again: rules 31 and 60. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'kysely';
import { createBackgroundTaskActivities } from '../../../activities/platform/background-task';
import type { BackgroundTaskReport } from '../../../contract/background-task';
import type { TenantWork } from '../../../db/database';
import { listBackgroundTasks } from '../../../db/platform/background-tasks';
import { hasOpenReview, releaseListed } from '../../../db/pull/comparison/listed-again';
import { decideDeletionReview } from '../../../db/pull/decide-deletion-review';
import { createReview, listReviewSummaries, lockDeletionReview } from '../../../db/pull/deletion-reviews';
import { externalIdPrefixOf } from '../../../db/pull/page';
import { newUuid } from '../../../db/sql/ids';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { Random } from '../../support/random';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf, untilWaiting } from '../many-rows';

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
async function givenReview(
  count: number,
  { syncRunId = newUuid(), before }: { syncRunId?: string; before?: (work: TenantWork) => unknown } = {},
): Promise<string> {
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
    await before?.(work);
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
const decide =
  (deletionReviewId: string, decision: 'approved' | 'discarded') =>
  async (work: TenantWork): Promise<number> => {
    const review = await lockDeletionReview(work, { deletionReviewId });
    if (review === undefined) throw new Error('No such review.');
    return decideDeletionReview(work, { review, decision, by: 'ana' });
  };
const approve = (deletionReviewId: string) => decide(deletionReviewId, 'approved');
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

  it('keeps records that are linked or pushed before their chunk', async () => {
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

describe('rule 31: records that are listed again while their deletion is in review', () => {
  const dataset = () => ({ integrationId, recordType: 'employees' });
  const list = (remoteIds: readonly string[]) =>
    tenant.work((work) => releaseListed(work, dataset(), remoteIds));
  const isOpen = () => tenant.work((work) => hasOpenReview(work, dataset()));
  /** In the order in which they are deleted. */
  const remoteIds = async () => {
    const rows = await db.superuser(
      'select remote_id from record_links where tenant_id = $1 order by record_id',
      [tenant.tenantId],
    );
    return rows.map((row) => String(row['remote_id']));
  };
  const finishAll = async () => {
    for (const task of await listTasks()) await finish(task.backgroundTaskId);
  };

  it('are kept, each one, when several ranges list them at the same time', async () => {
    const deletionReviewId = await givenReview(MISSING);
    const random = new Random();
    const all = random.shuffled(await remoteIds());
    const ranges = Array.from({ length: 6 }, (_, number) =>
      all.slice(number * 200, number * 200 + random.between(1, 200)),
    );
    const listed = ranges.flat();

    await Promise.all(ranges.map((range) => list([...range, `new ${range.length}`])));

    const recordsMissing = MISSING - listed.length;
    expect(await findReview()).toMatchObject({ state: 'pending', recordsMissing });
    await tenant.work(approve(deletionReviewId));
    await finishAll();
    expect((await remoteIds()).toSorted()).toEqual(listed.toSorted());
    expect(await findReview()).toMatchObject({ recordsMissing, recordsDeleted: recordsMissing });
    expect(await isOpen()).toBe(false);
  });

  it('are kept if they are listed after the approval, before their chunk', async () => {
    await tenant.work(approve(await givenReview(MISSING)));
    expect(await isOpen()).toBe(true);
    const listed = new Random().shuffled(await remoteIds()).slice(0, 313);

    await list(listed);
    await finishAll();

    expect((await remoteIds()).toSorted()).toEqual(listed.toSorted());
    const count = MISSING - 313;
    expect(await findReview()).toMatchObject({
      state: 'approved',
      recordsMissing: count,
      recordsDeleted: count,
    });
  });

  it('wait for the request that approves, and are kept unless it has deleted them', async () => {
    const deletionReviewId = await givenReview(MISSING);
    const all = await remoteIds();
    const listed = all.filter((_, number) => number % 3 === 0);
    let listing: Promise<unknown> | undefined;
    await tenant.work(async (work) => {
      await approve(deletionReviewId)(work);
      listing ??= Promise.all([list(listed.slice(0, 400)), list(listed.slice(400))]);
      await untilWaiting(db, 2);
    });
    await listing;
    await finishAll();

    const kept = all.filter((_, number) => number >= 100 && number % 3 === 0);
    expect((await remoteIds()).toSorted()).toEqual(kept.toSorted());
    const count = MISSING - kept.length;
    expect(await findReview()).toMatchObject({ recordsMissing: count, recordsDeleted: count });
  });

  it('are counted as deleted if they were: one that is back is not in the review any more', async () => {
    await tenant.work(approve(await givenReview(MISSING)));
    const [first] = await db.superuser(
      `insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
         updated_at)
       select tenant_id, $2::uuid, record_id, 'employees', external_id, false, now() from records
       where tenant_id = $1 and deleted_at is not null limit 1 returning remote_id`,
      [tenant.tenantId, integrationId],
    );
    await list([String(first?.['remote_id'])]);
    expect(await findReview()).toMatchObject({ recordsMissing: MISSING, recordsDeleted: 100 });
  });

  it('end the review with the last of them', async () => {
    await givenReview(30);
    await list(await remoteIds());
    expect(await findReview()).toMatchObject({
      state: 'superseded',
      recordsMissing: 0,
      recordsDeleted: null,
    });
    expect(await isOpen()).toBe(false);
  });

  it('leave a discarded review as it is', async () => {
    await tenant.work(decide(await givenReview(30), 'discarded'));
    expect(await isOpen()).toBe(false);
    await list((await remoteIds()).slice(3, 9));
    expect(await findReview()).toMatchObject({ state: 'discarded', recordsMissing: 30, recordsDeleted: 0 });
  });
});

describe('rule 31: records that are pushed while their deletion is in review', () => {
  const push = (remoteId: string) => (work: TenantWork) =>
    sql`update record_links set updated_at = ${work.now}::timestamptz
      where tenant_id = ${work.tenantId} and remote_id = ${externalIdPrefixOf(integrationId) + remoteId}`.execute(
      work.trx,
    );

  it('are kept if it was after the pass began, also before the review', async () => {
    await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
    const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
    const { syncRunId = '' } = run ?? {};
    const job = { syncRunId, recordType: 'employees' };
    await tenant.work((work) => changeSyncJob(work, job, { state: 'running', attempts: 1 }));
    const deletionReviewId = await givenReview(30, { syncRunId, before: push('17') });
    await db.superuser(
      `update deletion_reviews set created_at = now() + interval '1 minute' where tenant_id = $1`,
      [tenant.tenantId],
    );

    expect(await tenant.work(approve(deletionReviewId))).toBe(29);
  });

  it('are kept if the push ends while the approval waits for it', async () => {
    const deletionReviewId = await givenReview(30);
    await db.superuser(
      `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, result_status,
         result_version)
       select tenant_id, integration_id, record_id, 1, 'synced', 1 from record_links where tenant_id = $1`,
      [tenant.tenantId],
    );
    let approving: Promise<number> | undefined;
    await tenant.work(async (work) => {
      await sql`select from record_syncs where tenant_id = ${work.tenantId} for update`.execute(work.trx);
      approving ??= tenant.work(approve(deletionReviewId));
      await untilWaiting(db);
      await push('8')({ ...work, now: new Date(work.now.getTime() + 60_000) });
    });

    expect(await approving).toBe(29);
  });
});
