/** Links between local records and the records of a third party. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { FIRST_ID } from '../sql/ids';

const LINKS_PER_STATEMENT = 20_000;

interface LinkedType {
  integrationId: string;
  recordType: string;
}

/** Number of records of one type that are linked to an integration, counted in several transactions. */
export async function countLinked(
  inTenant: <T>(callback: (work: TenantWork) => Promise<T>) => Promise<T>,
  type: LinkedType,
): Promise<number> {
  const countAfter = (after: string) => inTenant((work) => countChunk(work, type, after));
  let chunk = await countAfter(FIRST_ID);
  let { count } = chunk;
  while (chunk.links === LINKS_PER_STATEMENT && chunk.last !== null) {
    chunk = await countAfter(chunk.last);
    count += chunk.count;
  }
  return count;
}

async function countChunk(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: LinkedType,
  after: string,
): Promise<{ links: number; count: number; last: string | null }> {
  const { rows } = await sql<{ links: number; count: number; last: string | null }>`
    select count(*) as links, count(*) filter (where record_type = ${recordType}) as count,
      (array_agg(record_id order by record_id))[count(*)::int] as last
    from (
      select record_id, record_type from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id > ${after}::uuid
      order by record_id limit ${LINKS_PER_STATEMENT}) link`.execute(trx);
  return rows[0] ?? { links: 0, count: 0, last: null };
}
