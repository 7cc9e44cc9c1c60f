/**
 * Pages as they are applied: when a commit waits for the disk, and what a first meeting takes for granted.
 */
import { sql } from 'kysely';
import { newUuid } from '../../../db/sql/ids';
import { prepareBulkInsert } from '../../../db/pull/initial-load';
import { findIntegration } from '../../../db/integrations/integrations';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { planDeletions } from '../../../db/pull/delete-missing';
import { applyPage, type PulledRecord } from '../../../db/pull/apply-page';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { remote } from '../../api/support/simulated-worker';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
  // As in production; servers of tests wait for no disk otherwise.
  await db.superuser(
    `do $$ begin execute format('alter database %I set synchronous_commit = on', current_database()); end $$`,
  );
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

/** A run that reads contacts, and what it does with one page after the other. */
async function givenRun(integrationId: string) {
  await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
  const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
  if (run === undefined) throw new Error('There is no run.');
  const { syncRunId } = run;
  await tenant.work((work) =>
    changeSyncJob(work, { syncRunId, recordType: 'contacts' }, { state: 'running', attempts: 1 }),
  );
  let pages = 0;

  return {
    syncRunId,
    /** Applies a page as a worker does, and answers the job and whether the commit waits for the disk. */
    apply(records: PulledRecord[], { isLast = false, isAssumedNew = false, isLaidOut = false } = {}) {
      const unmatched = isLaidOut ? prepareBulkInsert({ records }) : undefined;
      let assumes = isAssumedNew;
      return db.database.withTenant(
        tenant.tenantId,
        async (work) => {
          const attempt = assumes;
          assumes = false; // begun again, it looks
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
            requestedAt: work.now,
            isAssumedNew: attempt,
            unmatched,
          });
          if (applied.kind !== 'applied') throw new Error('The page was not applied.');
          pages += 1;
          const { rows } = await sql<{ synchronousCommit: string }>`show synchronous_commit`.execute(
            work.trx,
          );
          return { job: applied.job, waitsForDisk: rows[0]?.synchronousCommit !== 'off' };
        },
        { waitsForDisk: false },
      );
    },
    async end() {
      for (const recordType of ['', 'contacts'])
        await tenant.work((work) => changeSyncJob(work, { syncRunId, recordType }, { state: 'succeeded' }));
    },
  };
}

const givenIntegration = () =>
  tenant.integration({ recordTypes: { contacts: { direction: 'pull', fields: [], onDelete: 'leave' } } });
const held = () =>
  tenant.work(({ trx }) =>
    trx
      .selectFrom('records')
      .select(['externalId', 'fields'])
      .where('recordType', '=', 'contacts')
      .orderBy('externalId')
      .execute(),
  );

describe('the commit of a page', () => {
  it('waits for the disk where somebody is told of its records, and with the last page; any other that was forgotten is read again', async () => {
    const integrationId = await givenIntegration();
    const first = await givenRun(integrationId);
    const muted = await first.apply([remote('c1', { name: 'Ada' })], { isAssumedNew: true });
    const last = await first.apply([], { isLast: true, isAssumedNew: true });
    await first.end();
    await tenant.work(({ trx, now }) =>
      trx
        .updateTable('integrations')
        .set({ onboardedAt: now, firstSyncCompletedAt: now })
        .where('integrationId', '=', integrationId)
        .execute(),
    );
    const second = await givenRun(integrationId);
    const unchanged = await second.apply([remote('c1', { name: 'Ada' })]);
    const changed = await second.apply([remote('c2', { name: 'Grace' })]);

    expect({ muted: muted.waitsForDisk, last: last.waitsForDisk }).toEqual({ muted: false, last: true });
    expect({ unchanged: unchanged.waitsForDisk, changed: changed.waitsForDisk }).toEqual({
      unchanged: false,
      changed: true,
    });
    const events = await tenant.work(({ trx }) =>
      trx.selectFrom('events').select('type').where('type', 'in', ['DATA_NEW', 'DATA_UPDATE']).execute(),
    );
    expect(events).toEqual([{ type: 'DATA_NEW' }]);
  });

  it('waits where the gate is open, and where others are to be sent what came', async () => {
    const onboarded = await givenIntegration();
    await tenant.work(({ trx, now }) =>
      trx
        .updateTable('integrations')
        .set({ onboardedAt: now })
        .where('integrationId', '=', onboarded)
        .execute(),
    );
    const ungated = await (await givenRun(onboarded)).apply([remote('c1', { name: 'Ada' })]);
    const run = await givenRun(await givenIntegration());
    const alone = await run.apply([remote('c2', { name: 'Grace' })]);
    await tenant.integration({
      recordTypes: {
        contacts: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' },
      },
    });
    const sentOn = await run.apply([remote('c3', { name: 'Edsger' })]);

    expect({ ungated: ungated.waitsForDisk, alone: alone.waitsForDisk, sentOn: sentOn.waitsForDisk }).toEqual(
      { ungated: true, alone: false, sentOn: true },
    );
  });
});

