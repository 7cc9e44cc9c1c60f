/** The Sync Log as it is read, over rows as the pages of a run leave them. */
import { newUuid } from '../../../db/sql/ids';
import { replaceCredentials } from '../../../db/sync-runs/integration-lifecycle';
import { addSyncDatasets } from '../../../db/sync-runs/sync-datasets';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { listSyncRunChanges, type SyncRunChange } from '../../../db/sync-runs/sync-run-changes';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { showSyncRun } from '../../../db/sync-runs/sync-runs';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

async function givenRun(recordTypes: string[] = ['employees']): Promise<string> {
  const pull = { direction: 'pull' as const, fields: [], onDelete: 'leave' as const };
  const integrationId = await tenant.integration({
    recordTypes: Object.fromEntries(recordTypes.map((type) => [type, pull])),
  });
  await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
  const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
  if (run === undefined) throw new Error('There is no run.');
  return run.syncRunId;
}

const setJob = (syncRunId: string, recordType: string, change: object) =>
  tenant.work(({ trx }) =>
    trx
      .updateTable('syncJobs')
      .set(change)
      .where('syncRunId', '=', syncRunId)
      .where('recordType', '=', recordType)
      .execute(),
  );
const progressOf = async (syncRunId: string) =>
  (await tenant.work((work) => showSyncRun(work, { syncRunId })))?.progress;

describe('progress', () => {
  it('adds up the datasets and leaves metadata out', async () => {
    const syncRunId = await givenRun(['a', 'b']);
    await setJob(syncRunId, '', { recordsRead: 1_000 });
    await setJob(syncRunId, 'a', {
      recordsRead: 5,
      recordsNew: 2,
      recordsChanged: 1,
      recordsDeleted: 3,
      recordsUnchanged: 1,
      recordsFailed: 1,
      expectedRecords: 10,
    });
    await setJob(syncRunId, 'b', { recordsRead: 7, recordsNew: 7, expectedRecords: 20 });

    expect(await progressOf(syncRunId)).toMatchObject({
      recordsRead: 12,
      recordsNew: 9,
      recordsChanged: 1,
      recordsDeleted: 3,
      recordsUnchanged: 1,
      recordsFailed: 1,
      expectedRecords: 30,
      estimatedEndAt: expect.any(Date),
    });
  });

  it('has no expected total while one dataset is unknown', async () => {
    const syncRunId = await givenRun(['a', 'b']);
    await setJob(syncRunId, 'a', { recordsRead: 5, expectedRecords: 10 });

    expect(await progressOf(syncRunId)).toMatchObject({
      recordsRead: 5,
      expectedRecords: null,
      estimatedEndAt: null,
    });
  });

  it('has no estimated end while a job waits', async () => {
    const syncRunId = await givenRun(['a', 'b']);
    await setJob(syncRunId, 'a', { recordsRead: 5, expectedRecords: 10 });
    await setJob(syncRunId, 'b', { recordsRead: 5, expectedRecords: 10, state: 'waiting' });

    expect(await progressOf(syncRunId)).toMatchObject({ expectedRecords: 20, estimatedEndAt: null });
  });

  it('expects the number read once a dataset has succeeded, and the current length of a list that has grown', async () => {
    const syncRunId = await givenRun(['a', 'b', 'c']);
    await setJob(syncRunId, 'a', { recordsRead: 8, expectedRecords: 10 });
    await setJob(syncRunId, 'b', { recordsRead: 12, expectedRecords: 10 });
    await tenant.work((work) => changeSyncJob(work, { syncRunId, recordType: 'a' }, { state: 'succeeded' }));
    await tenant.work((work) =>
      changeSyncJob(work, { syncRunId, recordType: 'c' }, { state: 'not_supported' }),
    );

    expect(await progressOf(syncRunId)).toMatchObject({ expectedRecords: 20, estimatedEndAt: null });
  });
});

