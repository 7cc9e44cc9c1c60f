/** Conflicts between the two sides of a record (rules.md 13, 17, 46, 49). */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { detailOf, type FieldConflict } from '../../domain/pull/field-conflict';
import type { ConflictKind, ConflictState } from '../../domain/records/conflict';
import type { TenantWork } from '../database';
import { readExamined } from '../sql/examined-page';
import { isOfExistingIntegration } from '../platform/background-tasks';
import { rowsFrom } from '../sql/bulk-rows';
import { newUuid } from '../sql/ids';
import type { SyncConflictsTable } from '../tables/pull';

export type SyncConflict = Omit<Selectable<SyncConflictsTable>, 'tenantId'> & { externalId: string | null };

const OPEN_COUNTED_MAX = 1_000;

export interface NewConflict {
  remoteId: string;
  /** null = the local record is not known. */
  recordId: string | null;
  kind: ConflictKind;
  field: string | null;
  ours: unknown;
  theirs: unknown;
  /** The side whose value was kept. */
  winner: 'ours' | 'theirs' | null;
  detail: string;
}

export function newFieldConflict(
  ids: { recordId: string; remoteId: string },
  found: FieldConflict,
): NewConflict {
  const { usedPlace: _, isDeletedHere: __, ...conflict } = found;
  return { ...ids, ...conflict, detail: detailOf(found) };
}

export interface ConflictFilter {
  integrationId?: string | undefined;
  kind?: ConflictKind | undefined;
  state?: ConflictState | undefined;
  recordType?: string | undefined;
  field?: string | undefined;
}

/** The most conflicts that are examined for one page. */
const EXAMINED_MAX = 2_500;
/** null unless it is open. Only indexes of open conflicts have this expression, so no ended ones are read. */
const OPEN_ID = sql<string | null>`case when state = 'open' then sync_conflict_id end`;

/**
 * Newest first, before `before` (a conflict's id). `examinedTo`: the last one that was examined, if `limit`
 * was not reached and there may be more.
 */
export async function listSyncConflicts(
  work: TenantWork,
  filter: ConflictFilter & { limit: number; before?: string | undefined },
): Promise<{ conflicts: SyncConflict[]; examinedTo: string | undefined }> {
  const { integrationId, kind, state, recordType, field, limit, before } = filter;
  const id = state === 'open' ? OPEN_ID : sql<string>`sync_conflict_id`;
  const examined = conflictsBy(work, id)
    .where(id, 'is not', null)
    .$if(integrationId !== undefined, (query) => query.where('integrationId', '=', integrationId ?? ''))
    .$if(before !== undefined, (query) => query.where(id, '<', before ?? ''))
    .orderBy(id, 'desc')
    .limit(EXAMINED_MAX);
  let query = selectConflicts(work, examined).orderBy('conflict.position', 'desc').limit(limit);
  if (kind !== undefined) query = query.where('conflict.kind', '=', kind);
  if (state !== undefined) query = query.where('conflict.state', '=', state);
  if (recordType !== undefined) query = query.where('conflict.recordType', '=', recordType);
  if (field !== undefined) query = query.where('conflict.field', '=', field);
  const end = examined
    .clearSelect()
    .select('syncConflictId')
    .clearLimit()
    .offset(EXAMINED_MAX - 1)
    .limit(1);
  const { rows, examinedTo } = await readExamined<SyncConflict, string>(work, { page: query, end, limit });
  return { conflicts: rows, examinedTo };
}

export async function findSyncConflict(
  work: TenantWork,
  { syncConflictId }: { syncConflictId: string },
): Promise<SyncConflict | undefined> {
  const all = conflictsBy(work, sql`sync_conflict_id`);
  return selectConflicts(work, all).where('conflict.syncConflictId', '=', syncConflictId).executeTakeFirst();
}

const conflictsBy = ({ trx, tenantId }: TenantWork, position: RawBuilder<string | null>) =>
  trx
    .selectFrom('syncConflicts')
    .selectAll()
    .select(position.as('position'))
    .where('tenantId', '=', tenantId);

