/** What a verified list no longer holds, in chunks that may be interrupted (rules.md 54, 60). */
import { sql } from 'kysely';
import type { InTenant } from '../../../db/pull/comparison/seen-ids';
import { lockSyncJob } from '../../../db/pull/job-rows';
import type { MissingRecord } from '../../../db/verify/decide-drifts';
import type { Verification } from '../../../db/verify/drifts';
import { listDrifts } from '../../../db/verify/list-drifts';
import { countVerifiable, verifyUnseen } from '../../../db/verify/verify-missing';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { CONTACTS } from '../../support/environments/crm-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const LINKS = 60;
const MISSING = ['c03', 'c17', 'c18', 'c40', 'c59'];
const PUSHED: RecordTypeMapping = { ...CONTACTS, direction: 'push' };
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

interface Given {
  key: Verification;
  ids: ReadonlyMap<string, string>;
}

/** 60 pushed records, of which the list held all but `MISSING`, and one whose push waits. */
async function givenVerification(): Promise<Given> {
  const integrationId = await tenant.integration({ recordTypes: { contacts: PUSHED }, initialPush: 'all' });
  const names = Array.from({ length: LINKS }, (_, number) => `c${String(number).padStart(2, '0')}`);
  await tenant.accept(
    ...[...names, 'waiting'].map((externalId) => ({
      externalId,
      recordType: 'contacts',
      fields: { name: externalId },
    })),
  );
  const ids = await tenant.work(async ({ trx, now }) => {
    await sql`update record_syncs set result_status = 'synced', window_opened_at = null, due_at = null
      where record_id in (select record_id from records where external_id <> 'waiting')`.execute(trx);
    await sql`insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id,
        is_deactivated, updated_at)
      select tenant_id, ${integrationId}, record_id, 'contacts', external_id, false,
        ${new Date(now.getTime() - 60_000)} from records`.execute(trx);
    const records = await trx.selectFrom('records').select(['recordId', 'externalId']).execute();
    return new Map(records.map(({ recordId, externalId }) => [externalId, recordId]));
  });
  await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'nightly', startedBy: 'test' }));
  const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
  if (run === undefined) throw new Error('There is no run.');
  const key = { integrationId, syncRunId: run.syncRunId, job: 'verify:contacts', recordType: 'contacts' };
  const job = { syncRunId: run.syncRunId, recordType: key.job };
  const seen = names.filter((name) => !MISSING.includes(name)).map((name) => ids.get(name) ?? '');
  await tenant.work(async (work) => {
    await changeSyncJob(work, job, { state: 'running', attempts: 1 });
    const { trx, tenantId, now } = work;
    const row = { ...job, tenantId, idsDigest: '', created: [], changed: '[]', deleted: [], at: now };
    for (let page = 0; page * 5 < seen.length; page += 1)
      await trx
        .insertInto('syncPages')
        .values({ ...row, page, seen: seen.slice(page * 5, page * 5 + 5) })
        .execute();
    await trx
      .updateTable('syncJobs')
      .set({ recordsRead: seen.length, startedAt: now })
      .where('syncRunId', '=', run.syncRunId)
      .execute();
  });
  return { key, ids };
}

const jobOf = ({ key }: Given) =>
  tenant.work((work) => lockSyncJob(work, { syncRunId: key.syncRunId, recordType: key.job }));

async function missingOf({ key: { integrationId } }: Given): Promise<string[]> {
  const { drifts } = await tenant.work((work) => listDrifts(work, { integrationId, limit: 100 }));
  return drifts.map(({ externalId }) => externalId).toSorted();
}

const report = async () => {};
const verify = ({ key }: Given, options: Partial<Parameters<typeof verifyUnseen>[2]> = {}) =>
  verifyUnseen(inTenant, key, { mapping: PUSHED, decide: report, ...SMALL, ...options });

const COUNTED = { linksCompared: LINKS + 1, recordsMissing: MISSING.length + 1 };

describe('rule 54: what a verified list no longer holds', () => {
  it('is found when a time box ends after every chunk', async () => {
    const given = await givenVerification();
    let executions = 1;
    while ((await verify(given, { mayContinue: () => false })) === 'more') {
      executions += 1;
      expect(executions).toBeLessThan(100);
    }
    expect(executions).toBeGreaterThan(20);
    expect(await missingOf(given)).toEqual(MISSING);
    expect(await jobOf(given)).toMatchObject(COUNTED);
    expect(await verify(given)).toBe('done');
    expect(await jobOf(given)).toMatchObject(COUNTED);
  });

  it('is decided once after a worker was lost in a chunk', async () => {
    const given = await givenVerification();
    const decided: string[] = [];
    let losses = 0;
    const decide = async (_: unknown, missing: readonly MissingRecord[]) => {
      losses += 1;
      if (losses % 2 === 1) throw new Error('The worker is gone.');
      decided.push(...missing.map(({ externalId }) => externalId));
    };
    const attempt = () => verify(given, { decide }).catch(() => 'more' as const);
    while ((await attempt()) === 'more');

    expect(losses).toBeGreaterThan(5);
    expect(decided.toSorted()).toEqual(MISSING);
    expect(await missingOf(given)).toEqual(MISSING);
    expect(await jobOf(given)).toMatchObject(COUNTED);
  });

  it('does not include what was pushed, edited or unlinked between chunks', async () => {
    const given = await givenVerification();
    const change = async () => {
      const id = (name: string) => given.ids.get(name) ?? '';
      await tenant.work(({ trx, now }) =>
        trx.updateTable('recordLinks').set({ updatedAt: now }).where('recordId', '=', id('c40')).execute(),
      );
      await tenant.work(({ trx }) =>
        trx.deleteFrom('recordLinks').where('recordId', '=', id('c18')).execute(),
      );
      await tenant.accept({ externalId: 'c59', recordType: 'contacts', fields: { name: 'Edited' } });
    };
    let chunks = 0;
    const mayContinue = async () => {
      chunks += 1;
      if (chunks === 1) await change();
      return true;
    };
    await verify(given, { idsPerPart: 1_000, linksPerChunk: 5, mayContinue });
    expect(await missingOf(given)).toEqual(['c03', 'c17']);
  });

  it('is not counted once its link was removed to create it again', async () => {
    const given = await givenVerification();
    const decide = async ({ trx }: { trx: GivenTrx }, missing: readonly MissingRecord[]) => {
      const ids = missing.map(({ recordId }) => recordId);
      await trx.deleteFrom('recordLinks').where('recordId', 'in', ids).execute();
    };
    await verify(given, { decide });
    expect(await jobOf(given)).toMatchObject({ linksCompared: LINKS - 4, recordsMissing: 1 });
    const { startedAt } = (await jobOf(given)) ?? {};
    expect(await countVerifiable(inTenant, given.key, startedAt ?? new Date(0))).toBe(LINKS - 4);
  });
});

type GivenTrx = Parameters<Parameters<GivenTenant['work']>[0]>[0]['trx'];
