/** What a pass does with all records of a type, in chunks (rules.md 13, 53, 54, 60). */
import { sql } from 'kysely';
import type { InTenant } from '../../../db/pull/comparison/seen-ids';
import { planEmptied } from '../../../db/pull/emptied-records';
import { lockSyncJob } from '../../../db/pull/job-rows';
import { CandidatesMissing, saveCandidates } from '../../../db/pull/page-stages/match-candidates';
import { matchByField } from '../../../db/pull/page-stages/match-by-field';
import type { PulledRecord } from '../../../db/pull/page';
import { opaqueToPlanner } from '../../../db/sql/bulk-rows';
import { cancelSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { countDrifts } from '../../../db/verify/notify-of-drifts';
import { CONTACTS } from '../../support/environments/crm-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenRunningPass } from './given-pass';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

const RECORDS = 50;
/** Seven records a chunk. */
const CHUNK = 7;
const inTenant: InTenant = (callback) => tenant.work(callback);

/** A full pass, and records c0 to c49. The even ones are linked. */
async function givenPass() {
  const integrationId = await tenant.integration({ recordTypes: { contacts: CONTACTS } });
  const pass = await givenRunningPass(tenant, integrationId);
  await tenant.work(async ({ trx, tenantId, now }) => {
    await sql`
      insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
        changed_at, created_at, changed_by)
      select ${tenantId}::uuid, gen_random_uuid(), case when n < ${RECORDS} then 'contacts' else 'deals' end,
        'c' || n, 1, jsonb_build_object('email', 'C' || n || '@example.org'), ${now}::timestamptz,
        ${now}::timestamptz, ${now}::timestamptz, 'test'
      from generate_series(0, ${RECORDS + 9}::int) n`.execute(trx);
    await sql`
      insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
        updated_at)
      select tenant_id, ${integrationId}::uuid, record_id, record_type, external_id, false, ${now}::timestamptz
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and substr(external_id, 2)::int % 2 = 0`.execute(
      trx,
    );
  });
  return pass;
}

type Pass = Awaited<ReturnType<typeof givenPass>>;

const listed = (...names: string[]): PulledRecord[] =>
  names.map(
    (name) => ({ remoteId: name, fields: { email: `${name}@example.org` } }) as unknown as PulledRecord,
  );

async function match(pass: Pass, ...names: string[]): Promise<string[]> {
  const matching = { field: 'email', ignoresCase: false, records: listed(...names) };
  const { matched } = await tenant.work((work) => matchByField(work, pass, matching));
  return [...matched.keys()];
}

const candidatesOf = (pass: Pass) => ({ ...pass, field: 'email', ignoresCase: false });
const openJob = (pass: Pass) => ({
  isOpen: async (work: Parameters<typeof lockSyncJob>[0]) =>
    (await lockSyncJob(work, pass))?.finishedAt === null,
  recordsPerChunk: CHUNK,
});

const countKeys = async () =>
  (await tenant.work(({ trx }) => trx.selectFrom('matchKeys').selectAll().execute())).length;

describe('rule 13: the records that a page may match by a field', () => {
  it('are stored in chunks, also by two workers at once, and after a worker was lost in a chunk', async () => {
    const pass = await givenPass();
    await expect(match(pass, 'c1')).rejects.toBeInstanceOf(CandidatesMissing);
    let transactions = 0;
    const mortal: InTenant = (callback) =>
      tenant.work(async (work) => {
        const done = await callback(work);
        transactions += 1;
        if (transactions === 3) throw new Error('The worker is gone.');
        return done;
      });
    await expect(saveCandidates(mortal, candidatesOf(pass), openJob(pass))).rejects.toThrow('gone');
    await expect(match(pass, 'c1')).rejects.toBeInstanceOf(CandidatesMissing);
    await Promise.all([1, 2].map(() => saveCandidates(inTenant, candidatesOf(pass), openJob(pass))));

    const names = Array.from({ length: RECORDS + 10 }, (_, number) => `c${number}`);
    expect(await match(pass, ...names)).toEqual(
      names.slice(0, RECORDS).filter((_, number) => number % 2 === 1),
    );
    expect(await countKeys()).toBe(RECORDS / 2 + 1);
  });

  it('are stored once each if the record at the place of the walk is erased, and not for other types', async () => {
    const pass = await givenPass();
    let chunks = 0;
    const erasing: InTenant = async (callback) => {
      const done = await tenant.work(callback);
      chunks += 1;
      if (chunks !== 3) return done;
      const place = await tenant.work(({ trx }) =>
        trx.selectFrom('matchKeys').select('recordId').where('value', '=', '').executeTakeFirstOrThrow(),
      );
      for (const table of ['record_links', 'match_keys', 'records'])
        await db.superuser(`delete from ${table} where record_id = $1`, [place.recordId]);
      return done;
    };
    await saveCandidates(erasing, candidatesOf(pass), openJob(pass));
    const keys = await tenant.work(({ trx }) =>
      trx.selectFrom('matchKeys').select('value').where('value', '<>', '').execute(),
    );
    const left = await tenant.work(({ trx }) =>
      sql<{ value: string }>`select lower(fields ->> 'email') as value from records
        where record_type = 'contacts' and substr(external_id, 2)::int % 2 = 1`.execute(trx),
    );
    expect(left.rows.length).toBeLessThan(RECORDS / 2);
    expect(keys.map(({ value }) => value).sort()).toEqual(left.rows.map(({ value }) => value).sort());
  });

  it('are not stored for a run that was canceled meanwhile, and removed with the others', async () => {
    const pass = await givenPass();
    let chunks = 0;
    const canceling: InTenant = async (callback) => {
      chunks += 1;
      if (chunks === 3) {
        await tenant.work((work) => changeSyncJob(work, pass, { state: 'waiting' }));
        await tenant.work((work) => cancelSyncRun(work, { syncRunId: pass.syncRunId, by: 'test' }));
      }
      return tenant.work(callback);
    };
    await saveCandidates(canceling, candidatesOf(pass), openJob(pass));
    expect(chunks).toBe(3);
    expect(await countKeys()).toBe(0);
  });
});

describe('rule 53: fields that are suddenly empty', () => {
  const DAY_MS = 86_400_000;

  async function givenEmptied(pass: Pass): Promise<void> {
    await tenant.work(({ trx, tenantId, now }) =>
      sql`
        insert into emptied_records (tenant_id, integration_id, record_type, record_id, fields, remote, at)
        select tenant_id, ${pass.integrationId}::uuid, record_type, record_id,
          case when substr(external_id, 2)::int % 4 = 0 then '{name,phone}' else '{name}' end::text[],
          case when external_id <> 'c4' and external_id <> 'c6' then '{}'::jsonb end,
          case when external_id = 'c6' then ${new Date(now.getTime() - 30 * DAY_MS)}::timestamptz
            else ${now}::timestamptz end
        from records where tenant_id = ${tenantId} and record_type = 'contacts'`.execute(trx),
    );
  }

  it.each([CHUNK, 1_000])('wait in one review, counted in chunks of %d', async (rowsPerChunk) => {
    const pass = await givenPass();
    await givenEmptied(pass);
    // 25 linked records: 23 with an empty name wait, one was applied within the window.
    expect(await planEmptied(inTenant, pass, { held: 100, rowsPerChunk })).toEqual(['name']);
    const reviews = await tenant.work(({ trx }) => trx.selectFrom('deletionReviews').selectAll().execute());
    expect(reviews).toMatchObject([{ fields: ['name'], recordsMissing: 23, recordsBefore: 100 }]);
    const kept = await tenant.work(({ trx }) => trx.selectFrom('emptiedRecords').selectAll().execute());
    expect(kept).toHaveLength(24);
  });

  it('are one review after it was counted again', async () => {
    const pass = await givenPass();
    await givenEmptied(pass);
    await planEmptied(inTenant, pass, { held: 100, rowsPerChunk: CHUNK });
    await planEmptied(inTenant, pass, { held: 100, rowsPerChunk: CHUNK });
    const reviews = await tenant.work(({ trx }) => trx.selectFrom('deletionReviews').selectAll().execute());
    expect(reviews.map(({ state }) => state).toSorted()).toEqual(['pending', 'superseded']);
  });
});

it.each([CHUNK, 1_000])('rule 54: drifts are counted by record, in chunks of %d', async (limit) => {
  const pass = await givenPass();
  await tenant.work(({ trx, tenantId, now }) =>
    sql`
      insert into drifts (tenant_id, integration_id, record_id, record_type, place, found_at, seen_at, sync_run_id)
      select tenant_id, ${pass.integrationId}::uuid, record_id, record_type, place, ${now}::timestamptz,
        case when external_id = 'c2' then ${new Date(now.getTime() - 1_000)}::timestamptz
          else ${now}::timestamptz end,
        case when external_id = 'c4' then gen_random_uuid() else ${pass.syncRunId}::uuid end
      from records cross join (values ('name'), ('phone')) as drift(place)
      where tenant_id = ${tenantId}`.execute(trx),
  );
  // 25 linked records of the type: one was pushed since, one was found by an earlier run.
  expect(await countDrifts(inTenant, pass, limit)).toEqual({ hasOpen: true, newRecords: 23 });
  const left = await tenant.work(({ trx }) => trx.selectFrom('drifts').select('recordId').execute());
  expect(left).toHaveLength(2 * (30 - 1));
});
