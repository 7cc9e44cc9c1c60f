/**
 * Carries out what a person decided about conflicts (rules.md 46, 49). A decision about a value is a
 * change of the record by that person, so every integration gets it; the others concern the link only.
 */
import { sql } from 'kysely';
import { jsonEquals, type JsonObject, type JsonValue } from '../../domain/json';
import type { ConflictDecision, ConflictKind } from '../../domain/records/conflict';
import type { ChangeAuthor } from '../../domain/records/record-draft';
import { PUSH_KINDS } from '../../domain/push/push-kind';
import type { TenantWork } from '../database';
import { enqueuePush } from '../platform/outbox';
import { acceptChanges } from '../records/accept-changes';
import type { SyncConflict } from '../records/conflicts';
import { lockMappings } from '../records/mapping-lock';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { unlink } from './soft-delete';

/**
 * `outdated`: the field was changed since, or the record is gone, so the decision has no meaning any more.
 * `refused`: the record cannot be changed now.
 */
export type DecisionResult = 'decided' | 'outdated' | 'refused';

type Decide = (
  work: TenantWork,
  conflicts: readonly SyncConflict[],
  author: ChangeAuthor,
) => Promise<readonly DecisionResult[]>;

/**
 * The conflicts are open, of one kind, and the kind allows the decision. @returns one result per conflict.
 */
export async function decideConflicts(
  work: TenantWork,
  conflicts: readonly SyncConflict[],
  decision: ConflictDecision,
  author: ChangeAuthor,
): Promise<readonly DecisionResult[]> {
  const [first] = conflicts;
  if (first === undefined) return [];
  // The records are locked before the conflicts, as a page does it.
  await lockMappings(work, 'shared');
  const decide = decision === 'dismiss' ? dismiss : handlers[first.kind][decision];
  const results = await decide(work, conflicts, author);
  const idsWith = (wanted: DecisionResult) =>
    conflicts.flatMap(({ syncConflictId }, index) => (results[index] === wanted ? [syncConflictId] : []));
  await endOnes(work, idsWith('decided'), { state: 'decided', decision, decidedBy: author.actor });
  await endOnes(work, idsWith('outdated'), { state: 'ended' });
  return results;
}

const dismiss: Decide = async (_work, conflicts) => conflicts.map(() => 'decided');

const handlers: Record<ConflictKind, Record<'ours' | 'theirs', Decide>> = {
  field_changed_on_both_sides: { ours: setField('ours'), theirs: setField('theirs') },
  field_keeps_changing: { ours: setField('ours'), theirs: setField('theirs') },
  edited_here_deleted_there: { ours: each(createAgain), theirs: each(deleteHere) },
  answered_other_id: { ours: each(createAgain), theirs: each(followAnsweredId) },
  already_linked: { ours: each(pushAgain), theirs: dismiss },
  doubtful_creation: { ours: each(pushAgain), theirs: dismiss },
  ambiguous_match: { ours: dismiss, theirs: dismiss },
};

function each(
  one: (
    work: TenantWork,
    conflict: SyncConflict & { recordId: string },
    author: ChangeAuthor,
  ) => Promise<DecisionResult>,
): Decide {
  return async (work, conflicts, author) => {
    const results: DecisionResult[] = [];
    for (const conflict of conflicts) {
      const { recordId } = conflict;
      results.push(recordId === null ? 'outdated' : await one(work, { ...conflict, recordId }, author));
    }
    return results;
  };
}

/** Sets the field to the value of a side, unless it no longer has the value that the conflict left it. */
function setField(side: 'ours' | 'theirs'): Decide {
  return async (work, conflicts, author) => {
    const current = await lockFields(work, conflicts);
    const isOutdated = conflicts.map(({ recordId, field, winner, ...values }) => {
      const fields = recordId === null ? undefined : current.get(recordId);
      if (fields === undefined || field === null) return true;
      return winner !== null && !jsonEquals(fields[field] ?? null, values[winner] as JsonValue);
    });
    const wanted = conflicts.filter((_, index) => isOutdated[index] === false);
    const accepted = await acceptChanges(
      work,
      wanted.map(({ recordType, externalId, field, ...values }) => ({
        kind: 'patch' as const,
        recordType,
        externalId: externalId as string,
        fields: { [field as string]: values[side] } as JsonObject,
      })),
      author,
    );
    const outcomes = new Map(
      wanted.map(({ syncConflictId }, index) => [syncConflictId, accepted[index]?.outcome]),
    );
    return conflicts.map(({ syncConflictId }) => {
      const outcome = outcomes.get(syncConflictId);
      if (outcome === undefined || outcome === 'not_found') return 'outdated';
      return outcome === 'accepted' ? 'decided' : 'refused';
    });
  };
}

