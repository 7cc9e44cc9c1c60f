/**
 * After the database was restored, the third parties may hold newer values than its records. Every pair of a
 * record and an integration is unverified until it was compared or pushed again (rules.md 54).
 */
import { sql } from 'kysely';
import type { Database, TenantWork } from './database';
import { requestSyncRun } from './sync-runs/sync-run-requests';

/** Safe to repeat. @returns how many integrations will be compared. */
export async function compareEverything(database: Database): Promise<number> {
  const tenants = await database.withPlatform(({ trx }) =>
    trx.selectFrom('tenants').select('tenantId').execute(),
  );
  let requested = 0;
  for (const { tenantId } of tenants) requested += await database.withTenant(tenantId, compareTenant);
  return requested;
}

async function compareTenant(work: TenantWork): Promise<number> {
  const { rows } = await sql<{ integrationId: string }>`
    update integrations set unverified_types = (
      select coalesce(jsonb_object_agg(record_type, ${work.now.toISOString()}::text), '{}')
      from jsonb_object_keys(record_types) record_type)
    where tenant_id = ${work.tenantId} and deleted_at is null
    returning integration_id`.execute(work.trx);
  let runs = 0;
  for (const { integrationId } of rows) {
    const asked = { integrationId, startedBy: 'restore', mustFollow: true };
    // A full run reads everything; an integration that only pushes is compared by a nightly one.
    const run =
      (await requestSyncRun(work, { ...asked, kind: 'full' })) ??
      (await requestSyncRun(work, { ...asked, kind: 'nightly' }));
    if (run !== undefined) runs += 1;
  }
  return runs;
}
