/** Pushed records that the third party's whole list does not hold (rules.md 54). */
import { sql } from 'kysely';
import { type JsonObject } from '../../domain/json';
import { pushTarget, type RecordTypeMapping } from '../../domain/records/mapping';
import type { TenantWork } from '../database';
import type { InTenant } from '../pull/comparison/seen-ids';
import { type Link, readLinks, walkLinks, type WalkOptions } from '../pull/comparison/walk-links';
import { PUSH_RECORDED_WITHIN_MS } from '../pull/page';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { MissingRecord } from './decide-drifts';
import { MISSING_THERE, replaceDrifts, type Verification } from './drifts';

/** Also the records that one transaction repairs or accepts. */
const LINKS_PER_CHUNK = 1_000;
const LINKS_PER_COUNT = 5_000;

interface UnseenOptions extends WalkOptions {
  mapping: RecordTypeMapping;
  /** May take the links of the records away. */
  decide(work: TenantWork, missing: readonly MissingRecord[]): Promise<void>;
}

/**
 * Stores the missing records and decides them, chunk by chunk. The row of the job then has the number of
 * links and of those that are missing. Safe to repeat. @returns `more`: call again.
 */
export async function verifyUnseen(
  inTenant: InTenant,
  key: Verification,
  { mapping, decide, ...options }: UnseenOptions,
): Promise<'done' | 'more'> {
  return walkLinks(inTenant, key, {
    linksPerChunk: LINKS_PER_CHUNK,
    ...options,
    linkedBefore: recordedBefore,
    comparesDeactivated: false,
    compare: async (work, { comparable, unseen, linkedBefore }) => {
      const records = await readSynced(work, key, { recordIds: unseen, linkedBefore });
      const missing = records.filter((record) => pushTarget(mapping, record).operation === 'upsert');
      await replaceDrifts(work, key, {
        recordIds: missing.map(({ recordId }) => recordId),
        drifts: missing.map(({ recordId }) => ({
          recordId,
          place: MISSING_THERE,
          expected: null,
          found: null,
        })),
      });
      if (missing.length > 0) await decide(work, missing);
      const stillLinked = await countLinks(work, key, unseen);
      return { compared: comparable - unseen.length + stillLinked, missing: stillLinked };
    },
  });
}

/** Linked records of Syncline, counted in several transactions. */
export async function countVerifiable(
  inTenant: InTenant,
  key: Verification,
  startedAt: Date,
): Promise<number> {
  const linkedBefore = recordedBefore(startedAt);
  const readAfter = (after: string | null) =>
    inTenant((work) => readLinks(work, key, { after, linkedBefore, limit: LINKS_PER_COUNT }));
  const countOf = (links: readonly Link[]) =>
    links.filter((link) => link.isOfType && isComparable(link)).length;
  let links = await readAfter(null);
  let count = countOf(links);
  while (links.length === LINKS_PER_COUNT) {
    links = await readAfter(links.at(-1)?.recordId ?? null);
    count += countOf(links);
  }
  return count;
}

const recordedBefore = (startedAt: Date): Date => new Date(startedAt.getTime() - PUSH_RECORDED_WITHIN_MS);

/** An active link from before the list was read. */
const isComparable = ({ isOlder, isDeactivated }: Link): boolean => isOlder && !isDeactivated;

type SyncedRecord = MissingRecord & { fields: JsonObject; isDeleted: boolean };

/** Whose last push is from before the list was read: a link may have changed since it was read. */
async function readSynced(
  { trx, tenantId }: TenantWork,
  { integrationId }: Verification,
  { recordIds, linkedBefore }: { recordIds: readonly string[]; linkedBefore: Date | null },
): Promise<SyncedRecord[]> {
  if (recordIds.length === 0) return [];
  const { rows } = await sql<SyncedRecord>`
    select record.* from unnest(${[...recordIds]}::uuid[]) as unseen(record_id)
    cross join lateral (
      select from record_links link
      where link.tenant_id = ${opaqueToPlanner(tenantId)} and link.integration_id = ${opaqueToPlanner(integrationId)}
        and link.record_id = unseen.record_id and link.updated_at < ${linkedBefore}
        and not link.is_deactivated limit 1) link
    cross join lateral (
      select from record_syncs record_sync
      where record_sync.tenant_id = ${opaqueToPlanner(tenantId)}
        and record_sync.integration_id = ${opaqueToPlanner(integrationId)}
        and record_sync.record_id = unseen.record_id and record_sync.status = 'synced'
        and record_sync.window_opened_at is null and record_sync.discarded_at is null limit 1) record_sync
    cross join lateral (
      select record_id, external_id, version, fields, false as is_deleted from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = unseen.record_id
        and deleted_at is null limit 1) record
    order by record.record_id`.execute(trx);
  return rows;
}

async function countLinks(
  { trx, tenantId }: TenantWork,
  { integrationId }: Verification,
  recordIds: readonly string[],
): Promise<number> {
  if (recordIds.length === 0) return 0;
  const { rows } = await sql<{ count: number }>`
    select count(*)::bigint as count from unnest(${[...recordIds]}::uuid[]) as unseen(record_id)
    cross join lateral (
      select from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = unseen.record_id limit 1) link`.execute(trx);
  return rows[0]?.count ?? 0;
}
