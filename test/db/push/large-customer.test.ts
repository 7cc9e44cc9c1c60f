/**
 * rules.md 60: a large customer that has just arrived in an installation of small ones, so the planner
 * expects ten rows of it. A step of a long piece of work reads its own rows, and not all of the customer's.
 */
import { findByEmail, readItems } from '../../../db/erasures/erasure-items';
import { requestErasure } from '../../../db/erasures/erasures';
import { walkTable } from '../../../db/erasures/walk-table';
import { removeIntegrationRows } from '../../../db/integrations/remove-integration-rows';
import type { BackgroundTask } from '../../../db/platform/background-tasks';
import { type ExistingRecord, reviseOpenWindows } from '../../../db/push/backfill-windows';
import { decidePushReview, finishPushReviews } from '../../../db/push/decide-push-review';
import { settleWaiting } from '../../../db/push/references/settle-references';
import { lockPushReview } from '../../../db/push/push-reviews';
import { writeRecordSyncPlan } from '../../../db/records/update-record-syncs';
import type { TenantWork } from '../../../db/database';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { newUuid } from '../../../db/sql/ids';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { countRows } from '../many-rows';

const SMALL_CUSTOMERS = 2_000;
const ROWS = 12_000;
const STEP = 500;
/** Of a step. Each of its rows may be read by several statements. */
const READ_MAX = 8 * STEP;

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
let pushReviewId: string;
let erasureId: string;
let ids: string[];

beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
  pushReviewId = newUuid();
  await db.superuser(
    `insert into push_reviews (tenant_id, push_review_id, integration_id, record_type, effect,
       started_because, caused_by, mapping_version, state, created_at)
     values ($1, $2, $3, 'employees', 'overwrite', 'quiet', '{}', 1, 'pending', now())`,
    [tenant.tenantId, pushReviewId, integrationId],
  );
  ({ erasureId } = await tenant.work((work) => requestErasure(work, { search: {}, requestedBy: 'test' })));
  await db.superuser('set session_replication_role = replica');
  const small = `select n, md5('tenant' || n / 10)::uuid as tenant_id, md5('integration' || n / 10)::uuid as integration_id,
    null::uuid as push_review_id from generate_series(1, ${SMALL_CUSTOMERS * 10}) n`;
  const large = `select n, '${tenant.tenantId}'::uuid as tenant_id, '${integrationId}'::uuid as integration_id,
    '${pushReviewId}'::uuid as push_review_id from generate_series(1, ${ROWS}) n`;
  for (const rows of [small, large]) {
    const from = `(select *, ('${newUuid().slice(0, 13)}' || substr(md5(n::text), 13))::uuid as id from (${rows}) row) row`;
    for (const statement of [
      `insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
         changed_at, changed_by, created_at)
       select tenant_id, id, 'employees', 'e' || n, 1, '{"name": "N"}', now(), now(), 'test', now() from ${from}`,
      `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, result_status,
         result_version, window_opened_at, due_at, window_reason, window_effect, is_backfill, held_at, push_review_id)
       select tenant_id, integration_id, id, 1, 'synced', 1, now(), now(), 'quiet', 'overwrite', true, now(),
         push_review_id from ${from}`,
      `insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated, updated_at)
       select tenant_id, integration_id, id, 'employees', 'r' || n, false, now() from ${from}`,
      `insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version,
         operation, started_because, changed_fields, changed_by, attempts, started_at, finished_at, result)
       select tenant_id, id, integration_id, id, 1, 1, 'upsert', 'quiet', '{}', '{}', 1, now(), now(), 'succeeded'
       from ${from}`,
      `insert into push_references (tenant_id, integration_id, record_id, place, record_type, external_id,
         target_id, field, state)
       select tenant_id, integration_id, id, 'manager', 'employees', 'e' || n, id, 'manager', 'waiting' from ${from}`,
    ])
      await db.superuser(statement);
    // The large customer is in no statistics.
    if (rows === small) await db.superuser('analyze');
  }
  await db.superuser('set session_replication_role = default');
  const found = await db.superuser(
    `select array_agg(record_id order by record_id) as ids from records where tenant_id = $1`,
    [tenant.tenantId],
  );
  ids = found[0]?.['ids'] as string[];
});
afterAll(() => db.end());

