/** The safety threshold of pushes, with any number of open windows (rules.md 53, 60). */
import { sql } from 'kysely';
import { ownAllowances } from '../../../db/push/brakes/brake-allowances';
import { decidePushReview } from '../../../db/push/decide-push-review';
import { listPushReviewRecords, listPushReviews, lockPushReview } from '../../../db/push/push-reviews';
import { newUuid } from '../../../db/sql/ids';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenWaitingPushes, rowsOf } from '../many-rows';

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
});
afterAll(() => db.end());

/** Two of them are due. */
async function givenEdits(edits: number, { linked }: { linked: number }): Promise<void> {
  await givenWaitingPushes(tenant, { integrationId, count: linked });
  await tenant.work(({ trx, now }) =>
    sql`
      update record_syncs record_sync set push_id = null, push_version = null, push_hash = null,
        is_push_failing = false, next_attempt_at = null, give_up_at = null, window_opened_at = edited.opened_at,
        window_effect = case when edited.opened_at is not null then 'overwrite' end,
        window_reason = case when edited.opened_at is not null then 'quiet' end,
        due_at = edited.opened_at + case when edited.n <= 2 then '0 s' else '1 hour' end::interval
      from (
        select record_id, n, case when n <= ${edits} then ${now}::timestamptz end as opened_at
        from (select record_id, substr(external_id, 2)::int as n from records) numbered) edited
      where record_sync.record_id = edited.record_id`.execute(trx),
  );
  await db.superuser('vacuum analyze record_syncs');
}

async function claimed() {
  const { pushes } = await tenant.claim(integrationId, new Date(Date.now() + 60_000));
  const details = await tenant.work(({ trx }) =>
    trx.selectFrom('notifications').select('detail').where('kind', '=', 'pushes_need_review').execute(),
  );
  const held = await tenant.work(({ trx }) =>
    trx
      .selectFrom('recordSyncs')
      .select(({ fn }) => fn.countAll<number>().as('held'))
      .where('heldAt', 'is not', null)
      .executeTakeFirstOrThrow(),
  );
  return { pushes: pushes.length, words: details.map(({ detail }) => detail?.split(':')[0]), ...held };
}

it('no more edits are counted than the decision needs, and it says so', async () => {
  await givenEdits(15_000, { linked: 15_000 });

  expect(await claimed()).toMatchObject({
    pushes: 0,
    words: ['At least 10000 employees would be overwritten. Nothing was sent'],
  });
});

it('all are counted where the first ones do not decide', async () => {
  await givenEdits(11_000, { linked: 21_000 });

  expect(await claimed()).toMatchObject({
    pushes: 0,
    words: ['11000 employees would be overwritten. Nothing was sent'],
  });
});

it('they leave where all of them are not too many', async () => {
  await givenEdits(11_000, { linked: 23_000 });

  expect(await claimed()).toEqual({ pushes: 2, words: [], held: 0 });
});

it('a bulk above the threshold is counted once, however many claims hold it', async () => {
  const edits = 14_000;
  await givenEdits(edits, { linked: edits });
  await db.superuser(`update record_syncs set due_at = now() where integration_id = $1`, [integrationId]);
  const allowances = ownAllowances();
  const claim = (limit: number) =>
    rowsOf(tenant, (work) =>
      tenant.claimIn(work, integrationId, new Date(Date.now() + 60_000), { limit, allowances }),
    );

  const first = await claim(10);
  const second = await claim(10);

  // Each holds 5,010 windows.
  expect(second.wrote).toBeGreaterThan(5_000);
  expect(second.read).toBeLessThan(first.read - edits);
});

it('an edit leaves after most of a review was discarded by name', async () => {
  await givenEdits(300, { linked: 300 });
  await db.superuser(
    `update record_syncs set due_at = now() where integration_id = $1 and window_opened_at is not null`,
    [integrationId],
  );
  const allowances = ownAllowances();
  const claim = () =>
    tenant.work((work) =>
      tenant.claimIn(work, integrationId, new Date(Date.now() + 60_000), { limit: 500, allowances }),
    );
  expect((await claim()).pushes).toHaveLength(0);
  await tenant.work(async (work) => {
    const [waiting] = await listPushReviews(work, { integrationId, limit: 1 });
    const review = await lockPushReview(work, { pushReviewId: waiting?.pushReviewId ?? '' });
    if (review === undefined) throw new Error('No review.');
    const records = await listPushReviewRecords(work, { ...review, limit: 300, after: undefined });
    // All but the last ten of `w1` to `w300`.
    const recordIds = records
      .filter(({ externalId }) => Number(externalId.slice(1)) <= 290)
      .map(({ recordId }) => recordId);
    await decidePushReview(work, { review, decision: 'discarded', recordIds, by: 'ana' });
  });
  await tenant.accept({ externalId: 'w1', fields: { name: 'B' } });
  await db.superuser(
    `update record_syncs set due_at = now() where integration_id = $1 and window_opened_at is not null`,
    [integrationId],
  );

  expect((await claim()).pushes.length).toBeGreaterThan(0);
});

describe('one record type beside another one with many open windows and links', () => {
  const EMPLOYEES = 12_000;

  /** New ones, which are due. */
  async function givenContacts(count: number): Promise<void> {
    await tenant.accept(
      ...Array.from({ length: count }, () => ({ externalId: newUuid(), recordType: 'contacts' })),
    );
    await db.superuser(
      `update record_syncs set due_at = now()
       where integration_id = $1 and window_record_type = 'contacts' and window_opened_at is not null`,
      [integrationId],
    );
  }

  /** Rows that a claim of contacts reads and writes. */
  const claimContacts = () =>
    rowsOf(tenant, (work) => tenant.claimIn(work, integrationId, new Date(Date.now() + 60_000)));

  beforeEach(async () => {
    const fields = [{ name: 'name', to: 'name' }];
    integrationId = await tenant.integration({
      recordTypes: {
        contacts: { direction: 'push', fields, onDelete: 'deactivate' },
        employees: { direction: 'push', fields, onDelete: 'deactivate' },
      },
    });
    await givenEdits(EMPLOYEES, { linked: EMPLOYEES });
    await db.superuser(
      `update record_syncs set window_effect = 'create', window_record_type = 'employees',
         due_at = now() + interval '1 hour' where integration_id = $1`,
      [integrationId],
    );
  });

  it('its claim reads none of them, although it counts its own', async () => {
    await givenContacts(1_100);

    const { read } = await claimContacts();

    expect(read).toBeLessThan(EMPLOYEES);
    expect((await claimed()).words).toEqual(['1100 contacts would be created. Nothing was sent']);
  });

  it('windows from before an upgrade are read by a few claims, and by no later one', async () => {
    await db.superuser(`update record_syncs set window_record_type = null where integration_id = $1`, [
      integrationId,
    ]);
    const reads: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      await givenContacts(10);
      reads.push((await claimContacts()).read);
    }

    expect(reads[0]).toBeGreaterThan(EMPLOYEES);
    expect(reads[3]).toBeLessThan(1_000);
  });

  it('counts of other types and of the last months are not read', async () => {
    await db.superuser(
      `insert into brake_counts (tenant_id, integration_id, record_type, effect, hour, records)
       select $1, $2, 'employees', 'create', now() - n * interval '1 hour', 1 from generate_series(1, 5000) n`,
      [tenant.tenantId, integrationId],
    );
    await givenContacts(10);

    expect((await claimContacts()).read).toBeLessThan(1_000);
  });
});
