/** Pushes above a threshold wait for approval: rules.md 53. */
import { previewOf } from '../../../api/integrations/mapping-preview';
import { findIntegration } from '../../../db/integrations/integrations';
import { decidePushReview } from '../../../db/push/decide-push-review';
import { findPushReview, listPushReviews, lockPushReview } from '../../../db/push/push-reviews';
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';

/** The known worst day had 10,000 (PUSH_REVIEW_RECORDS=10000). */
const EMPLOYEES = Number(process.env.PUSH_REVIEW_RECORDS ?? 2_000);
let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
});

const mapping = (
  more: Partial<RecordTypeMapping> = {},
): { recordTypes: { employees: RecordTypeMapping } } => ({
  recordTypes: {
    employees: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'deactivate', ...more },
  },
});
const operations = (integrationId: string) =>
  tenant.sent(integrationId).map(({ externalId, operation }) => `${operation} ${externalId}`);
const settle = () => environment.sleep(GRACE_MS + 1_000);
/** The pushes of a bulk take longer than the grace period. */
async function settleUntil(integrationId: string, calls: number): Promise<void> {
  for (let round = 0; round < EMPLOYEES / 100 && operations(integrationId).length < calls; round += 1)
    await settle();
  expect(operations(integrationId)).toHaveLength(calls);
}
const inTenant = <T>(work: Parameters<typeof environment.database.withTenant<T>>[1]) =>
  environment.database.withTenant(tenant.tenantId, work);
const edit = (integrationId: string, more: Partial<RecordTypeMapping>) =>
  inTenant((work) => changeIntegration(work, { integrationId, change: mapping(more), by: 'person:ana' }));
const preview = (integrationId: string, more: Partial<RecordTypeMapping>) =>
  inTenant(async (work) => {
    const integration = await findIntegration(work, { integrationId });
    return integration && previewOf(work, integration, mapping(more).recordTypes);
  });
const reviews = (integrationId: string) =>
  inTenant((work) => listPushReviews(work, { integrationId, limit: 10 }));

async function approve(
  pushReviewId: string,
  recordIds: readonly string[] | null,
  decision: 'approved' | 'discarded' = 'approved',
) {
  return inTenant(async (work) => {
    const review = await lockPushReview(work, { pushReviewId });
    if (review === undefined) throw new Error('No such review.');
    return decidePushReview(work, { review, decision, recordIds, by: 'person:ben' });
  });
}

/** Employees that the third party has, of two countries. */
async function given(count: number): Promise<string> {
  const integrationId = await tenant.integration({
    ...mapping(),
    typeSettings: { employees: { brakes: { push_create: { count: 1e9, share: 1, windowHours: 1 } } } },
  });
  for (let from = 0; from < count; from += 500)
    await tenant.accept(
      ...Array.from({ length: Math.min(500, count - from) }, (_, index) => ({
        externalId: `e${from + index}`,
        fields: { name: 'A', country: (from + index) % 2 === 0 ? 'BE' : 'NL' },
      })),
    );
  await settleUntil(integrationId, count);
  environment.resetLedger();
  return integrationId;
}

