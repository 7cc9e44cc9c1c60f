/**
 * Inserting the next page of an initial load while the page before is stored: the records of a page are seen
 * with its checkpoint, or not at all.
 */
import { InsertsAhead } from '../../../activities/pull/insert-ahead';
import { Database } from '../../../db/database';
import { findIntegration } from '../../../db/integrations/integrations';
import { applyInitialPage, prepareBulkInsert } from '../../../db/pull/apply-initial-page';
import { type PulledRecord, pullTargetOf } from '../../../db/pull/page';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { remote } from '../../api/support/simulated-worker';
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

/** An initial load that reads one page after the other. */
async function givenLoad() {
  const recordTypes = {
    contacts: { direction: 'pull' as const, fields: [], onDelete: 'leave' as const },
  };
  const integrationId = await tenant.integration({ recordTypes });
  await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
  const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
  if (run === undefined) throw new Error('There is no run.');
  const pass = { integrationId, syncRunId: run.syncRunId, recordType: 'contacts' };
  const changeJob = (state: 'running' | 'canceled') =>
    tenant.work((work) => changeSyncJob(work, pass, { state, attempts: 1 }));
  await changeJob('running');
  const integration = await tenant.work((work) => findIntegration(work, { integrationId }));
  if (integration === undefined) throw new Error('There is no integration.');
  const target = pullTargetOf(integration, 'contacts');
  const pages: ConstructorParameters<typeof InsertsAhead>[1] = {
    inTenant: (work, commit) => db.database.withTenant(tenant.tenantId, work, commit),
  };
  const ahead = new InsertsAhead(db.database, pages, pass);

  const pageOf = (pagesBefore: number, records: PulledRecord[]) => {
    const page = {
      ...target,
      ...pass,
      overviewId: null,
      pagesBefore,
      recordsPerType: 1_000_000,
      records,
      tombstones: [],
      refused: [],
      altered: [],
      nextCursor: String(pagesBefore + 1),
      asOf: null,
      total: null,
      requestedAt: new Date(),
    };
    return { page, bulk: prepareBulkInsert(page) };
  };
  type Page = ReturnType<typeof pageOf>;
  return {
    ahead,
    pageOf,
    cancel: () => changeJob('canceled'),
    /** Stores the page; meanwhile the next one is inserted. */
    async store({ page, bulk }: Page, next?: Page) {
      await ahead.apply(page, bulk, () => Promise.reject(new Error('It was not inserted.')));
      return pages.inTenant((work) =>
        applyInitialPage(work, page, bulk, {
          prefetchNext: () => next && ahead.begin(target, next),
        }),
      );
    },
    /** Its turn. Undefined if it was not inserted ahead. */
    apply: ({ page, bulk }: Page) =>
      ahead.apply(page, bulk, (work) => applyInitialPage(work, page, bulk, { isInserted: true })),
  };
}

const held = () =>
  tenant.work(async ({ trx }) => {
    const ids = await trx.selectFrom('recordLinks').select('remoteId').orderBy('remoteId').execute();
    return ids.map(({ remoteId }) => remoteId);
  });

it('shows the records with their page, once the page before is stored', async () => {
  const load = await givenLoad();
  const [first, second] = [load.pageOf(0, [remote('c1', {})]), load.pageOf(1, [remote('c2', {})])];
  await load.store(first, second);
  expect(await held()).toEqual(['c1']);

  expect(await load.apply(second)).toMatchObject({
    kind: 'applied',
    job: { pages: 2, recordsNew: 2, recordsRead: 2, isInitialLoad: true },
  });
  expect(await held()).toEqual(['c1', 'c2']);
});

it('leaves nothing of a page whose run was canceled meanwhile', async () => {
  const load = await givenLoad();
  const next = load.pageOf(1, [remote('c2', {})]);
  await load.store(load.pageOf(0, [remote('c1', {})]), next);
  await load.cancel();

  expect(await load.apply(next)).toEqual({ kind: 'stopped' });
  expect(await held()).toEqual(['c1']);
});

it('leaves nothing of a page that is not applied any more', async () => {
  const load = await givenLoad();
  await load.store(load.pageOf(0, [remote('c1', {})]), load.pageOf(1, [remote('c2', {})]));
  await load.ahead.end();

  expect(await held()).toEqual(['c1']);
});

it('leaves a page to be looked up if one of its records exists already', async () => {
  const load = await givenLoad();
  await load.store(load.pageOf(0, [remote('c1', {})]));
  const third = load.pageOf(2, [remote('c1', {}), remote('c3', {})]);
  await load.store(load.pageOf(1, [remote('c2', {})]), third);

  expect(await load.apply(third)).toBeUndefined();
  expect(await held()).toEqual(['c1', 'c2']);
});

it('does not insert a page that repeats a record of the page before, which would wait for that page', async () => {
  const load = await givenLoad();
  const second = load.pageOf(1, [remote('c1', {}), remote('c2', {})]);
  await load.store(load.pageOf(0, [remote('c1', {})]), second);

  expect(await load.apply(second)).toBeUndefined();
  expect(await held()).toEqual(['c1']);
});

it('takes no second connection where half of them are in use', async () => {
  const database = new Database({ url: db.url, poolSize: 2, statementTimeoutMs: 10_000 });
  const isSpare: boolean[] = [database.hasSpareConnections];
  await database.withTenant(tenant.tenantId, async () => isSpare.push(database.hasSpareConnections));
  isSpare.push(database.hasSpareConnections);
  await database.close();

  expect(isSpare).toEqual([true, false, true]);
});
