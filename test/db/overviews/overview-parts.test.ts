/** An overview compares both sides in chunks that may be interrupted (rules.md 22, 60). */
import { sql } from 'kysely';
import { pagesOfOverview, type LocalChunk } from '../../../db/overviews/local-chunk';
import {
  changeOverviewJob,
  EMPTY_JOB,
  lockOverviewJob,
  type OverviewJob,
} from '../../../db/overviews/overview-jobs';
import { deleteOverviewData } from '../../../db/overviews/overview-lifecycle';
import { previewDeletions } from '../../../db/overviews/preview-pull';
import { compareLocalRecords } from '../../../db/overviews/preview-push';
import type { TenantWork } from '../../../db/database';
import { countSeenAgain, SeenIds } from '../../../db/pull/comparison/seen-ids';
import { newUuid } from '../../../db/sql/ids';
import type { SyncDirection } from '../../../domain/records/mapping-directions';
import { CONTACTS } from '../../support/environments/crm-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const RECORDS = 60;
const MISSING = ['c03', 'c17', 'c18', 'c40', 'c59'];
const LIMIT = 7;
const PARTS = 3;

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

interface Given {
  integrationId: string;
  job: OverviewJob;
  names: ReadonlyMap<string, string>;
}

/** 60 linked records, of which the pages have shown all but `MISSING`. */
async function givenOverview(direction: SyncDirection): Promise<Given> {
  const recordTypes = { contacts: { ...CONTACTS, direction: 'push' as const } };
  const integrationId = await tenant.integration({ recordTypes, initialPush: 'all' });
  const all = Array.from({ length: RECORDS }, (_, number) => `c${String(number).padStart(2, '0')}`);
  await tenant.accept(
    ...all.map((externalId) => ({ externalId, recordType: 'contacts', fields: { name: externalId } })),
  );
  const place = { overviewId: newUuid(), recordType: 'contacts', direction };
  return tenant.work(async (work) => {
    const { trx, tenantId, now } = work;
    await sql`insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id,
        is_deactivated, updated_at)
      select tenant_id, ${integrationId}, record_id, 'contacts', external_id, false,
        ${new Date(now.getTime() - 60_000)} from records`.execute(trx);
    const records = await trx.selectFrom('records').select(['recordId', 'externalId']).execute();
    const seen = records.filter(({ externalId }) => !MISSING.includes(externalId));
    for (let page = 0; page * 5 < seen.length; page += 1)
      await trx
        .insertInto('overviewPages')
        .values({
          ...place,
          tenantId,
          page,
          idsDigest: '',
          seen: seen.slice(page * 5, page * 5 + 5).map(({ recordId }) => recordId),
        })
        .execute();
    await trx
      .insertInto('overviewJobs')
      .values({
        ...EMPTY_JOB,
        ...place,
        tenantId,
        state: 'running',
        recordsRead: seen.length,
        startedAt: now,
        updatedAt: now,
      })
      .execute();
    const job = await lockOverviewJob(work, place);
    if (job === undefined) throw new Error('There is no job.');
    return {
      integrationId,
      job,
      names: new Map(records.map(({ recordId, externalId }) => [recordId, externalId])),
    };
  });
}

const stepOf =
  ({ integrationId, job }: Given) =>
  (work: TenantWork, chunk: LocalChunk) => {
    const integration = {
      integrationId,
      recordTypes: { contacts: { ...CONTACTS, direction: 'push' as const } },
      initialPush: 'all' as const,
    };
    return job.direction === 'pull'
      ? previewDeletions(work, job, { integrationId, ...chunk })
      : compareLocalRecords(work, job, { integration, isReadable: true, ...chunk });
  };

