/** Who holds a record besides the integration that no longer lists it (rules.md 50). */
import { sql } from 'kysely';
import { pullsType, pushesType } from '../../domain/records/mapping-directions';
import type { TenantWork } from '../database';
import { findIntegration } from '../integrations/integrations';
import { findAcceptingIntegrations } from '../records/accepting-integrations';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { externalIdPrefixOf } from './page';

/**
 * Of these records, those that the integration did not create, or that another integration reads too. The
 * caller has locked them, so that of two integrations that lose a record at once, one sees the other's link
 * gone.
 */
export async function findHeldElsewhere(
  work: TenantWork,
  { integrationId, recordType }: { integrationId: string; recordType: string },
  recordIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { trx, tenantId } = work;
  const others = await findAcceptingIntegrations(work, { recordTypes: [recordType], except: integrationId });
  const reading = others
    .filter(({ recordTypes }) => pullsType(recordTypes[recordType]))
    .map((other) => other.integrationId);
  const { rows } = await sql<{ recordId: string }>`
    select record.record_id from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, external_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id limit 1) record
    where not starts_with(record.external_id, ${externalIdPrefixOf(integrationId)}) or exists (
      select from unnest(${reading}::uuid[]) as other(integration_id)
      cross join lateral (
        select from record_links
        where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = other.integration_id
          and record_id = wanted.record_id limit 1) link)`.execute(trx);
  return new Set(rows.map(({ recordId }) => recordId));
}

/** Keeps backfills and overviews from creating unlinked records there again. An edit of them does. */
export async function noteAbsence(
  work: TenantWork,
  { integrationId, recordType }: { integrationId: string; recordType: string },
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  const integration = await findIntegration(work, { integrationId });
  if (!pushesType(integration?.recordTypes[recordType])) return;
  const { trx, tenantId, now } = work;
  await sql`
    insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, absent_since)
    select ${tenantId}::uuid, ${integrationId}::uuid, record.record_id, record.version, ${now}::timestamptz
    from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, version from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id
        and deleted_at is null limit 1) record`.execute(trx);
}
