/** The record types, fields and picklists that a third party describes, and changes in them (rules.md 28). */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { findMetadataChanges } from '../../domain/records/metadata-change';
import { Picklists } from '../../domain/records/picklists';
import type { RecordType } from '../../domain/records/record-type';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { appendStreamEvent } from '../platform/change-feed';
import type { MetadataChangesTable } from '../tables/integrations';

export type MetadataChangeRow = Selectable<MetadataChangesTable>;

export interface RemoteRecordType extends RecordType {
  readAt: Date;
}

export async function listRemoteRecordTypes(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<RemoteRecordType[]> {
  const rows = await trx
    .selectFrom('remoteRecordTypes')
    .select(['recordType as name', 'label', 'fields', 'readAt'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('removedAt', 'is', null)
    .orderBy('recordType')
    .execute();
  return rows;
}

type ListedFields = Pick<RecordType, 'name' | 'fields'>;

/** By record type, as far as lists are known. */
export async function readPicklists(
  work: TenantWork,
  integration: { integrationId: string },
): Promise<Map<string, Picklists>> {
  const { rows } = await selectPicklists(work, integration).execute(work.trx);
  return picklistsOf(rows);
}

/** The rows for `picklistsOf`. */
export function selectPicklists(
  { tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): RawBuilder<ListedFields> {
  return sql`
    select record_type as name, jsonb_path_query_array(fields, '$[*] ? (exists (@.values[*]))') as fields
    from remote_record_types
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and removed_at is null`;
}

export const picklistsOf = (rows: readonly ListedFields[]): Map<string, Picklists> =>
  new Map(rows.flatMap(({ name, fields }) => (fields.length === 0 ? [] : [[name, new Picklists(fields)]])));

/**
 * Stores the record types that were read and a row per change. The first read counts as no change. @returns
 * how many changes there were.
 */
export async function saveRecordTypes(
  work: TenantWork,
  {
    integrationId,
    syncRunId,
    seen,
  }: { integrationId: string; syncRunId: string; seen: readonly RecordType[] },
): Promise<number> {
  const { trx, tenantId, now } = work;
  const known = await listRemoteRecordTypes(work, { integrationId });
  const types = sanitizeForPostgres([...seen]);
  const changes = sanitizeForPostgres(findMetadataChanges(known.length === 0 ? null : known, types));
  const rows = types.map(({ name, label, fields }) => ({ record_type: name, label, fields }));
  if (rows.length > 0)
    await sql`
      insert into remote_record_types (tenant_id, integration_id, record_type, label, fields, read_at)
      select ${tenantId}::uuid, ${integrationId}::uuid, record_type, label, fields, ${now}::timestamptz
        from ${rowsFrom(rows, 'record_type text, label text, fields jsonb')}
      on conflict (tenant_id, integration_id, record_type) do update set label = excluded.label,
        fields = excluded.fields, read_at = excluded.read_at, removed_at = null`.execute(trx);
  const names = types.map(({ name }) => name);
  await sql`
    update remote_record_types set removed_at = ${now}
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and removed_at is null
      and record_type <> all(${names}::text[])`.execute(trx);
  if (changes.length === 0) return 0;
  const changeRows = changes.map(({ recordType, ...change }) => ({
    ...change,
    record_type: recordType,
    metadata_change_id: newUuid(),
  }));
  await sql`
    insert into metadata_changes (tenant_id, metadata_change_id, integration_id, sync_run_id, record_type,
      kind, field, detail, at)
    select ${tenantId}::uuid, metadata_change_id, ${integrationId}::uuid, ${syncRunId}::uuid, record_type,
      kind, field, detail, ${now}::timestamptz
    from ${rowsFrom(
      changeRows,
      `
        metadata_change_id uuid, record_type text, kind text, field text, detail jsonb`,
    )}`.execute(trx);
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  return changes.length;
}
