/**
 * New records and their links together, for pages that hold nothing else: a first pass is made of them. They are inserted
 * plainly: asking for conflicts first would look into every index twice, and nobody else makes records under these ids.
 */
import { sql } from 'kysely';
import { JsonText } from './array-parameter';
import { ConcurrentTransaction, type TenantWork } from './database';
import type { PulledDraft } from './pulled-drafts';
import { rowsFrom } from './rows';
import type { PageToApply } from './sync-pages';

const COLUMNS = 'record_id uuid, external_id text, fields jsonb, remote_id text, remote_version text, remote_hash text, agreed jsonb';
const UNIQUE_VIOLATION = '23505';
/** Of so many rows each: while the database writes one part, the next is put into words here. */
const ROWS_AT_ONCE = 500;

/** @throws `ConcurrentTransaction` where one of them is there after all: begun again, it is found. */
export async function insertNew(work: TenantWork, page: PageToApply, drafts: readonly PulledDraft[], actor: string): Promise<void> {
  const parts = Array.from({ length: Math.ceil(drafts.length / ROWS_AT_ONCE) }, (_, part) => drafts.slice(part * ROWS_AT_ONCE, (part + 1) * ROWS_AT_ONCE));
  // All of them, also after one has failed: none may come to the connection when the transaction is over.
  const written = await Promise.allSettled(parts.map((part) => insertPart(work, page, part, actor)));
  for (const part of written) if (part.status === 'rejected') throw part.reason;
}

async function insertPart({ trx, tenantId, now }: TenantWork, page: PageToApply, drafts: readonly PulledDraft[], actor: string): Promise<void> {
  const rows = drafts.map(({ draft, remote, agreed }) => ({
    record_id: draft.recordId,
    external_id: draft.externalId,
    fields: new JsonText(remote.text),
    remote_id: remote.remoteId,
    remote_version: remote.remoteVersion,
    remote_hash: remote.hash,
    agreed,
  }));
  const integrationId = page.integration.integrationId;
  await sql`
    with row as (select * from ${rowsFrom(rows, COLUMNS)}),
    link as (
      insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, remote_version, remote_hash, agreed, is_deactivated, updated_at)
      select ${tenantId}::uuid, ${integrationId}::uuid, record_id, ${page.recordType}, remote_id, remote_version, remote_hash, agreed, false, ${now}::timestamptz from row)
    insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at, changed_at, changed_by, created_at)
    select ${tenantId}::uuid, record_id, ${page.recordType}, external_id, 1, fields, ${now}::timestamptz, ${now}::timestamptz, ${actor}, ${now}::timestamptz from row`
    .execute(trx)
    .catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      throw new ConcurrentTransaction('A record was created by two at once.');
    });
}
