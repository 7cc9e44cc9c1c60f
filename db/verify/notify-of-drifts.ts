/** The end of a pass that compares what was pushed (rules.md 54). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { notifyAdmins, resolveNotification } from '../notifications/notifications';
import type { InTenant } from '../pull/comparison/seen-ids';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { FIRST_ID } from '../sql/ids';
import type { Verification } from './drifts';

const DRIFTS_PER_CHUNK = 5_000;

export interface CountedDrifts {
  hasOpen: boolean;
  /** Records of the type with an open drift that this run found first. */
  newRecords: number;
}

interface DriftRow {
  recordId: string;
  place: string;
  isNew: boolean;
  isOpen: boolean;
  /** By a push, or the loss of the link. */
  hasEnded: boolean;
}

/** In several transactions, which remove the drifts that have ended. Safe to repeat. */
export async function countDrifts(
  inTenant: InTenant,
  verification: Omit<Verification, 'job'>,
  limit = DRIFTS_PER_CHUNK,
): Promise<CountedDrifts> {
  const counted = { hasOpen: false, newRecords: 0 };
  let after = { recordId: FIRST_ID, place: '' };
  let counts = FIRST_ID;
  for (;;) {
    const place = { ...after, limit };
    const rows = await inTenant((work) => readChunk(work, verification, place));
    for (const { isOpen, isNew, recordId } of rows) {
      counted.hasOpen ||= isOpen;
      if (!isOpen || !isNew || recordId === counts) continue;
      counts = recordId; // the drifts of a record follow each other
      counted.newRecords += 1;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return counted;
    after = last;
  }
}

async function readChunk(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType, syncRunId }: Omit<Verification, 'job'>,
  { limit, ...after }: Pick<DriftRow, 'recordId' | 'place'> & { limit: number },
): Promise<DriftRow[]> {
  const ofIntegration = sql`tenant_id = ${tenantId} and integration_id = ${integrationId}`;
  const { rows } = await sql<DriftRow>`
    select drift.record_id, place, drift.record_type = ${recordType} and sync_run_id = ${syncRunId} as is_new,
      not coalesce(link.updated_at <= drift.seen_at, false) as has_ended,
      coalesce(link.updated_at <= drift.seen_at and not link.is_deactivated and record.deleted_at is null
        and record.record_id is not null, false) as is_open
    from (
      select record_id, place, record_type, seen_at, sync_run_id from drifts
      where ${ofIntegration} and (record_id, place) > (${after.recordId}::uuid, ${after.place})
      order by record_id, place limit ${limit}) drift
    left join lateral (
      select updated_at, is_deactivated from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = drift.record_id limit 1) link on true
    left join lateral (
      select record_id, deleted_at from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = drift.record_id limit 1) record on true
    order by drift.record_id, place`.execute(trx);
  const ended = rows.filter(({ hasEnded }) => hasEnded);
  if (ended.length > 0)
    await sql`
      delete from drifts drift where ${ofIntegration}
        and record_id = any(${ended.map(({ recordId }) => recordId)}::uuid[])
        and (record_id, place) in (select record_id, place from ${rowsFrom(
          ended.map(({ recordId, place }) => ({ record_id: recordId, place })),
          'record_id uuid, place text',
        )})
        -- A job of another type may have found it again meanwhile.
        and (
          select true from record_links link
          where link.tenant_id = ${opaqueToPlanner(tenantId)}
            and link.integration_id = ${opaqueToPlanner(integrationId)}
            and link.record_id = drift.record_id and link.updated_at <= drift.seen_at limit 1) is null`.execute(
      trx,
    );
  return rows;
}

/**
 * Admins are notified of drifts that this run found first, unless the setting decides them. The notification
 * is resolved when none is open.
 */
export async function notifyOfDrifts(
  work: TenantWork,
  { integrationId, recordType, syncRunId }: Omit<Verification, 'job'>,
  { hasOpen, newRecords, isDecided }: CountedDrifts & { isDecided: boolean },
): Promise<void> {
  if (!hasOpen) return resolveNotification(work, { integrationId, kind: 'drift_found', now: work.now });
  if (isDecided || newRecords === 0) return;
  const detail = `${newRecords} ${newRecords === 1 ? 'record' : 'records'} of the type ${recordType}.`;
  await notifyAdmins(work, { integrationId, kind: 'drift_found', syncRunId, detail });
}
