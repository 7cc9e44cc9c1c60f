/**
 * Stage of applying a page: writes the records that it creates or changes. New records and their links are
 * inserted in one statement without `on conflict`, which would search every index twice.
 */
import { type RawBuilder, sql } from 'kysely';
import { ConcurrentTransaction, type TenantWork } from '../../database';
import { writeRecords } from '../../records/write-records';
import { JsonText } from '../../sql/binary-arrays';
import { rowsFrom } from '../../sql/bulk-rows';
import type { NewRecord, PageChanges, PageToApply, PullTarget } from '../page';

const COLUMNS =
  'record_id uuid, fields jsonb, remote_id text, remote_version text, remote_hash text, ' +
  'agreed jsonb, notation jsonb';
const UNIQUE_VIOLATION = '23505';

/** @throws `ConcurrentTransaction` if one of the new records exists by now; the next attempt finds it. */
export async function writePageRecords(
  work: TenantWork,
  page: PageToApply,
  { drafts }: PageChanges,
  actor: string,
): Promise<void> {
  const created = drafts.filter(({ draft }) => draft.before === null);
  if (created.length > 0) {
    const records = created.map(({ draft: { recordId }, remote, agreed, notation }) => ({
      recordId,
      remote,
      agreed,
      notation,
    }));
    await insertNewRecords(work, page, encodeNewRecords(records), actor);
  }
  const changed = drafts.filter(({ draft }) => draft.before !== null && draft.isTouched);
  await writeRecords(
    work,
    changed.map(({ draft }) => draft),
    actor,
  );
}

/**
 * The rows of `insertNewRecords`, encoded for PostgreSQL: most of this process's work for a page of new
 * records.
 */
export function encodeNewRecords(records: readonly NewRecord[]): RawBuilder<unknown> {
  const rows = records.map(({ recordId, remote, agreed, notation }) => ({
    record_id: recordId,
    fields: new JsonText(remote.text),
    remote_id: remote.remoteId,
    remote_version: remote.remoteVersion,
    remote_hash: remote.hash,
    agreed,
    notation,
  }));
  return rowsFrom(rows, COLUMNS);
}

/** Inserts records and their links. @throws `ConcurrentTransaction` if one of them exists already. */
export async function insertNewRecords(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType, externalIdPrefix }: PullTarget,
  rows: RawBuilder<unknown>,
  actor: string,
): Promise<void> {
  await sql`
    with row as (select * from ${rows}),
    link as (
      insert into record_links (tenant_id, integration_id, record_id, record_type,
        remote_id, remote_version, remote_hash, agreed, notation, is_deactivated, updated_at)
      select ${tenantId}::uuid, ${integrationId}::uuid, record_id, ${recordType},
        remote_id, remote_version, remote_hash, agreed, notation, false, ${now}::timestamptz from row)
    insert into records (tenant_id, record_id, record_type, external_id, version,
      fields, occurred_at, changed_at, changed_by, created_at)
    select ${tenantId}::uuid, record_id, ${recordType}, ${externalIdPrefix} || remote_id, 1,
      fields, ${now}::timestamptz, ${now}::timestamptz, ${actor}, ${now}::timestamptz from row`
    .execute(trx)
    .catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      throw new ConcurrentTransaction('Two transactions created the same record at once.');
    });
}
