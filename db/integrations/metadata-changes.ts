/**
 * Reads metadata (rules.md 28): changes of fields and picklists, and the record types of several integrations
 * at once.
 */
import type { TenantWork } from '../database';
import type { MetadataChangeRow, RemoteRecordType } from './metadata';

export type ListedMetadataChange = Omit<MetadataChangeRow, 'tenantId'>;

/** The newest first, before `before` (a change id). */
export async function listMetadataChanges(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    limit,
    before,
  }: { integrationId?: string | undefined; limit: number; before?: string | undefined },
): Promise<ListedMetadataChange[]> {
  let query = trx
    .selectFrom('metadataChanges')
    .select(['metadataChangeId', 'integrationId', 'syncRunId', 'recordType', 'kind', 'field', 'detail', 'at'])
    .where('tenantId', '=', tenantId);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  if (before !== undefined) query = query.where('metadataChangeId', '<', before);
  return query.orderBy('metadataChangeId', 'desc').limit(limit).execute();
}

/**
 * By integration, in the order of their names. An integration whose metadata was never read is not in the
 * map.
 */
export async function findRemoteRecordTypes(
  { trx, tenantId }: TenantWork,
  { integrationIds }: { integrationIds: readonly string[] },
): Promise<ReadonlyMap<string, RemoteRecordType[]>> {
  const known = new Map<string, RemoteRecordType[]>();
  if (integrationIds.length === 0) return known;
  const rows = await trx
    .selectFrom('remoteRecordTypes')
    .select(['integrationId', 'recordType as name', 'label', 'fields', 'readAt'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', 'in', [...integrationIds])
    .where('removedAt', 'is', null)
    .orderBy('recordType')
    .execute();
  for (const { integrationId, ...type } of rows)
    known.set(integrationId, [...(known.get(integrationId) ?? []), type]);
  return known;
}