async function lockFields(
  { trx, tenantId }: TenantWork,
  conflicts: readonly SyncConflict[],
): Promise<Map<string, JsonObject>> {
  const recordIds = [...new Set(conflicts.flatMap(({ recordId }) => recordId ?? []))].sort();
  const { rows } = await sql<{ recordId: string; fields: JsonObject }>`
    select record.* from unnest(${recordIds}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, fields from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id and deleted_at is null
      limit 1 for update) record`.execute(trx);
  return new Map(rows.map(({ recordId, fields }) => [recordId, fields]));
}

/** The record is linked to nothing there any more, so its push creates it. */
async function createAgain(
  work: TenantWork,
  conflict: SyncConflict & { recordId: string },
  author: ChangeAuthor,
): Promise<DecisionResult> {
  await work.trx
    .deleteFrom('recordLinks')
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', conflict.integrationId)
    .where('recordId', '=', conflict.recordId)
    .where('remoteId', '=', conflict.remoteId)
    .execute();
  return pushAgain(work, conflict, author);
}

async function deleteHere(
  work: TenantWork,
  { integrationId, recordId, recordType, externalId }: SyncConflict & { recordId: string },
  author: ChangeAuthor,
): Promise<DecisionResult> {
  if (externalId === null) return 'outdated';
  const [deleted] = await acceptChanges(
    work,
    [{ kind: 'delete', recordType, externalId, fields: {} }],
    author,
  );
  if (deleted?.outcome === 'not_found') return 'outdated';
  if (deleted?.outcome !== 'accepted') return 'refused';
  await unlink(work, integrationId, [recordId]);
  return 'decided';
}

/** Refused if another record is linked to that id. */
async function followAnsweredId(
  work: TenantWork,
  conflict: SyncConflict & { recordId: string },
  author: ChangeAuthor,
): Promise<DecisionResult> {
  const { integrationId, recordId, recordType, remoteId, theirs } = conflict;
  if (typeof theirs !== 'string') return 'outdated';
  const { trx, tenantId } = work;
  const { rows } = await sql<{ isTaken: boolean }>`
    select exists (
      select from record_links
      where remote_key = hashtextextended(${`${integrationId} ${recordType} ${theirs}`}, 0)
        and tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
        and remote_id = ${theirs} and record_id <> ${recordId}) as is_taken`.execute(trx);
  if (rows[0]?.isTaken === true) return 'refused';
  const followed = await trx
    .updateTable('recordLinks')
    .set({ remoteId: theirs, remoteVersion: null, remoteHash: null, notation: null, updatedAt: work.now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordId', '=', recordId)
    .where('remoteId', '=', remoteId)
    .executeTakeFirst();
  return followed.numUpdatedRows === 0n ? 'outdated' : pushAgain(work, conflict, author);
}

/** Opens a window that is due now; what the record contains then is pushed. */
async function pushAgain(
  work: TenantWork,
  { integrationId, recordId }: SyncConflict & { recordId: string },
  author: ChangeAuthor,
): Promise<DecisionResult> {
  const { trx, tenantId, now } = work;
  const opened = await sql`
    update record_syncs set window_opened_at = coalesce(window_opened_at, ${now}::timestamptz),
      due_at = ${now}::timestamptz, window_reason = coalesce(window_reason, 'retry'),
      window_changed_by = array_append(window_changed_by, ${author.actor}), held_at = null, held_by = null,
      window_effect = null, push_review_id = null, push_priority = ${PUSH_KINDS.manual}
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_id = ${recordId}
      and lease_until is null`.execute(trx);
  if (opened.numAffectedRows === 0n) return 'refused';
  await enqueuePush(work, { integrationId, nextDueAt: now });
  return 'decided';
}

async function endOnes(
  { trx, tenantId, now }: TenantWork,
  ids: readonly string[],
  ended: { state: 'decided'; decision: ConflictDecision; decidedBy: string } | { state: 'ended' },
): Promise<void> {
  if (ids.length === 0) return;
  await trx
    .updateTable('syncConflicts')
    .set({ ...ended, endedAt: now })
    .where('tenantId', '=', opaqueToPlanner(tenantId))
    .where('syncConflictId', 'in', ids)
    // Not by the index of open conflicts, which would read those of all records.
    .where(sql<boolean>`coalesce(state = 'open', false)`)
    .execute();
}
