/**
 * Places that show a record of the third party which is not known here yet: a push leaves them as they are
 * there, unless the field was edited here since (docs/decisions/0033).
 */
import { sql } from 'kysely';
import { versionOfField } from '../../../domain/records/field-versions';
import { pullsReference } from '../../../domain/records/references';
import type { Integration } from '../../integrations/integrations';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import type { RecordForPush } from '../claim';

interface Promised {
  recordId: string;
  field: string;
  place: string;
  /** Of the record that the field names. */
  recordType: string;
  recordVersion: number;
}

/** By record id. */
export async function readPromised(
  { trx, tenantId }: TenantWork,
  { integrationId, recordTypes }: Pick<Integration, 'integrationId' | 'recordTypes'>,
  records: readonly RecordForPush[],
): Promise<ReadonlyMap<string, string[]>> {
  const { rows } = await sql<Promised>`
    select wanted.record_id, promise.field, promise.place, promise.record_type, promise.record_version
    from unnest(${records.map(({ recordId }) => recordId)}::uuid[]) as wanted(record_id)
    cross join lateral (
      select field, place, record_type, record_version from reference_promises
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id offset 0) promise`.execute(trx);
  const byId = new Map(records.map((record) => [record.recordId, record]));
  const places = new Map<string, string[]>();
  for (const promise of rows) {
    const { recordId, field, place, recordVersion } = promise;
    const record = byId.get(recordId);
    if (record === undefined || versionOfField(record, field)[0] > recordVersion) continue;
    if (!pullsReference(recordTypes[record.recordType], promise)) continue;
    places.set(recordId, [...(places.get(recordId) ?? []), place]);
  }
  return places;
}
