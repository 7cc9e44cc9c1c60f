/**
 * One bounded step of the deletion of a tenant, in one transaction. First its workflows are told to look at
 * their rows: they find that the tenant was deleted, and end. Then all its rows are deleted, in passes over
 * all tables. The last pass begins after everything that was under way has ended, and finds nothing.
 */
import { sql } from 'kysely';
import type { Database, TenantWork } from '../database';
import { enqueueAll, type NewMessage } from '../platform/outbox';
import type { TenantDeletionProgress } from '../tables/erasures';
import type { ErasureLimits, ErasureStep } from './advance-erasure';
import { changeTenantDeletion, findTenantDeletion, type TenantDeletion } from './tenant-deletions';
import {
  describeTenantTables,
  keyIs,
  orderOfKey,
  rowsOf,
  type TenantTable,
  textsOfKey,
} from './tenant-tables';
import { FIRST_ID } from '../sql/ids';
import { readInOrder } from '../sql/index-order';

/** A transaction that was under way has added a row to a table that was empty. The pass begins again. */
const STILL_REFERRED_TO = '23503';

const MORE: ErasureStep = { state: 'more' };

export async function advanceTenantDeletion(
  database: Database,
  { tenantId }: { tenantId: string },
  limits: ErasureLimits,
): Promise<ErasureStep> {
  try {
    return await database.withEraser(tenantId, async (work) => advance(work, limits));
  } catch (error) {
    if ((error as { code?: string }).code !== STILL_REFERRED_TO) throw error;
    await database.withEraser(tenantId, (work) =>
      changeTenantDeletion(work, { progress: null, passRows: 1 }),
    );
    return MORE;
  }
}

async function advance(work: TenantWork, limits: ErasureLimits): Promise<ErasureStep> {
  const deletion = await findTenantDeletion(work, work, { forUpdate: true });
  switch (deletion?.state) {
    case 'ending':
      return endWorkflows(work, deletion, limits);
    case 'removing':
      return removeRows(work, deletion, limits);
    default:
      return { state: 'ended' };
  }
}

interface EndedWork {
  table: string;
  id: string;
  /** Rows whose workflow may be waiting. */
  isOpen: string;
  messagesOf: (id: string, nextDueAt: Date) => NewMessage[];
}

/** Workflows that may wait for long. The others look at their rows within minutes. */
const ENDED_WORK: readonly EndedWork[] = [
  {
    table: 'integrations',
    id: 'integration_id',
    isOpen: 'true',
    messagesOf: (integrationId, nextDueAt) => [
      { topic: 'record_push', integrationId, nextDueAt },
      { topic: 'sync_run', integrationId, nextDueAt },
    ],
  },
  {
    table: 'overviews',
    id: 'overview_id',
    isOpen: 'data_deleted_at is null',
    messagesOf: (overviewId, nextDueAt) => [{ topic: 'overview', overviewId, nextDueAt }],
  },
  {
    table: 'notification_recipients',
    id: 'notification_recipient_id',
    isOpen: 'decision is null',
    messagesOf: (notificationRecipientId, nextDueAt) => [
      { topic: 'notification_viewed', notificationRecipientId, nextDueAt },
    ],
  },
];

async function endWorkflows(
  work: TenantWork,
  { progress, requestedAt }: TenantDeletion,
  { rowsPerStep, settleMs }: ErasureLimits,
): Promise<ErasureStep> {
  const at = Math.max(
    ENDED_WORK.findIndex(({ table }) => table === progress?.place),
    0,
  );
  const { table, id, isOpen, messagesOf } = ENDED_WORK[at] as EndedWork;
  const { rows } = await sql<{ id: string }>`
    select ${sql.ref(id)} as id from ${sql.table(table)}
    where tenant_id = ${work.tenantId}::uuid and ${sql.raw(isOpen)}
      and ${sql.ref(id)} > ${progress?.after?.[0] ?? FIRST_ID}::uuid
    order by ${sql.ref(id)} limit ${rowsPerStep}`.execute(work.trx);
  await enqueueAll(
    work,
    rows.flatMap((row) => messagesOf(row.id, work.now)),
  );
  const last = rows.at(-1);
  const next = ENDED_WORK[at + 1];
  if (rows.length === rowsPerStep && last !== undefined)
    await changeTenantDeletion(work, { progress: { place: table, after: [last.id] } });
  else if (next !== undefined)
    await changeTenantDeletion(work, { progress: { place: next.table, after: null } });
  else {
    await changeTenantDeletion(work, { state: 'removing', progress: null });
    return waitUntil(requestedAt, settleMs);
  }
  return MORE;
}

