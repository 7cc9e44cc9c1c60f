/**
 * After a claim or a push has committed: makes due what waits for records that the third party has got
 * meanwhile, and lets one record of each circle go first (docs/decisions/0033). Both sides look after their
 * own commit, so that neither overlooks the other. Safe to repeat.
 */
import { sql } from 'kysely';
import { edgesToLeaveOut, recordToSendFirst } from '../../../domain/push/reference-cycles';
import type { TenantWork } from '../../database';
import { type LinkedTarget, makeDue, endWaits } from '../../records/references/end-waits';
import { idList, opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';

/** References that one look for circles follows. Beyond them, a record goes first as if it were in one. */
const EDGES_MAX = 20_000;

type InTenant = <T>(work: (tenant: TenantWork) => Promise<T>) => Promise<T>;

export async function settleWaiting(
  inTenant: InTenant,
  integrationId: string,
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  await endOutdated(inTenant, integrationId, recordIds);
  await inTenant((work) => breakCircles(work, integrationId, recordIds));
}

/** Those of these records whose targets the third party has got, or has under another id, by now. */
export async function endOutdated(
  inTenant: InTenant,
  integrationId: string,
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  const linked = await inTenant((work) => readLinkedTargets(work, integrationId, recordIds));
  await endWaits(inTenant, integrationId, linked);
}

/** The targets of these records that the third party has, as they were not sent. */
async function readLinkedTargets(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  recordIds: readonly string[],
): Promise<LinkedTarget[]> {
  const { rows } = await sql<LinkedTarget>`
    select distinct known.record_type as record_type, known.external_id, link.remote_id
    from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_type, external_id, state, remote_id from push_references
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id offset 0) known
    cross join lateral (
      select record_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = known.record_type
        and external_id = known.external_id limit 1) target
    cross join lateral (
      select remote_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = target.record_id
        and (known.state <> 'sent' or remote_id <> known.remote_id) limit 1) link`.execute(trx);
  return rows;
}

interface Edge {
  recordId: string;
  targetId: string;
  place: string;
  dueAt: Date | null;
  waitsUntil: Date | null;
}

async function breakCircles(
  work: TenantWork,
  integrationId: string,
  recordIds: readonly string[],
): Promise<void> {
  const { trx, tenantId } = work;
  const edgesOf = (from: string) => sql`
    select record_id, target_id, place, due_at, waits_until from push_references
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = ${sql.ref(from)} and state = 'waiting' and target_id is not null offset 0`;
  const { rows } = await sql<Edge>`
    with recursive reached as (
      select unnest(${[...recordIds]}::uuid[]) as record_id
      union
      select edge.target_id from reached cross join lateral (${edgesOf('reached.record_id')}) edge)
    select edge.* from reached cross join lateral (${edgesOf('reached.record_id')}) edge
    limit ${EDGES_MAX}`.execute(trx);
  const inCircles = edgesToLeaveOut(rows);
  const isCut = rows.length === EDGES_MAX && inCircles.length === 0;
  const goesFirst = isCut ? recordToSendFirst(rows, recordIds) : undefined;
  const first = isCut ? rows.filter(({ recordId }) => recordId === goesFirst) : inCircles;
  if (first.length === 0) return;
  const leftOut = first.map(({ recordId, targetId, place }) => ({
    record_id: recordId,
    target_id: targetId,
    place,
  }));
  await sql`
    update push_references known set state = 'left_out'
    from ${rowsFrom(leftOut, 'record_id uuid, target_id uuid, place text')}
    where known.tenant_id = ${opaqueToPlanner(tenantId)}
      and known.integration_id = ${opaqueToPlanner(integrationId)}
      and known.record_id = any(${idList(first.map(({ recordId }) => recordId))})
      and known.record_id = row.record_id
      and known.place = row.place and known.target_id = row.target_id and known.state = 'waiting'`.execute(
    trx,
  );
  await makeDue(
    work,
    integrationId,
    first.map((edge) => ({ ...edge, state: 'waiting' as const })),
  );
}
