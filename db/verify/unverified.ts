/** Which records are unverified after the database was restored (rules.md 54). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';

/** A pass that has compared all records of the type verifies them, if it started after the restore. */
export async function markVerified(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType, startedAt }: { integrationId: string; recordType: string; startedAt: Date },
): Promise<void> {
  await sql`
    update integrations set unverified_types = unverified_types - ${recordType}::text
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${integrationId}
      and (unverified_types ->> ${recordType})::timestamptz <= ${startedAt}::timestamptz`.execute(trx);
}
