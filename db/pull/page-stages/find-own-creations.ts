/**
 * Stage of applying a page: of the remote records that fit no local one, those that a push of ours may have
 * created without knowing their ids yet (rules.md 13, 51).
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../../domain/json';
import { mayBeCreation } from '../../../domain/pull/own-creation';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import type { DoubtfulCreation, PageToApply, PassKey, PulledRecord } from '../page';

/** An answer that is missing for so long does not come any more. */
const UNDECIDED_MAX_MS = 72 * 3_600_000;
/** With more creations than this, all unknown records may be theirs. */
const CREATIONS_MAX = 1_000;

interface Creation extends DoubtfulCreation {
  payload: JsonObject | null;
  startedAt: Date | null;
}

interface OwnCreations {
  undecided: ReadonlySet<string>;
  /** By remote id: created as new after all. */
  doubtful: ReadonlyMap<string, DoubtfulCreation>;
}

export async function findOwnCreations(
  work: TenantWork,
  page: PageToApply,
  unmatched: readonly PulledRecord[],
): Promise<OwnCreations> {
  const undecided = new Set<string>();
  const doubtful = new Map<string, DoubtfulCreation>();
  if (page.mapping.direction !== 'both' || unmatched.length === 0) return { undecided, doubtful };
  const creations = await listCreations(work, page);
  const overdueBefore = work.now.getTime() - UNDECIDED_MAX_MS;
  for (const { remoteId, remote, externalId } of unmatched) {
    const possible = creations.filter(
      (creation) =>
        (externalId === null || externalId === creation.externalId) &&
        mayBeCreation(page.mapping, creation.payload, remote),
    );
    const [first] = possible;
    if (first === undefined && creations.length < CREATIONS_MAX) continue;
    const isOverdue = possible.every(({ startedAt }) => (startedAt?.getTime() ?? 0) < overdueBefore);
    if (first !== undefined && isOverdue) doubtful.set(remoteId, first);
    else undecided.add(remoteId);
  }
  return { undecided, doubtful };
}

async function listCreations(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: PassKey,
): Promise<Creation[]> {
  const { rows } = await sql<Creation>`
    select record.record_id, record.external_id, push.payload, push.started_at
    from record_syncs record_sync
    cross join lateral (
      select record_id, external_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = record_sync.record_id
        and record_type = ${recordType} limit 1) record
    left join lateral (
      select payload, started_at from pushes
      where tenant_id = ${opaqueToPlanner(tenantId)}
        and push_id = coalesce(record_sync.unresolved_push_id, record_sync.push_id) limit 1) push on true
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)}
      and record_sync.integration_id = ${opaqueToPlanner(integrationId)}
      and (record_sync.lease_until is not null or record_sync.unresolved_push_id is not null)
      and (
        select true from record_links link
        where link.tenant_id = record_sync.tenant_id and link.integration_id = record_sync.integration_id
          and link.record_id = record_sync.record_id limit 1) is null
    order by push.started_at desc limit ${CREATIONS_MAX}`.execute(trx);
  return rows;
}
