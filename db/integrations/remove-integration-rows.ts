/**
 * The rows of a deleted integration that no log needs (rules.md 60). Lists do not show them any more, and
 * nothing writes such rows after the deletion.
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../database';
import type { BackgroundTask, Chunk } from '../platform/background-tasks';
import { idList, opaqueToPlanner } from '../sql/bulk-rows';
import { FIRST_ID } from '../sql/ids';
import { changeSome } from '../sql/some-rows';
import { inIndexOrder } from '../sql/index-order';

interface Removed {
  rows: number;
  /** The last record of the chunk. */
  last: string | null;
}

interface Place {
  /** The condition for rows of the integration. */
  isOfIntegration: RawBuilder<boolean>;
  after: string;
  limit: number;
}

type Step = readonly [name: string, remove: (work: TenantWork, place: Place) => Promise<Removed>];

/** Record syncs come first: after them, no push that is still in progress can add a link. */
const STEPS: readonly Step[] = [
  ['', removeRecordSyncs],
  ['record_links', removeRecordLinks],
  rowsOf('drifts'),
  rowsOf('emptied_records'),
  rowsOf('push_references'),
  rowsOf('reference_promises'),
  ['sync_conflicts', endConflicts],
  rowsOf('incoming_changes'),
  rowsOf('incoming_addresses'),
];

export async function removeIntegrationRows(
  work: TenantWork,
  { integrationId, step, cursor }: BackgroundTask,
  limit: number,
): Promise<Chunk> {
  const isOfIntegration = sql<boolean>`tenant_id = ${opaqueToPlanner(work.tenantId)}
    and integration_id = ${opaqueToPlanner(integrationId)}`;
  let after = cursor ?? FIRST_ID;
  let left = limit;
  const first = STEPS.findIndex(([name]) => name === step);
  for (const [name, remove] of STEPS.slice(first)) {
    const { rows, last } = await remove(work, { isOfIntegration, after, limit: left });
    left -= rows;
    if (left <= 0) return { rows: limit - left, next: { step: name, cursor: last } };
    after = FIRST_ID;
  }
  return { rows: limit - left, next: null };
}

async function removeRecordSyncs(
  work: TenantWork,
  { isOfIntegration, after, limit }: Place,
): Promise<Removed> {
  const { trx, tenantId, now } = work;
  // Locked in the order of records, as changes of records lock them.
  const { rows } = await inIndexOrder(work, () =>
    sql<{ recordId: string; pushId: string | null }>`
      select record_id, push_id from record_syncs
      where ${isOfIntegration} and record_id > ${after}::uuid
      order by record_id limit ${limit} for update`.execute(trx),
  );
  if (rows.length === 0) return { rows: 0, last: null };
  const pushIds = rows.flatMap(({ pushId }) => pushId ?? []);
  const recordIds = rows.map(({ recordId }) => recordId);
  await sql`
    delete from record_syncs where ${isOfIntegration} and record_id = any(${idList(recordIds)})`.execute(trx);
  if (pushIds.length > 0)
    await sql`
      update pushes set result = 'closed', finished_at = ${now}
      where tenant_id = ${opaqueToPlanner(tenantId)} and push_id = any(${idList(pushIds)})`.execute(trx);
  return { rows: rows.length, last: recordIds.at(-1) ?? null };
}

async function removeRecordLinks(
  work: TenantWork,
  { isOfIntegration, after, limit }: Place,
): Promise<Removed> {
  const { rows } = await inIndexOrder(work, () =>
    sql<{ recordId: string }>`
      select record_id from record_links
      where ${isOfIntegration} and record_id > ${after}::uuid
      order by record_id limit ${limit} for update`.execute(work.trx),
  );
  if (rows.length === 0) return { rows: 0, last: null };
  const recordIds = rows.map(({ recordId }) => recordId);
  await sql`
    delete from record_links where ${isOfIntegration} and record_id = any(${idList(recordIds)})`.execute(
    work.trx,
  );
  return { rows: rows.length, last: recordIds.at(-1) ?? null };
}

function rowsOf(table: string): Step {
  return [
    table,
    async (work, { isOfIntegration, limit }) => ({
      rows: await changeSome(work, { table, where: isOfIntegration, limit }),
      last: null,
    }),
  ];
}

async function endConflicts(work: TenantWork, { isOfIntegration, limit }: Place): Promise<Removed> {
  const rows = await changeSome(work, {
    table: 'sync_conflicts',
    set: sql`state = 'ended', ended_at = ${work.now}`,
    where: sql`${isOfIntegration} and state = 'open'`,
    limit,
  });
  return { rows, last: null };
}
