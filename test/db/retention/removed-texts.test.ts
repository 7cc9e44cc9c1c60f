/** How long the texts of errors and conflicts are kept (rules.md 36, 62). */
import { purgeExpired } from '../../../db/retention/purge-expired';
import { newUuid } from '../../../db/sql/ids';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { DEFAULT_RETENTION } from '../../../domain/retention';
import type { SyncError } from '../../../domain/sync-error';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

const ERROR: SyncError = {
  category: 'transient',
  origin: 'app',
  code: 'unavailable',
  field: null,
  remote_field: null,
  message: 'No room for ada@example.org.',
  explanation: 'Try again.',
};
const RETENTION = { ...DEFAULT_RETENTION, errorTexts: 20, conflictTexts: 60 };

async function givenTexts(tenant: GivenTenant) {
  const integrationId = await tenant.integration({
    recordTypes: { contacts: { direction: 'pull', fields: [], onDelete: 'leave' } },
  });
  await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
  const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
  const syncRunId = run?.syncRunId ?? '';
  const job = { syncRunId, recordType: 'contacts' };
  await tenant.work((work) => changeSyncJob(work, job, { state: 'failed', error: ERROR }));
  await tenant.work(async ({ trx, tenantId, now }) => {
    await trx
      .insertInto('syncRecordErrors')
      .values({
        ...job,
        tenantId,
        syncRecordErrorId: newUuid(),
        remoteId: 'r1',
        code: 'invalid',
        message: 'Ada?',
        at: now,
      })
      .execute();
    const conflict = {
      tenantId,
      integrationId,
      syncRunId,
      recordType: 'contacts',
      remoteId: 'r1',
      recordId: null,
      kind: 'ambiguous_match' as const,
      field: 'email',
      ours: '"a"',
      theirs: '"b"',
      winner: null,
      detail: 'Two have the value b.',
      at: now,
      decision: null,
      decidedBy: null,
    };
    for (const state of ['open', 'ended'] as const)
      await trx
        .insertInto('syncConflicts')
        .values({ ...conflict, syncConflictId: newUuid(), state, endedAt: state === 'open' ? null : now })
        .execute();
  });
}

async function textsOf(tenant: GivenTenant) {
  return tenant.work(async ({ trx }) => ({
    record: (await trx.selectFrom('syncRecordErrors').select(['code', 'message']).execute())[0],
    job: (await trx.selectFrom('syncJobs').select('error').where('recordType', '=', 'contacts').execute())[0]
      ?.error,
    conflicts: await trx
      .selectFrom('syncConflicts')
      .select(['state', 'ours', 'theirs', 'detail'])
      .orderBy('state')
      .execute(),
  }));
}

const setBack = (tenant: GivenTenant, days: number) =>
  Promise.all(
    [
      'sync_record_errors set at = at',
      'sync_jobs set finished_at = finished_at',
      'sync_conflicts set ended_at = ended_at',
    ].map((change) =>
      db.superuser(`update ${change} - $1::interval where tenant_id = $2`, [`${days} days`, tenant.tenantId]),
    ),
  );

it('rule 36: texts of errors and ended conflicts end after their retention; figures, codes and open conflicts stay', async () => {
  const tenant = await GivenTenant.create(db);
  await givenTexts(tenant);
  const before = await textsOf(tenant);
  await setBack(tenant, 19);
  await purgeExpired(db.database, RETENTION);
  expect(await textsOf(tenant)).toEqual(before);

  await setBack(tenant, 2);
  await purgeExpired(db.database, RETENTION);
  const removed = 'Removed after 20 days.';
  expect(await textsOf(tenant)).toEqual({
    record: { code: 'invalid', message: removed },
    job: { ...ERROR, message: removed, explanation: removed },
    conflicts: before.conflicts,
  });

  await setBack(tenant, 60);
  await purgeExpired(db.database, { ...RETENTION, errorTexts: 30 });
  const { record, conflicts } = await textsOf(tenant);
  expect(record?.message).toBe(removed);
  expect(conflicts).toEqual([
    { state: 'ended', ours: null, theirs: null, detail: 'Removed after 60 days.' },
    before.conflicts[1],
  ]);
});

it('rule 62: a job that a process of a former version ended forgets where it stopped to read', async () => {
  const tenant = await GivenTenant.create(db);
  await givenTexts(tenant);
  const job = `tenant_id = $1 and record_type = 'contacts'`;
  await db.superuser(`update sync_jobs set cursor = 'ada@example.org' where ${job}`, [tenant.tenantId]);

  await purgeExpired(db.database, RETENTION);

  const jobs = await db.superuser(`select cursor from sync_jobs where ${job}`, [tenant.tenantId]);
  expect(jobs).toEqual([{ cursor: null }]);
});
