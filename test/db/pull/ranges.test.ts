/** Ranges of one list on several workers: no record is linked twice, no pass starts over twice (rule 60). */
import { findIntegration } from '../../../db/integrations/integrations';
import { applyPage } from '../../../db/pull/apply-page';
import { lockSyncJob } from '../../../db/pull/job-rows';
import { saveCandidates } from '../../../db/pull/page-stages/match-candidates';
import { type CreatingPage, pullTargetOf } from '../../../db/pull/page';
import { requireUnlinked } from '../../../db/pull/page-stages/write-links';
import { restartPass } from '../../../db/pull/pass-state';
import { divideJob, listRanges } from '../../../db/pull/ranges/sync-ranges';
import { ConcurrentTransaction, type TenantWork } from '../../../db/database';
import { remote } from '../../api/support/simulated-worker';
import { CONTACTS } from '../../support/environments/crm-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenRunningPass } from './given-pass';
import { untilWaiting } from '../many-rows';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

/** A full pass over three ranges, and a local contact that `match_by` finds. */
async function givenPass() {
  await tenant.accept({
    externalId: 'local',
    recordType: 'contacts',
    fields: { name: 'Ada', email: 'ada@example.org' },
  });
  const integrationId = await tenant.integration({
    recordTypes: { contacts: { ...CONTACTS, matchBy: 'email' } },
  });
  const pass = await givenRunningPass(tenant, integrationId);
  const list = { bounds: ['a', 'b', 'c'], isInitialLoad: false, expectedRecords: null };
  await tenant.work((work) => divideJob(work, pass, list));
  await saveCandidates(
    (callback) => tenant.work(callback),
    { ...pass, field: 'email', ignoresCase: false },
    { isOpen: async () => true },
  );
  return pass;
}

type Pass = Awaited<ReturnType<typeof givenPass>>;

/** The first page of a range, with one remote record. */
async function apply(work: TenantWork, pass: Pass, range: number, remoteId: string, email: string) {
  const integration = await findIntegration(work, pass);
  if (integration === undefined) throw new Error('There is no integration.');
  const page: CreatingPage = {
    ...pullTargetOf(integration, 'contacts'),
    syncRunId: pass.syncRunId,
    overviewId: null,
    range,
    pagesBefore: 0,
    recordsPerType: 1_000_000,
    records: [{ ...remote(remoteId, { name: 'Ada', email }), remote: { name: 'Ada', email } }],
    tombstones: [],
    refused: [],
    altered: [],
    nextCursor: 'next',
    asOf: work.now,
    total: null,
    requestedAt: work.now,
  };
  return applyPage(work, page);
}

const linksOf = () =>
  tenant.work(({ trx }) =>
    trx
      .selectFrom('recordLinks')
      .innerJoin('records', 'records.recordId', 'recordLinks.recordId')
      .select(['recordLinks.remoteId', 'records.externalId'])
      .where('records.externalId', '=', 'local')
      .execute(),
  );

const jobOf = (pass: Pass) => tenant.work((work) => lockSyncJob(work, pass));
const rangesOf = (pass: Pass) => tenant.work((work) => listRanges(work, pass));

describe('rule 13: a record that two ranges match at the same time', () => {
  it('is linked by the page that comes first; the other one sees that link', async () => {
    const pass = await givenPass();
    let attempts = 0;
    let second: Promise<unknown> | undefined;
    let hasBegun = (): void => {};
    const begun = new Promise<void>((resolve) => (hasBegun = resolve));
    await tenant.work(async (work) => {
      await apply(work, pass, 0, 'r1', 'ada@example.org');
      second ??= tenant.work((other) => {
        attempts += 1;
        hasBegun();
        return apply(other, pass, 1, 'r2', 'ada@example.org');
      });
      await begun;
      // The other transaction matches the record, and then waits for its lock.
      await untilWaiting(db);
    });
    await second;

    expect(await linksOf()).toEqual([{ remoteId: 'r1', externalId: 'local' }]);
    expect(attempts).toBe(2);
    expect((await rangesOf(pass)).map(({ pages }) => pages > 0)).toEqual([true, true, false]);
  });

  it('is refused once its link is there, and only then', async () => {
    const pass = await givenPass();
    const [record] = await tenant.work(({ trx }) => trx.selectFrom('records').select('recordId').execute());
    const ids = [record?.recordId ?? ''];
    await tenant.work((work) => requireUnlinked(work, pass, []));
    await tenant.work((work) => requireUnlinked(work, pass, ids));
    await tenant.work((work) => apply(work, pass, 0, 'r1', 'ada@example.org'));
    const refused = tenant.work((work) => requireUnlinked(work, pass, ids).catch((error: unknown) => error));
    expect(await refused).toBeInstanceOf(ConcurrentTransaction);
  });
});

describe('rule 60: a cursor that expires in a range', () => {
  const restart = (pass: Pass, at: { range?: number; pages: number }) =>
    tenant.work((work) => restartPass(work, pass, at));

  it('starts the pass over once, however many ranges find theirs expired', async () => {
    const pass = await givenPass();
    await tenant.work((work) => apply(work, pass, 0, 'r1', 'other@example.org'));
    const [first, second] = await rangesOf(pass);
    const expired = [first, second].map((range) => ({ range: range?.range, pages: range?.pages ?? -1 }));
    const outcomes = await Promise.all(
      expired.map((at) => restart(pass, at as { range: number; pages: number })),
    );

    expect(outcomes).toEqual([true, true]);
    expect(await jobOf(pass)).toMatchObject({ restarts: 1, cursor: null, recordsReadBefore: 1 });
    expect(await rangesOf(pass)).toEqual([]);
  });

  it('does nothing if another worker has continued the range', async () => {
    const pass = await givenPass();
    await tenant.work((work) => apply(work, pass, 0, 'r1', 'other@example.org'));

    expect(await restart(pass, { range: 0, pages: 0 })).toBe(true);
    expect(await jobOf(pass)).toMatchObject({ restarts: 0 });
    expect(await rangesOf(pass)).toHaveLength(3);
  });

  it('stores no page of a range after the pass has started over', async () => {
    const pass = await givenPass();
    await restart(pass, { range: 0, pages: 0 });

    const late = await tenant.work((work) => apply(work, pass, 1, 'r2', 'other@example.org'));
    expect(late).toEqual({ kind: 'stopped' });
    expect(await jobOf(pass)).toMatchObject({ recordsRead: 0 });
  });

  it('ends the pass after three restarts', async () => {
    const pass = await givenPass();
    await restart(pass, { range: 0, pages: 0 });
    const again = async () => restart(pass, { pages: (await jobOf(pass))?.pages ?? -1 });
    expect([await again(), await again(), await again()]).toEqual([true, true, false]);
    expect(await jobOf(pass)).toMatchObject({ restarts: 3 });
  });
});
