/**
 * New records and their links together, in one statement; a first pass is made of them. They are inserted plainly: asking for
 * conflicts first would look into every index twice, and nobody else makes records under these ids.
 */
import { type RawBuilder, sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import { JsonText } from '../sql/binary-arrays';
import { ConcurrentTransaction, type TenantWork } from '../database';
import { externalIdsOf } from './match-records';
import { rowsFrom } from '../sql/bulk-rows';
import type { PageToApply, PulledRecord } from './apply-page';

/** A record of theirs as a new one of ours. */
export interface NewRecord {
  recordId: string;
  remote: PulledRecord;
  /** What both sides agree on; null where we only read. */
  agreed: JsonObject | null;
}

const COLUMNS =
  'record_id uuid, fields jsonb, remote_id text, remote_version text, remote_hash text, agreed jsonb';
const UNIQUE_VIOLATION = '23505';

/** For `insertNew`. The most that a page of new records asks of this process. */
export function rowsOfNew(records: readonly NewRecord[]): RawBuilder<unknown> {
  const rows = records.map(({ recordId, remote, agreed }) => ({
    record_id: recordId,
    fields: new JsonText(remote.text),
    remote_id: remote.remoteId,
    remote_version: remote.remoteVersion,
    remote_hash: remote.hash,
    agreed,
  }));
  return rowsFrom(rows, COLUMNS);
}

/** @throws `ConcurrentTransaction` where one of them is there after all: begun again, it is found. */
export async function insertNew(
  { trx, tenantId, now }: TenantWork,
  page: Pick<PageToApply, 'integration' | 'recordType'>,
  rows: RawBuilder<unknown>,
  actor: string,
): Promise<void> {
  const { integration, recordType } = page;
  const prefix = externalIdsOf(page)(''); // put before the other id there, so that it need not be sent for each
  await sql`
    with row as (select * from ${rows}),
    link as (
      insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, remote_version, remote_hash, agreed, is_deactivated, updated_at)
      select ${tenantId}::uuid, ${integration.integrationId}::uuid, record_id, ${recordType}, remote_id, remote_version, remote_hash, agreed, false, ${now}::timestamptz from row)
    insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at, changed_at, changed_by, created_at)
    select ${tenantId}::uuid, record_id, ${recordType}, ${prefix} || remote_id, 1, fields, ${now}::timestamptz, ${now}::timestamptz, ${actor}, ${now}::timestamptz from row`
    .execute(trx)
    .catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      throw new ConcurrentTransaction('A record was created by two at once.');
    });
}
