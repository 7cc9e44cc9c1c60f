/** How many pushes of a review wait, at any number of them (rules.md 53, 60). */
import { sql } from 'kysely';
import { findPushReview, listPushReviews } from '../../../db/push/push-reviews';
import { newUuid } from '../../../db/sql/ids';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenWaitingPushes } from '../many-rows';

const COUNTED = 10_000;

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

/** A review of `waiting` pushes, which is not the only one. */
async function givenReview(waiting: number): Promise<string> {
  const pushReviewId = newUuid();
  await givenWaitingPushes(tenant, { integrationId, count: waiting + 3 });
  await tenant.work(async ({ trx, tenantId, now }) => {
    const review = {
      tenantId,
      integrationId,
      recordType: 'employees',
      startedBecause: 'quiet' as const,
      causedBy: ['test'],
      mappingVersion: 1,
      decidedBy: null,
      decidedAt: null,
      finishedAt: null,
      createdAt: now,
      state: 'pending' as const,
    };
    const [other] = await trx
      .insertInto('pushReviews')
      .values([
        { ...review, pushReviewId: newUuid(), effect: 'create' },
        { ...review, pushReviewId, effect: 'overwrite' },
      ])
      .returning('pushReviewId')
      .execute();
    await sql`update record_syncs set held_at = ${now}, held_by = 'syncline', push_review_id = waiting.review
      from (select record_id, case when row_number() over () <= 3 then ${other?.pushReviewId ?? ''}::uuid
        else ${pushReviewId}::uuid end as review from record_syncs where tenant_id = ${tenantId}) waiting
      where record_syncs.tenant_id = ${tenantId} and record_syncs.record_id = waiting.record_id`.execute(trx);
  });
  await db.superuser('vacuum analyze record_syncs');
  return pushReviewId;
}

describe('rule 60: the pushes of a review', () => {
  it('are counted up to 10,000, however many wait (F1)', async () => {
    const pushReviewId = await givenReview(COUNTED + 2_000);

    await tenant.work(async (work) => {
      const found = { recordsWaiting: COUNTED, isLowerBound: true };
      expect(await findPushReview(work, { pushReviewId })).toMatchObject(found);
      expect(await listPushReviews(work, { integrationId, limit: 10 })).toMatchObject([
        { recordsWaiting: 3, isLowerBound: false },
        { pushReviewId, ...found },
      ]);
    });
  });

  it('are counted exactly up to 10,000', async () => {
    const pushReviewId = await givenReview(COUNTED);
    const found = await tenant.work((work) => findPushReview(work, { pushReviewId }));
    expect(found).toMatchObject({ recordsWaiting: COUNTED, isLowerBound: false });
  });
});