describe('rule 53: an edit of a mapping or filter', () => {
  it('that would deactivate all employees makes no call before approval, then the approved part leaves', async () => {
    const integrationId = await given(EMPLOYEES);
    const leaving = { filter: { country: ['FR'] } };
    expect(await preview(integrationId, leaving)).toMatchObject({
      records_touched: EMPLOYEES,
      effects: [
        {
          record_type: 'employees',
          effect: 'deactivate',
          records: EMPLOYEES,
          waits_for_approval: true,
        },
      ],
    });
    await edit(integrationId, leaving);
    await settle();
    await settle();

    expect(operations(integrationId)).toEqual([]);
    const [review] = await reviews(integrationId);
    expect(review).toMatchObject({
      recordType: 'employees',
      effect: 'deactivate',
      startedBecause: 'mapping_changed',
      causedBy: ['person:ana'],
      mappingVersion: 2,
      state: 'pending',
      recordsWaiting: EMPLOYEES,
    });
    expect(await tenant.status(integrationId, 'e7')).toBe('sync_pending');
    const id = review?.pushReviewId as string;
    const chosen = ['e1', 'e7'];
    const ids = await Promise.all(chosen.map((externalId) => tenant.recordId(externalId)));
    expect(await approve(id, ids)).toBe(2);
    await environment.sleep(1_000);

    expect(operations(integrationId).toSorted()).toEqual(['deactivate e1', 'deactivate e7']);
    expect(await inTenant((work) => findPushReview(work, { pushReviewId: id }))).toMatchObject({
      state: 'pending',
      recordsApproved: 2,
      recordsWaiting: EMPLOYEES - 2,
    });

    await approve(id, null);
    await settleUntil(integrationId, EMPLOYEES);

    expect(await inTenant((work) => findPushReview(work, { pushReviewId: id }))).toMatchObject({
      state: 'approved',
      recordsApproved: EMPLOYEES,
      recordsWaiting: 0,
    });
    expect(await reviews(integrationId)).toHaveLength(1);
  });

  it('that concerns few records pushes them after the grace period', async () => {
    const integrationId = await given(30);
    await tenant.accept(
      ...Array.from({ length: 15 }, (_, index) => ({
        externalId: `e${index}`,
        kind: 'patch' as const,
        fields: { country: 'FR' },
      })),
    );
    await settle();
    const few = { filter: { country: ['BE', 'NL'] } };
    expect((await preview(integrationId, few))?.effects).toMatchObject([
      { effect: 'deactivate', records: 15, waits_for_approval: false },
    ]);
    await edit(integrationId, few);
    await environment.sleep(1_000);
    expect(operations(integrationId)).toEqual([]);
    await settle();

    expect(operations(integrationId)).toHaveLength(15);
    expect(await reviews(integrationId)).toEqual([]);
  });

  it('that is undone leaves nothing to approve, and makes no call', async () => {
    const integrationId = await given(60);
    await edit(integrationId, { filter: { country: ['FR'] } });
    await settle();
    expect(await reviews(integrationId)).toMatchObject([{ state: 'pending', recordsWaiting: 60 }]);
    await edit(integrationId, {});
    await settle();

    expect(operations(integrationId)).toEqual([]);
    expect(await reviews(integrationId)).toMatchObject([{ state: 'superseded', recordsWaiting: 0 }]);
    expect(await tenant.status(integrationId, 'e7')).toBe('synced');
    expect(await tenant.recordSync(integrationId, 'e7')).toMatchObject({ heldAt: null, dueAt: null });
  });

  it('that replaces another one is counted again, also while pushes still wait for it', async () => {
    const integrationId = await given(60);
    await edit(integrationId, { filter: { country: ['FR'] } });
    await settle();
    await edit(integrationId, { filter: { country: ['BE'] } });
    await settle();

    expect(operations(integrationId)).toEqual([]);
    expect(await reviews(integrationId)).toMatchObject([
      { state: 'pending', recordsWaiting: 30, mappingVersion: 3 },
      { state: 'superseded', recordsWaiting: 0 },
    ]);
  });

  it('counts the open windows of an import that it turns into deactivations', async () => {
    const integrationId = await given(60);
    await tenant.accept(
      ...Array.from({ length: 60 }, (_, index) => ({
        externalId: `e${index}`,
        kind: 'patch' as const,
        fields: { name: 'B' },
      })),
    );
    await edit(integrationId, { filter: { country: ['FR'] } });
    await settle();

    expect(operations(integrationId)).toEqual([]);
    expect(await reviews(integrationId)).toMatchObject([{ effect: 'deactivate', recordsWaiting: 60 }]);
  });

  it('is discarded without a call, and a later change of a record is pushed', async () => {
    const integrationId = await given(60);
    await edit(integrationId, { fields: [{ name: 'name', to: 'name' }], filter: { country: ['BE'] } });
    await settle();
    const [review] = await reviews(integrationId);
    await approve(review?.pushReviewId as string, null, 'discarded');
    await settle();

    expect(operations(integrationId)).toEqual([]);
    expect(await reviews(integrationId)).toMatchObject([
      { state: 'discarded', recordsDiscarded: 30, recordsWaiting: 0, decidedBy: 'person:ben' },
    ]);
    expect(await tenant.status(integrationId, 'e7')).toBe('synced');
    expect((await tenant.pushes(integrationId)).at(-1)).toMatchObject({ result: 'discarded' });
    await tenant.change('e7', { country: 'BE', name: 'B' }, { kind: 'patch' });
    await settle();
    expect(operations(integrationId)).toEqual(['upsert e7']);
  });
});

describe('rule 53: an import', () => {
  it('that overwrites most values waits for approval, and names its API key', async () => {
    const integrationId = await given(300);
    await tenant.accept(
      ...Array.from({ length: 300 }, (_, index) => ({
        externalId: `e${index}`,
        kind: 'patch' as const,
        fields: { name: 'B' },
      })),
    );
    await settle();
    await settle();

    expect(operations(integrationId)).toEqual([]);
    expect(await reviews(integrationId)).toMatchObject([
      { effect: 'overwrite', startedBecause: 'quiet', causedBy: ['test'], recordsWaiting: 300 },
    ]);
  });

  it('of new records far above the threshold waits for approval', async () => {
    const integrationId = await tenant.integration(mapping());
    for (let from = 0; from < 1_500; from += 500)
      await tenant.accept(
        ...Array.from({ length: 500 }, (_, index) => ({
          externalId: `n${from + index}`,
          fields: { name: 'A' },
        })),
      );
    await settle();
    await settle();

    expect(operations(integrationId)).toEqual([]);
    expect(await reviews(integrationId)).toMatchObject([{ effect: 'create', recordsWaiting: 1_500 }]);
  });

  it('that deletes a few records each hour waits once they are too many within the window', async () => {
    const integrationId = await given(60);
    for (let round = 0; round < 4; round += 1) {
      for (let index = 0; index < 7; index += 1)
        await tenant.change(`e${round * 7 + index}`, {}, { kind: 'delete' });
      await environment.sleep(GRACE_MS + 60 * 60_000);
    }

    expect(operations(integrationId)).toHaveLength(14);
    expect(await reviews(integrationId)).toMatchObject([{ effect: 'deactivate', recordsWaiting: 14 }]);
  });
});
