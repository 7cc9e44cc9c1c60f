/**
 * Finds the linked records that no page of a full pass held, once per pass (rules.md 31). What changes
 * between chunks is compared again before it is deleted.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { withOpenConflict } from '../edited-and-missing';
import type { PassKey } from '../page';
import type { InTenant } from './seen-ids';
import { walkLinks, type WalkOptions } from './walk-links';

/**
 * Records linked or pushed since the pass began cannot be missing, and those with an open conflict wait for
 * its decision.
 */
export async function compareSides(
  inTenant: InTenant,
  pass: PassKey,
  options: WalkOptions = {},
): Promise<'done' | 'more'> {
  return walkLinks(
    inTenant,
    { ...pass, job: pass.recordType },
    {
      ...options,
      linkedBefore: (startedAt) => startedAt,
      comparesDeactivated: true,
      compare: async (work, { ofType, unseen }) => ({
        compared: ofType,
        missing: await insertMissing(work, pass, unseen),
      }),
    },
  );
}

async function insertMissing(
  { trx, tenantId }: TenantWork,
  { integrationId, syncRunId, recordType }: PassKey,
  recordIds: readonly string[],
): Promise<number> {
  if (recordIds.length === 0) return 0;
  const { numAffectedRows } = await sql`
    insert into missing_records (tenant_id, sync_run_id, record_type, record_id)
    select ${tenantId}::uuid, ${syncRunId}::uuid, ${recordType}::text, missing.record_id
    from unnest(${[...recordIds]}::uuid[]) as missing(record_id)
    where missing.record_id <> all (${withOpenConflict(tenantId, integrationId, recordIds)})
    on conflict do nothing`.execute(trx);
  return Number(numAffectedRows ?? 0);
}
