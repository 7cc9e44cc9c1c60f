/** What a push queue reads after each execution (rule 60). */
import { PENDING_COUNTED_MAX } from '../../../domain/push/push-queue-description';
import { PRIORITIES } from '../../../domain/work-priorities';
import { readPushQueueStatus } from '../../../db/push/push-queue';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const NOW = Date.UTC(2026, 10, 21, 12);
const at = (minutes: number) => new Date(NOW + minutes * 60_000);
let db: TestDb;

beforeAll(async () => {
  db = await openTestDb(() => new Date(NOW));
});
afterAll(() => db.end());

it.each([
  ['an edit', 5, 30],
  ['a backfill', 30, 5],
])('rule 60: of 12,000 waiting pushes 10,000 are counted, and %s is due first', async (_, edit, backfill) => {
  const tenant = await GivenTenant.create(db);
  const integrationId = await tenant.integration();
  const open = (count: number, dueAt: Date, isBackfill: boolean) =>
    db.superuser(
      `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, window_opened_at,
         due_at, window_reason, is_backfill)
       select $1, $2, gen_random_uuid(), 1, $3, $4, 'quiet', $5 from generate_series(1, $6)`,
      [tenant.tenantId, integrationId, at(0), dueAt, isBackfill, count],
    );
  await open(6_000, at(60), false);
  await open(5_998, at(60), true);
  await open(1, at(edit), false);
  await open(1, at(backfill), true);

  const status = await tenant.work((work) => readPushQueueStatus(work, { integrationId }));

  expect(status).toMatchObject({ pendingRecords: PENDING_COUNTED_MAX, nextDueAt: at(5) });
  expect(status.dueByPriority).toEqual({
    [PRIORITIES.edit]: at(edit).getTime(),
    [PRIORITIES.backfill]: at(backfill).getTime(),
  });
});