describe('changes', () => {
  const records = async (count: number) => {
    const names = Array.from({ length: count }, () => newUuid());
    await tenant.accept(...names.map((externalId) => ({ externalId })));
    const rows = await tenant.work(({ trx }) =>
      trx.selectFrom('records').select(['recordId', 'externalId']).where('externalId', 'in', names).execute(),
    );
    return rows.map(({ recordId }) => recordId);
  };
  const page = (
    syncRunId: string,
    recordType: string,
    number: number,
    changes: { created?: string[]; changed?: object[]; deleted?: string[] },
  ) =>
    tenant.work(({ trx, tenantId, now }) =>
      trx
        .insertInto('syncPages')
        .values({
          tenantId,
          syncRunId,
          recordType,
          page: number,
          idsDigest: '',
          seen: null,
          created: changes.created ?? [],
          changed: JSON.stringify(changes.changed ?? []),
          deleted: changes.deleted ?? [],
          at: now,
        })
        .execute(),
    );

  async function readAll(syncRunId: string, limit: number): Promise<SyncRunChange[]> {
    const found: SyncRunChange[] = [];
    for (;;) {
      const next = await tenant.work((work) =>
        listSyncRunChanges(work, { syncRunId, limit, after: found.at(-1) }),
      );
      if (next.length === 0) return found;
      found.push(...next);
    }
  }

  it.each([1, 2, 3, 100])('are listed completely and in order, %i at a time', async (limit) => {
    const syncRunId = await givenRun(['a', 'b']);
    const [r0, r1, r2, r3, r4, r5, r6] = (await records(7)) as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    await page(syncRunId, 'a', 0, {
      created: [r0, r1],
      changed: [{ record_id: r2, fields: ['x', 'y'] }],
      deleted: [r3],
    });
    await page(syncRunId, 'a', 1, {});
    await page(syncRunId, 'a', 10, { deleted: [r4] });
    await page(syncRunId, 'a', 2, { changed: [{ record_id: r5, fields: ['z'], was_deleted: true }] });
    await page(syncRunId, 'b', 0, { created: [r6] });

    const found = await readAll(syncRunId, limit);

    expect(
      found.map(({ recordType, kind, recordId, fields, wasDeleted }) => [
        recordType,
        kind,
        recordId,
        fields,
        wasDeleted,
      ]),
    ).toEqual([
      ['a', 'created', r0, [], false],
      ['a', 'created', r1, [], false],
      ['a', 'updated', r2, ['x', 'y'], false],
      ['a', 'deleted', r3, [], false],
      ['a', 'updated', r5, ['z'], true],
      ['a', 'deleted', r4, [], false],
      ['b', 'created', r6, [], false],
    ]);
    expect(found.every(({ externalId }) => externalId.length === 36)).toBe(true);
  });

  it('of other runs and other tenants are not listed', async () => {
    const [mine] = (await records(1)) as [string];
    const syncRunId = await givenRun();
    await page(await givenRun(), 'a', 0, { created: [mine] });
    const unmatchedRecord = await GivenTenant.create(db);
    await page(syncRunId, 'a', 0, { created: [mine] });

    expect(await readAll(syncRunId, 10)).toHaveLength(1);
    expect(await unmatchedRecord.work((work) => listSyncRunChanges(work, { syncRunId, limit: 10 }))).toEqual(
      [],
    );
  });
});

describe('sync tokens', () => {
  it('are forgotten with the credentials, which may belong to another account', async () => {
    const syncRunId = await givenRun(['employees']);
    const { integrationId } = await tenant.work(({ trx }) =>
      trx
        .selectFrom('syncRuns')
        .select('integrationId')
        .where('syncRunId', '=', syncRunId)
        .executeTakeFirstOrThrow(),
    );
    await tenant.work((work) =>
      addSyncDatasets(work, { integrationId, recordTypes: ['employees'], isInitial: false }),
    );
    await tenant.work(({ trx }) =>
      trx
        .updateTable('syncDatasets')
        .set({ syncToken: 'of the former account' })
        .where('integrationId', '=', integrationId)
        .execute(),
    );
    await setJob(syncRunId, 'employees', { syncToken: 'of the former account', state: 'waiting' });

    await tenant.work((work) => replaceCredentials(work, { integrationId, encryptedCredentials: 'sealed' }));

    const kept = await tenant.work(async ({ trx }) => [
      ...(await trx.selectFrom('syncDatasets').select('syncToken').execute()),
      ...(await trx.selectFrom('syncJobs').select('syncToken').where('syncRunId', '=', syncRunId).execute()),
    ]);
    expect(kept.filter(({ syncToken }) => syncToken !== null)).toEqual([]);
  });
});
