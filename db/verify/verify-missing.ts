/** Pushed records that the third party's whole list does not hold (rules.md 54). */
import { sql } from 'kysely';
import { type JsonObject } from '../../domain/json';
import { pushTarget, type RecordTypeMapping } from '../../domain/records/mapping';
import type { TenantWork } from '../database';
import { PUSH_RECORDED_WITHIN_MS } from '../pull/page';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { MissingRecord } from './decide-drifts';
import { MISSING_THERE, replaceDrifts, type Verification } from './drifts';
import { FIRST_ID } from '../sql/ids';

interface UnseenRecord extends MissingRecord {
  fields: JsonObject;
  isDeleted: boolean;
}

export interface UnseenChunk {
  mapping: RecordTypeMapping;
  startedAt: Date;
  after: string | null;
  limit: number;
}

/** Stores the next missing records. @returns them, and where to continue; null = at the end. */
export async function verifyUnseen(
  work: TenantWork,
  key: Verification,
  { mapping, startedAt, after, limit }: UnseenChunk,
): Promise<{ missing: MissingRecord[]; after: string | null }> {
  const { trx, tenantId } = work;
  const { rows } = await sql<UnseenRecord>`
    select record.record_id, record.external_id, record.version, record.fields, false as is_deleted
    from record_links link
    join record_syncs record_sync on record_sync.tenant_id = link.tenant_id
      and record_sync.integration_id = link.integration_id and record_sync.record_id = link.record_id
    join records record on record.tenant_id = link.tenant_id and record.record_id = link.record_id
    where ${isComparable(work, key, startedAt)} and record_sync.status = 'synced'
      and record_sync.window_opened_at is null and record_sync.discarded_at is null
      and record.deleted_at is null
      and link.record_id > ${after ?? FIRST_ID}::uuid
      and not ${isSeen(tenantId, key)}
    order by link.record_id limit ${limit}`.execute(trx);
  const missing = rows.filter((record) => pushTarget(mapping, record).operation === 'upsert');
  await replaceDrifts(work, key, {
    recordIds: missing.map(({ recordId }) => recordId),
    drifts: missing.map(({ recordId }) => ({ recordId, place: MISSING_THERE, expected: null, found: null })),
  });
  return { missing, after: rows.length < limit ? null : (rows.at(-1)?.recordId ?? null) };
}

/** Linked records of Syncline, and those of them that the third party holds. */
export async function countVerified(
  work: TenantWork,
  key: Verification,
  startedAt: Date,
): Promise<{ local: number; remote: number }> {
  const { rows } = await sql<{ local: number; remote: number }>`
    select count(*)::bigint as local, (count(*) filter (where ${isSeen(work.tenantId, key)}))::bigint as remote
    from record_links link where ${isComparable(work, key, startedAt)}`.execute(work.trx);
  return rows[0] ?? { local: 0, remote: 0 };
}

/** Active links from before the list was read. */
const isComparable = (
  { tenantId }: TenantWork,
  { integrationId, recordType }: Verification,
  startedAt: Date,
) => sql<boolean>`link.tenant_id = ${opaqueToPlanner(tenantId)}
  and link.integration_id = ${opaqueToPlanner(integrationId)} and link.record_type = ${recordType}
  and not link.is_deactivated
  and link.updated_at <= ${new Date(startedAt.getTime() - PUSH_RECORDED_WITHIN_MS)}::timestamptz`;

const isSeen = (
  tenantId: string,
  { syncRunId, job }: Verification,
) => sql<boolean>`(link.record_id in (select unnest(seen) from sync_pages
  where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${job}))`;
