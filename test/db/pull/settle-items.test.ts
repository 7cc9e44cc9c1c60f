/** The items of an overview that a Sync Now did not find as reviewed, in chunks (rules.md 21, 60). */
import { sql } from 'kysely';
import { lockSyncJob } from '../../../db/pull/job-rows';
import { skipDriftedItems, skipUnmappedItems } from '../../../db/pull/reviewed-items';
import { newUuid } from '../../../db/sql/ids';
import { changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { CONTACTS } from '../../support/environments/crm-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenRunningPass } from './given-pass';

const LIMIT = 1_000;

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

type Given = Awaited<ReturnType<typeof givenItems>>;

/** `number` updates of linked contacts, and as many deletions, with items that do not concern the job. */
async function givenItems(number: number) {
  const integrationId = await tenant.integration({ recordTypes: { contacts: CONTACTS } });
  const pass = await givenRunningPass(tenant, integrationId);
  const overviewId = newUuid();
  await tenant.work(async ({ trx, tenantId, now }) => {
    await sql`insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
        changed_at, changed_by, created_at)
      select ${tenantId}, uuidv7(), 'contacts', 'c' || number, 1, '{"name": "Old"}', ${now}, ${now}, 'test', ${now}
      from generate_series(0, ${number * 2 - 1}::int) as number`.execute(trx);
    await sql`insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, remote_hash,
        is_deactivated, updated_at)
      select tenant_id, ${integrationId}::uuid, record_id, 'contacts', external_id, 'earlier', false, ${now}
      from records where tenant_id = ${tenantId}`.execute(trx);
    await sql`insert into overview_items (tenant_id, overview_id, overview_item_id, direction, record_type,
        action, record_id, external_id, remote_id, remote_hash, after, outcome)
      select tenant_id, ${overviewId}::uuid, uuidv7(), item.direction, item.record_type, item.action, record_id,
        external_id, external_id, 'reviewed', case when item.action = 'update' then '{"name": "New"}'::jsonb end,
        item.outcome
      from records
      cross join lateral (values
        ('pull', 'contacts', case when substr(external_id, 2)::int < ${number}::int
          then 'update' else 'delete' end, null),
        ('pull', 'contacts', 'not_possible', null), ('pull', 'contacts', 'create', 'applied'),
        ('pull', 'deals', 'update', null),
        ('push', 'contacts', 'update', null)) item(direction, record_type, action, outcome)
      where tenant_id = ${tenantId}`.execute(trx);
  });
  return { pass, overviewId };
}

const skipNext = ({ pass, overviewId }: Given): Promise<number> =>
  tenant.work((work) => skipDriftedItems(work, pass, { overviewId, limit: LIMIT }));

/** What another run does with the remote record as it was reviewed. */
const applied = (externalIds: string[]) =>
  tenant.work(async ({ trx, tenantId, now }) => {
    await sql`update records set fields = fields || '{"name": "New"}' where tenant_id = ${tenantId}
      and external_id = any(${externalIds})`.execute(trx);
    await sql`update record_links set remote_hash = 'reviewed' where tenant_id = ${tenantId}
      and remote_id = any(${externalIds})`.execute(trx);
    await sql`update records set deleted_at = ${now} where tenant_id = ${tenantId}
      and external_id = any(${externalIds}) and external_id in ('c1201', 'c2390')`.execute(trx);
  });

/** How many items of the job's direction and type have an outcome, by action. */
async function outcomes({ overviewId }: Given) {
  const rows = await db.superuser(
    `select direction, record_type, action, outcome, count(*)::int as items from overview_items
     where overview_id = $1 group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
    [overviewId],
  );
  return rows.map((row) => Object.values(row).join(' '));
}

const jobOf = ({ pass }: Given) => tenant.work((work) => lockSyncJob(work, pass));
const errorsOf = async ({ pass }: Given) =>
  (await db.superuser('select code from sync_record_errors where sync_run_id = $1', [pass.syncRunId])).length;

/** 1,200 updates and 1,200 deletions, of which another run has applied two each. */
const SETTLED = [
  'pull contacts create applied 2400',
  'pull contacts delete applied 2',
  'pull contacts delete skipped 1198',
  'pull contacts not_possible  2400',
  'pull contacts update applied 2',
  'pull contacts update skipped 1198',
  'pull deals update  2400',
  'push contacts update  2400',
];

describe('rule 60: the items that a Sync Now could not apply', () => {
  it('are settled at most 1,000 in a transaction, also when a worker ends in the middle of one (D4)', async () => {
    const given = await givenItems(1_200);
    await applied(['c3', 'c1199', 'c1201', 'c2390']);
    let read: number;
    let chunks = 0;
    do {
      const before = await jobOf(given);
      const killed = tenant.work(async (work) => {
        await skipDriftedItems(work, given.pass, { overviewId: given.overviewId, limit: LIMIT });
        throw new Error('The worker ends.');
      });
      await expect(killed).rejects.toThrow('The worker ends.');
      read = await skipNext(given);
      expect((await jobOf(given))?.recordsSkipped).toBeLessThanOrEqual((before?.recordsSkipped ?? 0) + LIMIT);
      chunks += 1;
    } while (read === LIMIT);
    expect(chunks).toBe(8);

    expect(await outcomes(given)).toEqual(SETTLED);
    expect((await jobOf(given))?.recordsSkipped).toBe(2_396);
    expect(await errorsOf(given)).toBe(1_000);
    // An activity that is repeated adds nothing.
    expect(await skipNext(given)).toBe(0);
    expect(await outcomes(given)).toEqual(SETTLED);
    expect((await jobOf(given))?.recordsSkipped).toBe(2_396);
  });

  it('count as applied if another run applies them between two chunks, before theirs', async () => {
    const given = await givenItems(1_200);
    // Creations come first, then deletions.
    for (let chunk = 0; chunk < 3; chunk += 1) await skipNext(given);
    await applied(['c3', 'c1199', 'c1201', 'c2390']);
    while ((await skipNext(given)) === LIMIT);

    expect(await outcomes(given)).toEqual(
      SETTLED.map((line) =>
        line
          .replace('delete applied 2', 'delete applied 1')
          .replace('delete skipped 1198', 'delete skipped 1199'),
      ),
    );
    expect((await jobOf(given))?.recordsSkipped).toBe(2_397);
  });

  it('stay as they are once the job has ended', async () => {
    const given = await givenItems(10);
    await tenant.work((work) => changeSyncJob(work, given.pass, { state: 'failed' }));
    expect(await skipNext(given)).toBe(0);
    expect((await outcomes(given)).filter((line) => line.includes('skipped'))).toEqual([]);
  });

  it('are all skipped, in chunks, if their record type is no longer mapped', async () => {
    const given = await givenItems(1_200);
    await applied(['c3']);
    const items = { overviewId: given.overviewId, recordType: 'contacts', direction: 'push' as const };
    const skip = () => tenant.work((work) => skipUnmappedItems(work, given.pass, { ...items, limit: LIMIT }));
    expect(await skip()).toBe(1_000);
    expect(await outcomes(given)).toContain('push contacts update skipped 1000');
    expect(await skip()).toBe(1_000);
    expect(await skip()).toBe(400);
    expect(await outcomes(given)).toContain('push contacts update skipped 2400');
    expect((await jobOf(given))?.recordsSkipped).toBe(2_400);
  });
});