class Undone extends Error {}

/** @returns the rows that the step reads. What it writes is undone. */
async function readBy(step: (work: TenantWork) => Promise<unknown>, isErasure: boolean): Promise<number> {
  let read = 0;
  const counted = async (work: TenantWork) => {
    const before = await countRows(work);
    await step(work);
    ({ read } = await countRows(work));
    read -= before.read;
    throw new Undone();
  };
  const inRole = isErasure ? db.database.withEraser(tenant.tenantId, counted) : tenant.work(counted);
  await inRole.catch((error: unknown) => {
    if (!(error instanceof Undone)) throw error;
  });
  return read;
}

const some = (count = STEP): string[] => ids.slice(ROWS / 2, ROWS / 2 + count);
const middle = (): string => ids[ROWS / 2] as string;
const keys = () => some().map((recordId) => ({ integrationId, recordId }));
const plan = { windows: [], undone: [], ended: [], nextDueAt: new Map(), records: [], integrationIds: [] };
const task = (step: string) => ({ integrationId, step, cursor: middle() }) as BackgroundTask;
const mapping: RecordTypeMapping = {
  direction: 'push',
  fields: [{ name: 'name', to: 'name' }],
  onDelete: 'deactivate',
};

const decide = async (work: TenantWork, recordIds: string[] | null) => {
  const review = await lockPushReview(work, { pushReviewId });
  if (review === undefined) throw new Error('No review.');
  await decidePushReview(work, { review, decision: 'discarded', recordIds, by: 'ana' });
};

const steps: Record<string, (work: TenantWork) => Promise<unknown>> = {
  'windows that a new mapping revises': (work) =>
    reviseOpenWindows(work, {
      integrationId,
      mappings: { employees: mapping },
      records: some().map(
        (recordId) =>
          ({
            recordId,
            recordType: 'employees',
            version: 1,
            fields: {},
            deletedAt: null,
            isWindowOpen: true,
            knownHash: null,
            hasBeenSent: true,
            isBackfill: true,
            windowEffect: 'overwrite',
            remoteId: null,
            isDeactivated: null,
            agreed: null,
          }) as unknown as ExistingRecord,
      ),
    }),
  'edits that were undone': (work) =>
    writeRecordSyncPlan(
      work,
      {
        ...plan,
        undone: keys().map((key) => ({ ...key, version: 2, mappingVersion: 1, fields: [], hadWindow: true })),
      },
      { actor: 'ana', requestId: 'r' },
    ),
  'records that were deleted before their push': (work) =>
    writeRecordSyncPlan(work, { ...plan, ended: keys() }, { actor: 'ana', requestId: 'r' }),
  'pushes of a review that are discarded by name': (work) => decide(work, some(100)),
  'pushes of a review that is discarded': async (work) => {
    await work.trx
      .updateTable('pushReviews')
      .set({ state: 'discarded' })
      .where('pushReviewId', '=', pushReviewId)
      .execute();
    await finishPushReviews(work, { integrationId, limit: STEP });
  },
  'record syncs of a deleted integration': (work) => removeIntegrationRows(work, task(''), STEP),
  'links of a deleted integration': (work) => removeIntegrationRows(work, task('record_links'), STEP),
  'records that wait for others': (work) =>
    settleWaiting((inTenant) => inTenant(work), integrationId, some(50)),
  'records that an erasure searches': (work) =>
    findByEmail(work, { email: 'a@example.com', after: middle(), limit: STEP }),
  'pushes that an erasure walks through': async (work) =>
    walkTable(work, {
      table: 'pushes',
      after: [middle()],
      limit: STEP,
      items: await readItems(work, { erasureId, search: {} }),
      isPreview: true,
    }),
};

it.each(Object.keys(steps))('%s: a step reads its own rows', async (name) => {
  const step = steps[name] as (typeof steps)[string];
  expect(await readBy(step, name.includes('erasure'))).toBeLessThanOrEqual(READ_MAX);
});
