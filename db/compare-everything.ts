/**
 * After the database was restored, the third parties may hold newer values than its records. Every pair of a
 * record and an integration is unverified until it was compared or pushed again (rules.md 54).
 */
import { sql } from 'kysely';
import type { Database, TenantWork } from './database';
import { FIRST_ID } from './sql/ids';
import { requestSyncRun } from './sync-runs/sync-run-requests';

const INTEGRATIONS_PER_TRANSACTION = 20;

/** Safe to repeat. @returns how many integrations will be compared. */
export async function compareEverything(database: Database): Promise<number> {
  const tenants = await database.withPlatform(({ trx }) =>
    trx.selectFrom('tenants').select('tenantId').execute(),
  );
  let requested = 0;
  for (const { tenantId } of tenants) {
    let after: string | undefined = FIRST_ID;
    while (after !== undefined) {
      const place: string = after;
      const compared = await database.withTenant(tenantId, (work) => compareSome(work, place));
      requested += compared.runs;
      after = compared.last;
    }
  }
  return requested;
}

/** @returns `last`: the last integration, if there may be more. */
async function compareSome(
  work: TenantWork,
  after: string,
): Promise<{ runs: number; last: string | undefined }> {
  const { rows } = await sql<{ integrationId: string }>`
    update integrations set unverified_types = (
      select coalesce(jsonb_object_agg(record_type, ${work.now.toISOString()}::text), '{}')
      from jsonb_object_keys(record_types) record_type)
    where tenant_id = ${work.tenantId} and integration_id = any(array(
      select integration_id from integrations
      where tenant_id = ${work.tenantId} and deleted_at is null and integration_id > ${after}
      order by integration_id limit ${INTEGRATIONS_PER_TRANSACTION} for no key update))
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
  const isLast = rows.length < INTEGRATIONS_PER_TRANSACTION;
  const last = isLast
    ? undefined
    : rows
        .map(({ integrationId }) => integrationId)
        .sort()
        .at(-1);
  return { runs, last };
}
