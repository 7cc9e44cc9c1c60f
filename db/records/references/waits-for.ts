/** The records that a record sync waits for (docs/decisions/0033). */
import { type RawBuilder, sql } from 'kysely';
import { opaqueToPlanner } from '../../sql/bulk-rows';

export interface WaitsFor {
  /** The local field that refers to it. */
  field: string;
  recordType: string;
  externalId: string;
  hasFailed: boolean;
}

const LISTED_MAX = 20;

/** A column for queries of record syncs under the name `record_sync`. */
export const waitsForColumn = (tenantId: string): RawBuilder<WaitsFor[] | null> => sql`(
  select jsonb_agg(jsonb_build_object('field', waited.field, 'recordType', waited.record_type,
    'externalId', waited.external_id, 'hasFailed', waited.has_failed))
  from (
    select field, record_type, external_id, exists (select from record_syncs target
        where target.tenant_id = ${opaqueToPlanner(tenantId)} and target.integration_id = record_sync.integration_id
          and target.record_id = push_references.target_id and target.status = 'sync_failed') as has_failed
    from push_references
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = record_sync.integration_id
      and record_id = record_sync.record_id and state in ('waiting', 'left_out')
    order by record_type, external_id limit ${LISTED_MAX}) waited)`;
