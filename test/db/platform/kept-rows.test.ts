/** How long notifications, changes of metadata and background tasks are kept (rules.md 62). */
import { purgeExpired } from '../../../db/retention';
import { newUuid } from '../../../db/sql/ids';
import { DEFAULT_RETENTION } from '../../../domain/retention';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const RETENTION = { ...DEFAULT_RETENTION, notifications: 40, metadataChanges: 60, operations: 20 };
let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});

const idsOf = async (table: string, id: string) =>
  (
    await db.superuser(`select ${id} as id from ${table} where tenant_id = $1 order by 1`, [tenant.tenantId])
  ).map((row) => row['id']);

async function notification({
  resolvedDaysAgo,
  isDecided = true,
}: {
  resolvedDaysAgo: number | null;
  isDecided?: boolean;
}) {
  const [id, personId] = [newUuid(), newUuid()];
  await db.superuser(
    `insert into people (tenant_id, person_id, name, email, role, created_at, updated_at)
     values ($1, $2, 'Ada', $3, 'viewer', now(), now())`,
    [tenant.tenantId, personId, `${personId}@example.com`],
  );
  await db.superuser(
    `insert into notifications (tenant_id, notification_id, kind, detail, created_at, resolved_at)
     values ($1, $2, 'sync_complete', '', now() - interval '400 days', now() - $3::float8 * interval '1 day')`,
    [tenant.tenantId, id, resolvedDaysAgo],
  );
  await db.superuser(
    `insert into notification_recipients
       (tenant_id, notification_recipient_id, notification_id, person_id, visible_at, decision, decided_at)
     values ($1, $2, $3, $4, now(), $5, case when $5::text is null then null else now() end)`,
    [tenant.tenantId, newUuid(), id, personId, isDecided ? 'not_needed' : null],
  );
  return id;
}

it('rule 62: a notification ends with its recipients 40 days after its cause, unless an e-mail may follow', async () => {
  await notification({ resolvedDaysAgo: 41 });
  const kept = [
    await notification({ resolvedDaysAgo: 39 }),
    await notification({ resolvedDaysAgo: null }),
    await notification({ resolvedDaysAgo: 41, isDecided: false }),
  ];

  await purgeExpired(db.database, RETENTION);

  expect(await idsOf('notifications', 'notification_id')).toEqual(kept);
  expect(await idsOf('notification_recipients', 'notification_id')).toEqual(kept);
});

it('rule 62: a change of metadata ends after its retention', async () => {
  const [old, recent] = [newUuid(), newUuid()];
  for (const [id, days] of [
    [old, 61],
    [recent, 59],
  ])
    await db.superuser(
      `insert into metadata_changes
         (tenant_id, metadata_change_id, integration_id, sync_run_id, record_type, kind, detail, at)
       values ($1, $2, $3, $3, 'contacts', 'field_added', '{}', now() - $4::float8 * interval '1 day')`,
      [tenant.tenantId, id, newUuid(), days],
    );

  await purgeExpired(db.database, RETENTION);

  expect(await idsOf('metadata_changes', 'metadata_change_id')).toEqual([recent]);
});

it('rule 62: a background task ends after the retention of operations, never while it works', async () => {
  const integrationId = await tenant.integration();
  const [old, recent, working] = [newUuid(), newUuid(), newUuid()];
  for (const [id, days] of [
    [old, 21],
    [recent, 19],
    [working, null],
  ])
    await db.superuser(
      `insert into background_tasks
         (tenant_id, background_task_id, integration_id, kind, requested_by, created_at, updated_at, finished_at)
       values ($1, $2, $3, 'delete_integration', 'test', now() - interval '90 days', now(),
         now() - $4::float8 * interval '1 day')`,
      [tenant.tenantId, id, integrationId, days],
    );

  await purgeExpired(db.database, RETENTION);

  expect(await idsOf('background_tasks', 'background_task_id')).toEqual([recent, working]);
});
