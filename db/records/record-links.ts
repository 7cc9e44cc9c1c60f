/** Links between local records and the records of a third party. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';

/** Number of records of one type that are linked to an integration. */
export async function countLinked(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: { integrationId: string; recordType: string },
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from record_links
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_type = ${recordType}`.execute(trx);
  return rows[0]?.count ?? 0;
}