/** Every second chunk is lost before it is stored. @returns the number of chunks. */
async function compare(given: Given, between?: () => Promise<void>): Promise<number> {
  const step = stepOf(given);
  let { job } = given;
  let chunks = 0;
  for (let tries = 1; job.comparedPart < PARTS; tries += 1) {
    const part = { part: job.comparedPart, parts: PARTS };
    const seen = await SeenIds.read((read) => tenant.work(read), pagesOfOverview(job), part);
    const isLost = tries % 2 === 1;
    const attempt = tenant.work(async (work) => {
      const done = await step(work, { ...part, seen, limit: LIMIT });
      if (isLost) throw new Error('The worker is gone.');
      return done;
    });
    const stored = await attempt.catch((error: unknown) => {
      if (!isLost) throw error;
      return job;
    });
    if (stored === undefined) throw new Error('The overview has ended.');
    job = stored;
    if (!isLost) {
      chunks += 1;
      if (chunks === 1) await between?.();
    }
    expect(tries).toBeLessThan(200);
  }
  return chunks;
}

const itemsOf = async ({ names }: Given): Promise<string[]> => {
  const items = await tenant.work(({ trx }) => trx.selectFrom('overviewItems').select('recordId').execute());
  return items.map(({ recordId }) => names.get(recordId ?? '') ?? '').toSorted();
};

describe('rule 60: an overview that is interrupted after every chunk', () => {
  it.each(['pull', 'push'] as const)('shows each missing record once: %s', async (direction) => {
    const given = await givenOverview(direction);
    expect(await compare(given)).toBeGreaterThan(20);
    expect(await itemsOf(given)).toEqual(MISSING);
    const job = await tenant.work((work) => lockOverviewJob(work, given.job));
    const counts =
      direction === 'pull' ? { deletes: MISSING.length } : { creates: 0, updates: MISSING.length };
    expect(job).toMatchObject({ ...counts, comparedPart: PARTS });
    expect(job?.readFinishedAt === null).toBe(direction === 'pull');
  });

  it('shows no deletion of a record that was linked again, unlinked or deleted between chunks', async () => {
    const given = await givenOverview('pull');
    const idOf = (name: string) => [...given.names].find(([, known]) => known === name)?.[0] ?? '';
    await compare(given, () =>
      tenant.work(async ({ trx, now }) => {
        const links = trx.updateTable('recordLinks').set({ updatedAt: now });
        await links.where('recordId', '=', idOf('c40')).execute();
        await trx.deleteFrom('recordLinks').where('recordId', '=', idOf('c18')).execute();
        const records = trx.updateTable('records').set({ deletedAt: now });
        await records.where('recordId', '=', idOf('c59')).execute();
      }),
    );
    expect(await itemsOf(given)).toEqual(['c03', 'c17']);
  });

  it('leaves a chunk to the worker that has continued with the next part', async () => {
    const given = await givenOverview('pull');
    const part = { part: 1, parts: PARTS };
    const seen = new SeenIds([]);
    const after = await tenant.work((work) => stepOf(given)(work, { ...part, seen, limit: LIMIT }));
    expect(after).toMatchObject({ comparedPart: 0, afterRecordId: null, deletes: 0 });
    expect(await itemsOf(given)).toEqual([]);
  });

  it('finds that two pages held the same record', async () => {
    const given = await givenOverview('pull');
    const pages = pagesOfOverview(given.job);
    const count = () =>
      countSeenAgain((read) => tenant.work(read), pages, { total: RECORDS, idsPerPart: 20 });
    expect(await count()).toBe(0);
    await tenant.work(({ trx }) =>
      sql`update overview_pages set seen = seen || (
          select seen[1:2] from overview_pages where page = 0) where page = 5`.execute(trx),
    );
    expect(await count()).toBe(2);
  });
});

it('rule 62: an overview without data has lost the position at which it stopped reading', async () => {
  const { job } = await givenOverview('pull');
  await tenant.work((work) => changeOverviewJob(work, job, { cursor: '["ada@example.com"]' }));

  for (let step = 'more'; step !== 'done';) step = await tenant.work((work) => deleteOverviewData(work, job));

  expect(await tenant.work((work) => lockOverviewJob(work, job))).toMatchObject({ cursor: null });
});
