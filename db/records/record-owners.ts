/**
 * The integrations that own fields of records: those that only pull the record type, or fields of it, and
 * are linked to the record (rules.md 17).
 */
import { sql } from 'kysely';
import { isSent, type RecordTypeMapping } from '../../domain/records/mapping';
import { type Owner, ownerOf } from '../../domain/records/record-change';
import type { TenantWork } from '../database';
import type { AcceptingIntegration } from '../../domain/push/plan-record-syncs';
import { opaqueToPlanner } from '../sql/bulk-rows';

const ownsFields = (mapping: RecordTypeMapping | undefined): boolean =>
  mapping?.direction === 'pull' || mapping?.fields.some((field) => !isSent(field)) === true;

/** By record id. Queries only if an integration reads a type, or fields of it, without pushing them. */
export async function findOwners(
  { trx, tenantId }: TenantWork,
  integrations: readonly AcceptingIntegration[],
  records: readonly { recordId: string; recordType: string }[],
): Promise<ReadonlyMap<string, Owner[]>> {
  const owners = new Map<string, Owner[]>();
  const readOnly = integrations.filter(({ recordTypes }) =>
    records.some(({ recordType }) => ownsFields(recordTypes[recordType])),
  );
  if (readOnly.length === 0 || records.length === 0) return owners;
  const { rows } = await sql<{ recordId: string; integrationId: string }>`
    select link.record_id, link.integration_id
    from unnest(${records.map(({ recordId }) => recordId)}::uuid[]) as wanted(record_id)
    cross join unnest(${readOnly.map(({ integrationId }) => integrationId)}::uuid[])
      as reading(integration_id)
    cross join lateral (
      select record_id, integration_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = reading.integration_id
        and record_id = wanted.record_id limit 1) link`.execute(trx);
  const typeOf = new Map(records.map(({ recordId, recordType }) => [recordId, recordType]));
  for (const { recordId, integrationId } of rows) {
    const mapping = readOnly.find((integration) => integration.integrationId === integrationId)?.recordTypes[
      typeOf.get(recordId) ?? ''
    ];
    if (mapping !== undefined && ownsFields(mapping))
      owners.set(recordId, [...(owners.get(recordId) ?? []), ownerOf(integrationId, mapping)]);
  }
  return owners;
}
