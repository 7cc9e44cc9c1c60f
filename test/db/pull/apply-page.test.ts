/**
 * Applying pages: which commits are synchronous (docs/decisions/0018), and the initial load
 * (docs/decisions/0017).
 */
import { sql } from 'kysely';
import { newUuid } from '../../../db/sql/ids';
import { findIntegration } from '../../../db/integrations/integrations';
import { changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { planDeletions } from '../../../db/pull/delete-missing';
import { applyPage } from '../../../db/pull/apply-page';
import {
  applyInitialPage,
  canBulkInsert,
  isInitialLoad,
  prepareBulkInsert,
} from '../../../db/pull/apply-initial-page';
import { type PulledRecord, pullTargetOf } from '../../../db/pull/page';
import { remote } from '../../api/support/simulated-worker';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenRunningPass } from './given-pass';

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

/** A run that reads contacts, applying one page after the other. */
async function givenRun(integrationId: string) {
  const { syncRunId } = await givenRunningPass(tenant, integrationId);
  const pass = { integrationId, syncRunId, recordType: 'contacts' };
  let pages = 0;
  let isStillInitial: boolean | undefined;

  return {
    syncRunId,
    /** Applies a page as a worker does. @returns the job, and whether the commit waits for the disk. */
    async apply(records: PulledRecord[], { isLast = false, isInitial = false } = {}) {
      isStillInitial ??= await tenant.work((work) => isInitialLoad(work, pass));
      let mayInsert = isInitial && isStillInitial;
      const applied = await db.database.withTenant(
        tenant.tenantId,
        async (work) => {
          const integration = await findIntegration(work, { integrationId });
          if (integration === undefined) throw new Error('There is no integration.');
          const page = {
            ...pullTargetOf(integration, 'contacts'),
            syncRunId,
            overviewId: null,
            pagesBefore: pages,
            recordsPerType: 1_000_000,
            records,
            tombstones: [],
            refused: [],
            altered: [],
            nextCursor: isLast ? null : String(pages + 1),
            asOf: work.now,
            total: null,
            requestedAt: work.now,
          };
          const isBulk = mayInsert && canBulkInsert(page);
          mayInsert = false;
          const result = isBulk
            ? await applyInitialPage(work, page, prepareBulkInsert(page))
            : await applyPage(work, page);
          if (result.kind !== 'applied') throw new Error('The page was not applied.');
          const { rows } = await sql<{ synchronousCommit: string }>`show synchronous_commit`.execute(
            work.trx,
          );
          return { job: result.job, waitsForDisk: rows[0]?.synchronousCommit !== 'off' };
        },
        { waitsForDisk: false },
      );
      pages += 1;
      isStillInitial = applied.job.isInitialLoad;
      return applied;
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
  it('waits for the disk if events are emitted and with the last page; any other lost page is read again', async () => {
    const integrationId = await givenIntegration();
    const first = await givenRun(integrationId);
    const muted = await first.apply([remote('c1', { name: 'Ada' })], { isInitial: true });
    const last = await first.apply([], { isLast: true, isInitial: true });
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

  it('waits after onboarding, and if records are pushed to another integration', async () => {
    const onboarded = await givenIntegration();
    await tenant.work(({ trx, now }) =>
      trx
        .updateTable('integrations')
        .set({ onboardedAt: now })
        .where('integrationId', '=', onboarded)
        .execute(),
    );
    const onboardedPage = await (await givenRun(onboarded)).apply([remote('c1', { name: 'Ada' })]);
    const run = await givenRun(await givenIntegration());
    const alone = await run.apply([remote('c2', { name: 'Grace' })]);
    await tenant.integration({
      recordTypes: {
        contacts: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' },
      },
    });
    const sentOn = await run.apply([remote('c3', { name: 'Edsger' })]);

    expect({
      onboardedPage: onboardedPage.waitsForDisk,
      alone: alone.waitsForDisk,
      sentOn: sentOn.waitsForDisk,
    }).toEqual({ onboardedPage: true, alone: false, sentOn: true });
  });
});

describe('an initial load', () => {
  it('inserts page by page, and marks the job as an initial load', async () => {
    const run = await givenRun(await givenIntegration());
    await run.apply([remote('c1', { name: 'Ada' }), remote('c2', { name: 'Grace' })], { isInitial: true });
    const { job } = await run.apply([remote('c3', { name: 'Edsger' })], {
      isLast: true,
      isInitial: true,
    });

    expect(job).toMatchObject({ isInitialLoad: true, recordsNew: 3, recordsRead: 3, pages: 2 });
    expect((await held()).map(({ fields }) => fields)).toEqual([
      { name: 'Ada' },
      { name: 'Grace' },
      { name: 'Edsger' },
    ]);
  });

  it('ends if a record is read again; that page is applied with a lookup of existing records', async () => {
    const run = await givenRun(await givenIntegration());
    await run.apply([remote('c1', { name: 'Ada' })], { isInitial: true });

    const page = [remote('c1', { name: 'Ada Lovelace' }), remote('c2', { name: 'Grace' })];
    const { job } = await run.apply(page, { isInitial: true });

    expect(job).toMatchObject({ isInitialLoad: false, recordsNew: 2, recordsChanged: 1, recordsRead: 3 });
    expect((await held()).map(({ fields }) => fields)).toEqual([{ name: 'Ada Lovelace' }, { name: 'Grace' }]);
  });

  it('does not happen if a record of the type is linked already', async () => {
    const integrationId = await givenIntegration();
    const first = await givenRun(integrationId);
    await first.apply([remote('c1', { name: 'Ada' })], { isLast: true, isInitial: true });
    await first.end();
    const { job } = await (
      await givenRun(integrationId)
    ).apply([remote('c1', { name: 'Ada' })], { isInitial: true });

    expect(job).toMatchObject({ isInitialLoad: false, recordsNew: 0, recordsUnchanged: 1 });
  });

  it('finds no record missing, and supersedes the review of an earlier pass', async () => {
    const integrationId = await givenIntegration();
    const run = await givenRun(integrationId);
    await run.apply([remote('c1', { name: 'Ada' })], { isLast: true, isInitial: true });
    const { syncRunId } = run;
    const place = { integrationId, syncRunId, recordType: 'contacts' };
    const review = {
      recordsMissing: 0,
      recordsBefore: 9,
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

it('stores the ids of the records that a page held and created', async () => {
  const run = await givenRun(await givenIntegration());
  await run.apply([remote('c1', { name: 'Ada' }), remote('c2', { name: 'Grace' })], { isInitial: true });
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

it('stores a change that is read seconds after the record was linked by a pull', async () => {
  const integrationId = await tenant.integration({
    recordTypes: {
      contacts: { direction: 'both', fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' },
    },
  });
  const first = await givenRun(integrationId);
  await first.apply([remote('c1', { name: 'Ada' })], { isInitial: true });
  await first.end();
  const second = await givenRun(integrationId);

  await second.apply([remote('c1', { name: 'Grace' })]);

  expect(await held()).toMatchObject([{ fields: { name: 'Grace' } }]);
});
