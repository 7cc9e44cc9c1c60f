/** Pages as they are applied: when a commit waits for the disk, and what a first meeting takes for granted. */
import { sql } from 'kysely';
import { newUuid } from '../../db/ids';
import { findIntegration } from '../../db/integrations';
import { beginSyncRun, changeSyncJob } from '../../db/sync-jobs';
import { applyPage, type PulledRecord } from '../../db/sync-pages';
import { requestSyncRun } from '../../db/sync-run-requests';
import { GivenTenant, openTestDb, type TestDb } from './given';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
  // As in production; servers of tests wait for no disk otherwise.
  await db.superuser(`do $$ begin execute format('alter database %I set synchronous_commit = on', current_database()); end $$`);
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

function remote(remoteId: string, fields: PulledRecord['fields']): PulledRecord {
  const text = JSON.stringify(fields);
  return { remoteId, remoteVersion: null, externalId: null, fields, text, remote: null, hash: text };
}

/** A run that reads contacts, and what it does with one page after the other. */
async function givenRun(integrationId: string) {
  await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
  const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
  if (run === undefined) throw new Error('There is no run.');
  const { syncRunId } = run;
  await tenant.work((work) => changeSyncJob(work, { syncRunId, recordType: 'contacts' }, { state: 'running', attempts: 1 }));
  let pages = 0;

  return {
    /** Applies a page as a worker does, and answers the job and whether the commit waits for the disk. */
    apply: (records: PulledRecord[], { isLast = false, mayAssumeNew = false } = {}) =>
      db.database.withTenant(
        tenant.tenantId,
        async (work) => {
          const integration = await findIntegration(work, { integrationId });
          if (integration === undefined) throw new Error('There is no integration.');
          const applied = await applyPage(work, {
            integration,
            syncRunId,
            recordType: 'contacts',
            pagesBefore: pages,
            records,
            tombstones: [],
            refused: [],
            altered: [],
            nextCursor: isLast ? null : String(pages + 1),
            asOf: work.now,
            total: null,
            askedAt: work.now,
            mayAssumeNew,
          });
          if (applied.kind !== 'applied') throw new Error('The page was not applied.');
          pages += 1;
          const { rows } = await sql<{ synchronousCommit: string }>`show synchronous_commit`.execute(work.trx);
          return { job: applied.job, waitsForDisk: rows[0]?.synchronousCommit !== 'off' };
        },
        { waitsForDisk: false },
      ),
    async end() {
      for (const recordType of ['', 'contacts']) await tenant.work((work) => changeSyncJob(work, { syncRunId, recordType }, { state: 'succeeded' }));
    },
  };
}

const givenIntegration = () => tenant.integration({ recordTypes: { contacts: { direction: 'pull', fields: [], onDelete: 'leave' } } });
const held = () =>
  tenant.work(({ trx }) => trx.selectFrom('records').select(['externalId', 'fields']).where('recordType', '=', 'contacts').orderBy('externalId').execute());

describe('the commit of a page', () => {
  it('waits for the disk where somebody is told of its records, and with the last page; any other that was forgotten is read again', async () => {
    const integrationId = await givenIntegration();
    const first = await givenRun(integrationId);
    const muted = await first.apply([remote('c1', { name: 'Ada' })], { mayAssumeNew: true });
    const last = await first.apply([], { isLast: true, mayAssumeNew: true });
    await first.end();
    await tenant.work(({ trx, now }) =>
      trx.updateTable('integrations').set({ firstSyncCompletedAt: now }).where('integrationId', '=', integrationId).execute(),
    );
    const second = await givenRun(integrationId);
    const unchanged = await second.apply([remote('c1', { name: 'Ada' })]);
    const changed = await second.apply([remote('c2', { name: 'Grace' })]);

    expect({ muted: muted.waitsForDisk, last: last.waitsForDisk }).toEqual({ muted: false, last: true });
    expect({ unchanged: unchanged.waitsForDisk, changed: changed.waitsForDisk }).toEqual({ unchanged: false, changed: true });
    const events = await tenant.work(({ trx }) => trx.selectFrom('events').select('type').where('type', 'in', ['DATA_NEW', 'DATA_UPDATE']).execute());
    expect(events).toEqual([{ type: 'DATA_NEW' }]);
  });
});

describe('a first meeting', () => {
  it('writes what it meets, page by page, and says so of the job', async () => {
    const run = await givenRun(await givenIntegration());
    await run.apply([remote('c1', { name: 'Ada' }), remote('c2', { name: 'Grace' })], { mayAssumeNew: true });
    const { job } = await run.apply([remote('c3', { name: 'Edsger' })], { isLast: true, mayAssumeNew: true });

    expect(job).toMatchObject({ isFirstMeeting: true, recordsNew: 3, recordsRead: 3, pages: 2 });
    expect((await held()).map(({ fields }) => fields)).toEqual([{ name: 'Ada' }, { name: 'Grace' }, { name: 'Edsger' }]);
  });

  it('is over where a record comes again: that page is refused whole, and looked up when it is applied again', async () => {
    const run = await givenRun(await givenIntegration());
    await run.apply([remote('c1', { name: 'Ada' })], { mayAssumeNew: true });
    // Begun again by the database's own rule, until a look is taken: here it is taken for good.
    const again = [remote('c1', { name: 'Ada Lovelace' }), remote('c2', { name: 'Grace' })];
    await expect(run.apply(again, { mayAssumeNew: true })).rejects.toThrow('A record was created by two at once.');
    const { job } = await run.apply(again, { isLast: true });

    expect(job).toMatchObject({ isFirstMeeting: false, recordsNew: 2, recordsChanged: 1, recordsRead: 3 });
    expect((await held()).map(({ fields }) => fields)).toEqual([{ name: 'Ada Lovelace' }, { name: 'Grace' }]);
  });

  it('is none where a record is there already', async () => {
    const integrationId = await givenIntegration();
    const first = await givenRun(integrationId);
    await first.apply([remote('c1', { name: 'Ada' })], { isLast: true, mayAssumeNew: true });
    await first.end();
    const { job } = await (await givenRun(integrationId)).apply([remote('c1', { name: 'Ada' })], { mayAssumeNew: true });

    expect(job).toMatchObject({ isFirstMeeting: false, recordsNew: 0, recordsUnchanged: 1 });
  });
});

it('keeps the ids of what a page held and made', async () => {
  const run = await givenRun(await givenIntegration());
  await run.apply([remote('c1', { name: 'Ada' }), remote('c2', { name: 'Grace' })], { mayAssumeNew: true });
  const [page] = await tenant.work(({ trx }) => trx.selectFrom('syncPages').select(['seen', 'created']).execute());
  const ids = await tenant.work(({ trx }) => trx.selectFrom('records').select('recordId').orderBy('recordId').execute());

  expect(page).toEqual({ seen: ids.map(({ recordId }) => recordId), created: ids.map(({ recordId }) => recordId) });
  expect(newUuid() > (ids.at(-1)?.recordId as string)).toBe(true);
});
