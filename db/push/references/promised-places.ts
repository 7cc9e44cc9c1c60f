/**
 * Places that show a record of the third party which is not known here yet: a push leaves them as they are
 * there, unless the field was edited here since (docs/decisions/0033).
 */
import { sql } from 'kysely';
import { versionOfField } from '../../../domain/records/field-versions';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import type { RecordForPush } from '../claim';

/** By record id. */
export async function readPromised(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  records: readonly RecordForPush[],
): Promise<ReadonlyMap<string, string[]>> {
  const { rows } = await sql<{ recordId: string; field: string; place: string; recordVersion: number }>`
    select wanted.record_id, promise.field, promise.place, promise.record_version
    from unnest(${records.map(({ recordId }) => recordId)}::uuid[]) as wanted(record_id)
    cross join lateral (
      select field, place, record_version from reference_promises
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id) promise`.execute(trx);
  const byId = new Map(records.map((record) => [record.recordId, record]));
  const places = new Map<string, string[]>();
  for (const { recordId, field, place, recordVersion } of rows) {
    const record = byId.get(recordId);
    if (record === undefined || versionOfField(record, field)[0] > recordVersion) continue;
    places.set(recordId, [...(places.get(recordId) ?? []), place]);
  }
  return places;
}