const waitUntil = (from: Date, afterMs: number): ErasureStep => ({
  state: 'waiting',
  until: new Date(from.getTime() + afterMs),
});

async function removeRows(
  work: TenantWork,
  deletion: TenantDeletion,
  limits: ErasureLimits,
): Promise<ErasureStep> {
  const { requestedAt, passBeganAt, passRows, progress } = deletion;
  if (progress !== null) return removeSome(work, deletion, limits);
  const isLast = (passBeganAt?.getTime() ?? 0) >= requestedAt.getTime() + limits.lastPassMs;
  if (isLast && passRows === 0) {
    await changeTenantDeletion(work, { state: 'done', finishedAt: work.now });
    return { state: 'ended' };
  }
  const beginsAfterMs = passBeganAt === null ? limits.settleMs : limits.lastPassMs;
  if (work.now.getTime() < requestedAt.getTime() + beginsAfterMs)
    return waitUntil(requestedAt, beginsAfterMs);
  await changeTenantDeletion(work, { passBeganAt: work.now });
  return removeSome(work, { ...deletion, passRows: 0 }, limits);
}

/** Deletes rows of the tables from the place of the deletion on. */
async function removeSome(
  work: TenantWork,
  { progress, rows, passRows }: TenantDeletion,
  { rowsPerStep }: ErasureLimits,
): Promise<ErasureStep> {
  const tables = await describeTenantTables(work);
  const counts = { ...rows };
  let left = rowsPerStep;
  let next: TenantDeletionProgress | null = progress;
  const first = tables.findIndex(({ name }) => name === progress?.place);
  for (const [at, table] of [...tables.entries()].slice(Math.max(first, 0))) {
    const after = table.name === progress?.place ? progress.after : null;
    const removed = await removeFrom(work, table, { after, limit: left });
    if (removed.rows > 0) counts[table.name] = (counts[table.name] ?? 0) + removed.rows;
    left -= removed.rows;
    const following = tables[at + 1];
    next =
      removed.last !== null
        ? { place: table.name, after: removed.last }
        : following === undefined
          ? null
          : { place: following.name, after: null };
    if (removed.last !== null || left <= 0) break;
  }
  await changeTenantDeletion(work, {
    progress: next,
    rows: counts,
    passRows: passRows + rowsPerStep - left,
  });
  return MORE;
}

/** `last`: the key of the last row of a full chunk; null = there are no more. */
async function removeFrom(
  work: TenantWork,
  table: TenantTable,
  { after, limit }: { after: readonly string[] | null; limit: number },
): Promise<{ rows: number; last: string[] | null }> {
  const { trx, tenantId } = work;
  await readInOrder(work);
  const found = await sql<{ key: string[] }>`
    select ${textsOfKey(table)} as key from ${rowsOf(table, tenantId)} ${keyIs(table, '>', after)}
    order by ${orderOfKey(table)} offset ${limit - 1} limit 1`.execute(trx);
  const last = found.rows[0]?.key ?? null;
  const { numAffectedRows } = await sql`
    delete from ${rowsOf(table, tenantId)} ${keyIs(table, '>', after)} ${keyIs(table, '<=', last)}`.execute(
    trx,
  );
  return { rows: Number(numAffectedRows ?? 0), last };
}
