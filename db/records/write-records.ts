/** Writes records: a few statements, the same for one record and for a page of thousands. */
import { sql } from 'kysely';
import { ConcurrentTransaction, type TenantWork } from '../database';
import type { RecordDraft } from '../../domain/records/record-draft';
import { rowsFrom } from '../sql/bulk-rows';

/**
 * Creates and updates the touched records. @throws `ConcurrentTransaction` if another transaction has created
 * one of them.
 */
export async function writeRecords(
  { trx, tenantId, now }: TenantWork,
  drafts: readonly RecordDraft[],
  actor: string,
): Promise<void> {
  const touched = drafts.filter((draft) => draft.isTouched);
  const toRow = (draft: RecordDraft) => ({
    record_id: draft.recordId,
    record_type: draft.recordType,
    external_id: draft.externalId,
    version: draft.after.version,
    fields: draft.after.fields,
    occurred_at: draft.after.occurredAt,
    changed_at: draft.changedAt,
    deleted_at: draft.after.isDeleted ? draft.changedAt : null,
    field_versions: draft.after.fieldVersions ?? null,
  });
  const columns = `record_id uuid, record_type text, external_id text, version bigint, fields jsonb,
    occurred_at timestamptz, changed_at timestamptz, deleted_at timestamptz, field_versions jsonb`;
  const insertOf = (written: readonly RecordDraft[]) => sql`
    insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
      changed_at, changed_by, deleted_at, created_at, field_versions)
    select ${tenantId}::uuid, record_id, record_type, external_id, version, fields, occurred_at,
      changed_at, ${actor}, deleted_at, ${now}::timestamptz, field_versions
    from ${rowsFrom(written.map(toRow), columns)}`;

  // In a fixed order, so that two requests that create the same records cannot deadlock.
  const created = touched.filter((draft) => draft.before === null).sort(byName);
  if (created.length > 0) {
    const { numAffectedRows } = await sql`
      ${insertOf(created)}
      on conflict do nothing`.execute(trx);
    // Another transaction created one of these records: start again and find it.
    if (Number(numAffectedRows) < created.length)
      throw new ConcurrentTransaction('A record was created by two requests at once.');
  }
  const updated = touched.filter((draft) => draft.before !== null);
  if (updated.length > 0) {
    await sql`
      ${insertOf(updated)}
      on conflict (tenant_id, record_id) do update set version = excluded.version, fields = excluded.fields,
        occurred_at = excluded.occurred_at, field_versions = excluded.field_versions,
        deleted_at = excluded.deleted_at, changed_at = excluded.changed_at,
          changed_by = excluded.changed_by`.execute(trx);
  }
  // A later repeat of known values only moves instants.
  const confirmed = drafts.filter(
    ({ isTouched, before, after }) =>
      !isTouched &&
      before !== null &&
      (after.occurredAt > before.occurredAt ||
        (after.fieldVersions ?? null) !== (before.fieldVersions ?? null)),
  );
  if (confirmed.length > 0) {
    await sql`
      ${insertOf(confirmed)}
      on conflict (tenant_id, record_id) do update set occurred_at = excluded.occurred_at,
        field_versions = excluded.field_versions`.execute(trx);
  }
}

function byName(a: RecordDraft, b: RecordDraft): number {
  if (a.recordType !== b.recordType) return a.recordType < b.recordType ? -1 : 1;
  return a.externalId === b.externalId ? 0 : a.externalId < b.externalId ? -1 : 1;
}
