/** The end of a full pass, in chunks that may be interrupted (rules.md 31, 60). */
import { sql } from 'kysely';
import { compareSides } from '../../../db/pull/comparison/compare-sides';
import { deleteMissing, planDeletions } from '../../../db/pull/delete-missing';
import { createReview, type NewReview } from '../../../db/pull/deletion-reviews';
import { lockSyncJob } from '../../../db/pull/job-rows';
import { restartPass } from '../../../db/pull/pass-state';
import { firstPageOf } from '../../../db/pull/ranges/sync-ranges';
import { countSeenAgain, type InTenant, pagesOfJob, SeenIds } from '../../../db/pull/comparison/seen-ids';
import { countLinked } from '../../../db/records/record-links';
import { purgeExpired } from '../../../db/retention/purge-expired';
import { newUuid } from '../../../db/sql/ids';
import { cancelSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { DEFAULT_RETENTION } from '../../../domain/retention';
import { CONTACTS } from '../../support/environments/crm-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenRunningPass } from './given-pass';

const LINKS = 60;
const MISSING = new Set([3, 17, 18, 40, 59]);
/** Three parts, with nine chunks of links in each. */
const SMALL = { idsPerPart: 20, linksPerChunk: 7 };

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

const inTenant: InTenant = (callback) => tenant.work(callback);
const isSeen = (number: number): boolean => !MISSING.has(number);

type Pass = Awaited<ReturnType<typeof givenPass>>;

/** A full pass over 60 linked records, which has read all but `MISSING`, on pages of five. */
async function givenPass() {
  const integrationId = await tenant.integration({ recordTypes: { contacts: CONTACTS } });
  const { rows } = await tenant.work(({ trx, tenantId, now }) =>
    sql<{ recordId: string; remoteId: string }>`
      insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
        updated_at)
      select ${tenantId}, ${integrationId}, uuidv7(),
        case when number < ${LINKS} then 'contacts' else 'deals' end, number::text, false,
        ${new Date(now.getTime() - 60_000)}
      from generate_series(0, ${LINKS + 4}::int) as number
      returning record_id, remote_id`.execute(trx),
  );
  const ids = new Map(rows.map(({ recordId, remoteId }) => [Number(remoteId), recordId]));
  const pass = await givenRunningPass(tenant, integrationId);
  const read = Array.from({ length: LINKS }, (_, number) => number).filter(isSeen);
  const given = { pass, ids, read };
  await givenPages(given, read);
  return given;
}

async function givenPages({ pass, ids }: Pick<Pass, 'pass' | 'ids'>, numbers: readonly number[]) {
  const { syncRunId, recordType } = pass;
  const job = await tenant.work((work) => lockSyncJob(work, pass));
  let page = job?.pages ?? 0;
  for (let from = 0; from < numbers.length; from += 5, page += 1) {
    const seen = numbers.slice(from, from + 5).map((number) => ids.get(number) ?? '');
    const row = { syncRunId, recordType, page, idsDigest: '', seen, created: [], changed: '[]', deleted: [] };
    await tenant.work(({ trx, tenantId, now }) =>
      trx
        .insertInto('syncPages')
        .values({ ...row, tenantId, at: now })
        .execute(),
    );
  }
  const recordsRead = (job?.recordsRead ?? 0) + numbers.length;
  await changeJob(pass, { pages: page, recordsRead });
}

const changeJob = ({ syncRunId, recordType }: Pass['pass'], set: object) =>
  tenant.work(({ trx }) =>
    trx
      .updateTable('syncJobs')
      .set(set)
      .where('syncRunId', '=', syncRunId)
      .where('recordType', '=', recordType)
      .execute(),
  );

const jobOf = ({ pass }: Pass) => tenant.work((work) => lockSyncJob(work, pass));

/** By their numbers. */
async function found({ ids }: Pass): Promise<number[]> {
  const rows = await tenant.work(({ trx }) =>
    trx.selectFrom('missingRecords').select('recordId').orderBy('recordId').execute(),
  );
  const numbers = new Map([...ids].map(([number, id]) => [id, number]));
  return rows.map(({ recordId }) => numbers.get(recordId) ?? -1).toSorted((a, b) => a - b);
}

async function remoteIdsLeft(): Promise<number[]> {
  const rows = await tenant.work(({ trx }) =>
    trx.selectFrom('recordLinks').select('remoteId').where('recordType', '=', 'contacts').execute(),
  );
  return rows.map(({ remoteId }) => Number(remoteId)).toSorted((a, b) => a - b);
}

const all = Array.from({ length: LINKS }, (_, number) => number);

/** The pass starts over, reads all records but one, and compares. */
async function startOverWithout(given: Pass, missing: number): Promise<void> {
  const pages = (await jobOf(given))?.pages ?? 0;
  await tenant.work((work) => restartPass(work, given.pass, { pages }));
  await givenPages(
    given,
    all.filter((number) => number !== missing),
  );
  await compareSides(inTenant, given.pass, SMALL);
}

describe('rule 60: what a full pass no longer found', () => {
  it('is the same in one chunk and in many', async () => {
    for (const options of [{}, SMALL]) {
      const given = await givenPass();
      expect(await compareSides(inTenant, given.pass, options)).toBe('done');
      expect(await jobOf(given)).toMatchObject({ recordsMissing: MISSING.size, linksCompared: LINKS });
      expect(await found(given)).toEqual([...MISSING]);
      expect(await countLinked(inTenant, given.pass)).toBe(LINKS);
      tenant = await GivenTenant.create(db);
    }
  });

  it('is the same after a worker was lost with every chunk', async () => {
    const given = await givenPass();
    let losses = 0;
    const mortal: InTenant = (callback) =>
      tenant.work(async (work) => {
        const before = await lockSyncJob(work, given.pass);
        const done = await callback(work);
        const after = await lockSyncJob(work, given.pass);
        const hasStored =
          before?.comparedTo !== after?.comparedTo || before?.comparedPart !== after?.comparedPart;
        // Every chunk fails once before it is stored.
        if (hasStored && losses % 2 === 0) {
          losses += 1;
          throw new Error('The worker is gone.');
        }
        if (hasStored) losses += 1;
        return done;
      });
    const attempt = () =>
      compareSides(mortal, given.pass, { ...SMALL, mayContinue: () => false }).catch(() => 'more' as const);
    while ((await attempt()) === 'more');

    expect(losses).toBeGreaterThan(40);
    expect(await jobOf(given)).toMatchObject({ recordsMissing: MISSING.size, linksCompared: LINKS });
    expect(await found(given)).toEqual([...MISSING]);
  });

  it('is the same when two workers compare at once', async () => {
    const given = await givenPass();
    await Promise.all([1, 2].map(() => compareSides(inTenant, given.pass, SMALL)));
    expect(await jobOf(given)).toMatchObject({ recordsMissing: MISSING.size, linksCompared: LINKS });
    expect(await found(given)).toEqual([...MISSING]);
  });

  it('keeps a record that was linked or pushed between the chunks', async () => {
    const given = await givenPass();
    const relink = (number: number) =>
      tenant.work(({ trx, now }) =>
        trx
          .updateTable('recordLinks')
          .set({ updatedAt: now })
          .where('remoteId', '=', String(number))
          .execute(),
      );
    const link = (recordId: string) =>
      tenant.work(({ trx, tenantId, now }) =>
        sql`
          insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
            updated_at)
          values (${tenantId}, ${given.pass.integrationId}, ${recordId}, 'contacts', ${recordId}, false, ${now})`.execute(
          trx,
        ),
      );
    let chunks = 0;
    const mayContinue = async () => {
      chunks += 1;
      // 3 was compared already, 59 was not.
      if (chunks === 10) await Promise.all([relink(3), relink(59)]);
      if (chunks === 11) await link('ffffffff-ffff-7fff-bfff-fffffffffff1');
      return true;
    };
    await changeJob(given.pass, { isInitialLoad: false });
    await compareSides(inTenant, given.pass, { ...SMALL, mayContinue });
    expect(chunks).toBeGreaterThan(20);
    expect(await tenant.work((work) => planDeletions(work, given.pass))).toBe('delete');
    while ((await tenant.work((work) => deleteMissing(work, { ...given.pass, limit: 2 }))) === 2);

    const left = await remoteIdsLeft();
    expect(left.filter((number) => number < LINKS)).toEqual(
      all.filter((number) => isSeen(number) || number === 3 || number === 59),
    );
    expect(left).toHaveLength(LINKS - MISSING.size + 3);
  });

  it('does not include what only the list before a restart lacked, and includes what the new one lacks', async () => {
    const given = await givenPass();
    await startOverWithout(given, 5);
    expect(await found(given)).toEqual([5]);
  });

  it('includes what only a range before a restart held', async () => {
    const given = await givenPass();
    const { syncRunId } = given.pass;
    await tenant.work(({ trx }) =>
      trx
        .updateTable('syncPages')
        .set({ page: sql<number>`page + ${firstPageOf(1)}::int` })
        .where('syncRunId', '=', syncRunId)
        .execute(),
    );
    await startOverWithout(given, 5);
    expect(await found(given)).toEqual([5]);
  });
});

describe('rule 62: the list of what a full pass no longer found', () => {
  const givenReview = (review: Pick<NewReview, 'kind'>, { pass }: Pass) =>
    tenant.work((work) =>
      createReview(work, pass, { ...review, fields: [], recordsMissing: 5, recordsBefore: 60, detail: '' }),
    );

  it.each(['canceled', 'failed', 'succeeded'] as const)('ends with a job in the state %s', async (state) => {
    const given = await givenPass();
    await compareSides(inTenant, given.pass, SMALL);
    await givenReview({ kind: 'grow' }, given);

    await tenant.work((work) => changeSyncJob(work, given.pass, { state }));

    expect(await found(given)).toEqual([]);
  });

  it('ends with a run that a person cancels while it waits', async () => {
    const given = await givenPass();
    await compareSides(inTenant, given.pass, SMALL);
    await tenant.work((work) => changeSyncJob(work, given.pass, { state: 'waiting' }));

    await tenant.work((work) => cancelSyncRun(work, { ...given.pass, by: 'ana' }));

    expect(await found(given)).toEqual([]);
  });

  it('stays after the run for a person who reviews the deletions', async () => {
    const given = await givenPass();
    await compareSides(inTenant, given.pass, SMALL);
    await givenReview({ kind: 'delete' }, given);

    await tenant.work((work) => changeSyncJob(work, given.pass, { state: 'succeeded' }));
    await purgeExpired(db.database, DEFAULT_RETENTION);

    expect(await found(given)).toEqual([...MISSING]);
  });

  it('that a worker of a former version left is swept, and that of a run under way is not', async () => {
    const [left, underWay] = [await givenPass(), await givenPass()];
    await compareSides(inTenant, left.pass, SMALL);
    await compareSides(inTenant, underWay.pass, SMALL);
    await changeJob(left.pass, { state: 'canceled', finishedAt: new Date() });

    await purgeExpired(db.database, DEFAULT_RETENTION);

    expect(await found({ ...underWay, ids: new Map([...left.ids, ...underWay.ids]) })).toEqual([...MISSING]);
  });
});

it('rule 60: counts repeated records in parts', async () => {
  const given = await givenPass();
  await givenPages(given, [1, 2, 4, 30]);
  const job = await jobOf(given);
  if (job === undefined) throw new Error('There is no job.');
  for (const idsPerPart of [1, 20, 1_000])
    expect(await countSeenAgain(inTenant, pagesOfJob(job), { total: LINKS, idsPerPart })).toBe(4);
});

it('tells which of many records a list did not hold, and how often it repeated itself', () => {
  const ids = Array.from({ length: 5_000 }, () => newUuid());
  const bytes = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex');
  const isListed = (at: number) => at % 7 !== 3;
  const listed = ids.filter((_, at) => isListed(at));
  const seen = new SeenIds([...listed, ...listed.slice(0, 10)].map((id) => bytes(id).subarray(8)));
  expect(seen.repeated).toBe(10);
  expect(seen.missingOf(Buffer.concat(ids.map(bytes)))).toEqual(ids.filter((_, at) => !isListed(at)));
  expect(ids.filter((id) => seen.has(id))).toEqual(listed);
});