function selectConflicts({ trx, tenantId }: TenantWork, rows: ReturnType<typeof conflictsBy>) {
  const externalId = sql<string | null>`(select external_id from records
    where tenant_id = conflict.tenant_id and record_id = conflict.record_id)`;
  return trx
    .selectFrom(rows.as('conflict'))
    .selectAll('conflict')
    .select(externalId.as('externalId'))
    .where((eb) =>
      eb.or([
        eb('conflict.state', '<>', 'open'),
        isOfExistingIntegration(tenantId, 'conflict.integration_id'),
      ]),
    );
}

/** The number of open conflicts, counted up to `OPEN_COUNTED_MAX`. */
export async function countOpenConflicts({ trx, tenantId }: TenantWork): Promise<number> {
  const open = trx
    .selectFrom('syncConflicts')
    .select('syncConflictId')
    .where('tenantId', '=', tenantId)
    .where('state', '=', 'open')
    .where(isOfExistingIntegration(tenantId, 'integration_id'))
    .limit(OPEN_COUNTED_MAX);
  const { count } = await trx
    .selectFrom(open.as('open'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/**
 * A conflict that is open already is not stored again; with other values it replaces the open one.
 * `syncRunId`: null if a push found it.
 */
export async function raiseConflicts(
  { trx, tenantId, now }: TenantWork,
  {
    integrationId,
    syncRunId,
    recordType,
  }: { integrationId: string; syncRunId: string | null; recordType: string },
  conflicts: readonly NewConflict[],
): Promise<void> {
  if (conflicts.length === 0) return;
  const rows = conflicts.map(({ remoteId, recordId, ours, theirs, ...conflict }) => ({
    ...conflict,
    conflict_id: newUuid(),
    remote_id: remoteId,
    record_id: recordId,
    ours: ours === undefined ? null : ours,
    theirs: theirs === undefined ? null : theirs,
  }));
  const columns =
    'conflict_id uuid, remote_id text, record_id uuid, kind text, field text, ' +
    'ours jsonb, theirs jsonb, winner text, detail text';
  await sql`
    update sync_conflicts known set state = 'ended', ended_at = ${now}
    from ${rowsFrom(rows, columns)}
    where known.tenant_id = ${tenantId} and known.integration_id = ${integrationId} and known.state = 'open'
      and known.kind = row.kind and known.record_type = ${recordType}
      and md5(known.remote_id) = any(array(
        select md5(remote_id) from unnest(${conflicts.map(({ remoteId }) => remoteId)}::text[]) as raised(remote_id)))
      and md5(known.remote_id) = md5(row.remote_id) and known.record_id is not distinct from row.record_id
      and known.field is not distinct from row.field
      and (known.ours, known.theirs) is distinct from (row.ours, row.theirs)`.execute(trx);
  await sql`
    insert into sync_conflicts (tenant_id, sync_conflict_id, integration_id, sync_run_id, record_type,
      remote_id, record_id, kind, field, ours, theirs, winner, detail, at)
    select ${tenantId}::uuid, conflict_id, ${integrationId}::uuid, ${syncRunId}::uuid, ${recordType},
      remote_id, record_id, kind, field, ours, theirs, winner, detail, ${now}::timestamptz
    from ${rowsFrom(rows, columns)}
    on conflict do nothing`.execute(trx);
}

/** Ends open conflicts of these records and kinds: what they were about is over. @returns their records. */
export async function endConflicts(work: TenantWork, ended: EndedConflicts): Promise<string[]> {
  if (ended.recordIds.length === 0) return [];
  const { rows } = await updateEnded(work, ended).execute(work.trx);
  return rows.flatMap(({ recordId }) => recordId ?? []);
}

interface EndedConflicts {
  integrationId: string;
  recordIds: readonly string[];
  kinds: readonly ConflictKind[];
}

/** The statement of `endConflicts`, to be run by the caller. */
export function updateEnded(
  { tenantId, now }: TenantWork,
  { integrationId, recordIds, kinds }: EndedConflicts,
): RawBuilder<{ recordId: string | null }> {
  return sql`
    update sync_conflicts set state = 'ended', ended_at = ${now}
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and state = 'open'
      and kind in (${sql.join(kinds)}) and record_id = any(${[...recordIds]}::uuid[])
    returning record_id`;
}
