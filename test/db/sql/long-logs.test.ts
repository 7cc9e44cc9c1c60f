/** rules.md 60: a page of a log reads its own rows, whatever the planner assumes about the rest. */
import { listAuditEntries } from '../../../db/platform/audit-log';
import { listPushes } from '../../../db/push/push-log';
import { listRecordSyncs } from '../../../db/records/record-syncs';
import { listRecords } from '../../../db/records/records';
import { listEvents } from '../../../db/webhooks/event-feed';
import { newUuid } from '../../../db/sql/ids';
import { listDeliveries } from '../../../db/webhooks/delivery-log';
import type { TenantWork } from '../../../db/database';
import { sql } from 'kysely';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const LIMIT = 50;
const ROWS = 5_000;

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

/** Many tenants with four rows each, and one with a long history. */
beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
  const endpointId = await givenEndpoint();
  await db.superuser(`set session_replication_role = replica`);
  for (const own of [false, true]) {
    const idOf = (id: string, name: string) => (own ? `'${id}'` : `md5('${name}' || n / 4)`);
    const from = `(select n, ${idOf(tenant.tenantId, 'tenant')}::uuid as tenant_id,
      ${idOf(integrationId, 'integration')}::uuid as integration_id, ${idOf(endpointId, 'endpoint')}::uuid as endpoint_id,
      ('${newUuid().slice(0, 13)}' || substr(md5(n::text), 13))::uuid as id
      from generate_series(1, ${ROWS}) n) row`;
    for (const statement of [
      `insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
         changed_at, changed_by, created_at)
       select tenant_id, id, 'contacts', 'c' || n, 1, '{}', now(), now(), 'test', now() from ${from}`,
      `insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version,
         operation, started_because, changed_fields, changed_by, attempts, started_at)
       select tenant_id, id, integration_id, id, 1, 1, 'upsert', 'quiet', '{}', '{}', 0, now() from ${from}`,
      `insert into audit_log (tenant_id, audit_id, actor, action, target, detail, request_id, at)
       select tenant_id, id, 'test', 'test', 'test', '{}', 'test', now() from ${from}`,
      `insert into events (tenant_id, event_id, sequence, type, payload, created_at)
       select tenant_id, id, n, 'TEST', '{}', now() from ${from}`,
      `insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state,
         trigger, created_at)
       select tenant_id, id, endpoint_id, id, 'delivered', 'event', now() from ${from}`,
      `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, result_status, result_version)
       select tenant_id, integration_id, id, 1, 'sync_failed', 1 from ${from}`,
    ])
      await db.superuser(statement);
    // The long history is in no statistics: an integration has four rows, as far as the planner knows.
    if (!own) await db.superuser('analyze');
  }
  await db.superuser('set session_replication_role = default');
});
afterAll(() => db.end());

async function givenEndpoint(): Promise<string> {
  const [row] = await db.superuser(
    `insert into webhook_endpoints (tenant_id, webhook_endpoint_id, url, description, secrets, created_at, updated_at)
     values ($1, gen_random_uuid(), 'https://example.com/', '', '[]', now(), now()) returning webhook_endpoint_id`,
    [tenant.tenantId],
  );
  return row?.['webhook_endpoint_id'] as string;
}

/** Rows that `list` reads, of all tables and by all ways. */
async function readBy(list: (work: TenantWork) => Promise<unknown[]>): Promise<number> {
  return tenant.work(async (work) => {
    const count = async () => {
      const { rows } = await sql<{ read: number }>`
        select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read from pg_stat_xact_user_tables`.execute(
        work.trx,
      );
      return rows[0]?.read ?? 0;
    };
    const before = await count();
    expect(await list(work)).toHaveLength(LIMIT);
    return (await count()) - before;
  });
}

const since = new Date(0);
const lists: Record<string, (work: TenantWork) => Promise<unknown[]>> = {
  'the push log of an integration': (work) => listPushes(work, { integrationId, limit: LIMIT }),
  'the push log': (work) => listPushes(work, { limit: LIMIT }),
  'the records': (work) =>
    listRecords(work, { recordType: 'contacts', limit: LIMIT, withDeleted: false }).then(({ rows }) => rows),
  'the failed pairs of an integration': (work) =>
    listRecordSyncs(work, { integrationId, status: 'sync_failed', limit: LIMIT }),
  'the failed pairs': (work) => listRecordSyncs(work, { status: 'sync_failed', limit: LIMIT }),
  'the audit log': async (work) => (await listAuditEntries(work, { limit: LIMIT })).entries,
  'the feed of events': (work) => listEvents(work, { since, after: 0, limit: LIMIT }),
  'the deliveries of webhooks': (work) => listDeliveries(work, { since, limit: LIMIT }),
};

it.each(Object.keys(lists))('a page of %s reads its rows, and not the history', async (name) => {
  expect(await readBy(lists[name] as (typeof lists)[string])).toBeLessThanOrEqual(6 * LIMIT);
});