describe('a first meeting', () => {
  it('writes what it meets, page by page, and says so of the job', async () => {
    const run = await givenRun(await givenIntegration());
    await run.apply([remote('c1', { name: 'Ada' }), remote('c2', { name: 'Grace' })], { isAssumedNew: true });
    const { job } = await run.apply([remote('c3', { name: 'Edsger' })], {
      isLast: true,
      isAssumedNew: true,
      isLaidOut: true,
    });

    expect(job).toMatchObject({ isInitialLoad: true, recordsNew: 3, recordsRead: 3, pages: 2 });
    expect((await held()).map(({ fields }) => fields)).toEqual([
      { name: 'Ada' },
      { name: 'Grace' },
      { name: 'Edsger' },
    ]);
  });

  it.each([false, true])(
    'is over where a record comes again, and that page is applied again with a look (laid out ahead: %s)',
    async (isLaidOut) => {
      const run = await givenRun(await givenIntegration());
      await run.apply([remote('c1', { name: 'Ada' })], { isAssumedNew: true });
      const { job } = await run.apply(
        [remote('c1', { name: 'Ada Lovelace' }), remote('c2', { name: 'Grace' })],
        { isAssumedNew: true, isLaidOut },
      );

      expect(job).toMatchObject({ isInitialLoad: false, recordsNew: 2, recordsChanged: 1, recordsRead: 3 });
      expect((await held()).map(({ fields }) => fields)).toEqual([
        { name: 'Ada Lovelace' },
        { name: 'Grace' },
      ]);
    },
  );

  it('is none where a record is there already, though the page was laid out for it', async () => {
    const integrationId = await givenIntegration();
    const first = await givenRun(integrationId);
    await first.apply([remote('c1', { name: 'Ada' })], { isLast: true, isAssumedNew: true });
    await first.end();
    const { job } = await (
      await givenRun(integrationId)
    ).apply([remote('c1', { name: 'Ada' })], { isAssumedNew: true, isLaidOut: true });

    expect(job).toMatchObject({ isInitialLoad: false, recordsNew: 0, recordsUnchanged: 1 });
  });

  it('leaves nothing to be missing, and supersedes what an earlier pass had found missing', async () => {
    const integrationId = await givenIntegration();
    const run = await givenRun(integrationId);
    await run.apply([remote('c1', { name: 'Ada' })], { isLast: true, isAssumedNew: true });
    const { syncRunId } = run;
    const place = { integrationId, syncRunId, recordType: 'contacts' };
    const review = {
      recordIds: [],
      recordsHeld: 9,
      state: 'pending' as const,
      recordsDeleted: null,
      decidedBy: null,
      decidedAt: null,
    };
    await tenant.work(({ trx, now, tenantId }) =>
      trx
        .insertInto('deletionReviews')
        .values({ tenantId, deletionReviewId: newUuid(), ...place, ...review, createdAt: now })
        .execute(),
    );

    expect(await tenant.work((work) => planDeletions(work, place))).toBe('none');
    expect(
      await tenant.work(({ trx }) => trx.selectFrom('deletionReviews').select('state').execute()),
    ).toEqual([{ state: 'superseded' }]);
  });
});

it('keeps the ids of what a page held and made', async () => {
  const run = await givenRun(await givenIntegration());
  await run.apply([remote('c1', { name: 'Ada' }), remote('c2', { name: 'Grace' })], { isAssumedNew: true });
  const [page] = await tenant.work(({ trx }) =>
    trx.selectFrom('syncPages').select(['seen', 'created']).execute(),
  );
  const ids = await tenant.work(({ trx }) =>
    trx.selectFrom('records').select('recordId').orderBy('recordId').execute(),
  );

  expect(page).toEqual({
    seen: ids.map(({ recordId }) => recordId),
    created: ids.map(({ recordId }) => recordId),
  });
  expect(newUuid() > (ids.at(-1)?.recordId as string)).toBe(true);
});
