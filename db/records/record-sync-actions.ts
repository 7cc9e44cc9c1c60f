/**
 * What people may do with a record sync: push it now, hold it, release it, discard what waits, retry what
 * failed (rules.md 9). Each action writes a row and an outbox message and never calls Temporal, so it works
 * while Temporal is down.
 */
import { sql } from 'kysely';
import { PUSH_KINDS } from '../../domain/push/push-kind';
import type { TenantWork } from '../database';
import { lockForProbe, probeNow } from './probe-now';
import { newUuid } from '../sql/ids';
import { enqueuePush } from '../platform/outbox';
import { appendStreamEvent } from '../platform/change-feed';
import type { StartedBecause } from '../../domain/push/debounce-window';

export type RecordSyncAction = 'push_now' | 'hold' | 'release' | 'discard' | 'retry';
export type RecordSyncActionOutcome =
  | 'done'
  | 'not_found'
  /** No open window to push, hold, release or discard. */
  | 'nothing_pending'
  /** A push is in progress: wait for its end. */
  | 'already_syncing'
  /** Its push review is not decided. */
  | 'waits_for_approval'
  /** The integration is paused or needs new credentials: resume it first. */
  | 'integration_paused'
  /** No failed push to retry. */
  | 'nothing_failed';

interface RecordSyncRow {
  windowOpenedAt: Date | null;
  windowReason: StartedBecause | null;
  windowFields: string[];
  windowChangedBy: string[];
  heldAt: Date | null;
  pushReviewId: string | null;
  leaseUntil: Date | null;
  pushId: string | null;
  status: string | null;
  relevantVersion: number;
  mappingVersion: number;
  isWorking: boolean;
}

interface ActionInput {
  action: RecordSyncAction;
  integrationId: string;
  recordId: string;
  /** The caller, for the push log and the record sync. */
  actor: string;
}

/** They end the waits of the integration. */
const TRIES_NOW: ReadonlySet<RecordSyncAction> = new Set(['push_now', 'retry']);

export async function applyRecordSyncAction(
  work: TenantWork,
  input: ActionInput,
): Promise<RecordSyncActionOutcome> {
  // Before the record sync, in the order in which other transactions lock them.
  if (TRIES_NOW.has(input.action)) await lockForProbe(work, input);
  const recordSync = await lockRecordSync(work, input);
  if (recordSync === undefined) return 'not_found';
  const outcome = await actions[input.action](work, input, recordSync);
  if (outcome === 'done')
    await appendStreamEvent(work, {
      topic: 'record_syncs',
      body: { integration_ids: [input.integrationId], count: 1 },
    });
  return outcome;
}

const actions: Record<
  RecordSyncAction,
  (work: TenantWork, input: ActionInput, recordSync: RecordSyncRow) => Promise<RecordSyncActionOutcome>
> = {
  /** Without an open window, a push that waits for its next attempt is sent. */
  async push_now(work, input, recordSync) {
    if (recordSync.windowOpenedAt === null) {
      if (recordSync.leaseUntil !== null) return 'already_syncing';
      return recordSync.pushId === null ? 'nothing_pending' : actions.retry(work, input, recordSync);
    }
    if (recordSync.pushReviewId !== null) return 'waits_for_approval';
    if (!recordSync.isWorking) return 'integration_paused';
    await update(work, input, {
      due_at: work.now,
      window_reason: 'manual',
      push_priority: PUSH_KINDS.manual,
      is_backfill: false,
      held_at: null,
      held_by: null,
      window_effect: null,
    });
    await probeNow(work, input);
    await enqueuePush(work, { integrationId: input.integrationId, nextDueAt: work.now });
    return 'done';
  },

  async hold(work, input, recordSync) {
    if (recordSync.windowOpenedAt === null)
      return recordSync.leaseUntil === null ? 'nothing_pending' : 'already_syncing';
    if (recordSync.pushReviewId !== null) return 'waits_for_approval';
    if (recordSync.heldAt === null) await update(work, input, { held_at: work.now, held_by: input.actor });
    return 'done';
  },

  /** If the deadline has passed, the push is due at once. */
  async release(work, input, recordSync) {
    if (recordSync.windowOpenedAt === null || recordSync.heldAt === null) return 'nothing_pending';
    if (recordSync.pushReviewId !== null) return 'waits_for_approval';
    await update(work, input, { held_at: null, held_by: null });
    await enqueuePush(work, { integrationId: input.integrationId, nextDueAt: work.now });
    return 'done';
  },

  /**
   * The open window is not pushed, and a push that waits for a retry is dropped; a call in progress
   * continues. The record sync is marked as discarded until its next success.
   */
  async discard(work, input, recordSync) {
    if (recordSync.windowOpenedAt === null)
      return recordSync.leaseUntil === null ? 'nothing_pending' : 'already_syncing';
    await logDiscarded(work, input, recordSync);
    const waitingPush = recordSync.leaseUntil === null && recordSync.pushId !== null ? CLOSED_PUSH : {};
    await update(work, input, {
      ...CLOSED_WINDOW,
      ...waitingPush,
      discarded_at: work.now,
      discarded_by: input.actor,
    });
    return 'done';
  },

  async retry(work, input, recordSync) {
    if (recordSync.leaseUntil !== null) return 'already_syncing';
    if (!recordSync.isWorking) return 'integration_paused';
    if (recordSync.pushId !== null && recordSync.windowOpenedAt === null)
      await update(work, input, {
        next_attempt_at: work.now,
        push_priority: PUSH_KINDS.manual,
        is_backfill: false,
      });
    else if (recordSync.status === 'sync_failed') {
      await update(work, input, {
        window_opened_at: work.now,
        due_at: work.now,
        window_reason: 'retry',
        push_priority: PUSH_KINDS.manual,
        window_changed_by: [input.actor],
      });
    } else return 'nothing_failed';
    await probeNow(work, input);
    await enqueuePush(work, { integrationId: input.integrationId, nextDueAt: work.now });
    return 'done';
  },
};

const CLOSED_WINDOW = {
  window_opened_at: null,
  due_at: null,
  window_reason: null,
  window_fields: [],
  window_changed_by: [],
  is_backfill: false,
  held_at: null,
  held_by: null,
  window_effect: null,
  push_review_id: null,
};
/** The outcome of such a push is unknown, so the next change is pushed whatever it contains. */
const CLOSED_PUSH = {
  push_id: null,
  push_version: null,
  push_hash: null,
  push_refusals: 0,
  is_push_failing: false,
  next_attempt_at: null,
  give_up_at: null,
  result_hash: null,
};

async function lockRecordSync(
  { trx, tenantId }: TenantWork,
  { integrationId, recordId }: ActionInput,
): Promise<RecordSyncRow | undefined> {
  const { rows } = await sql<RecordSyncRow>`
    select record_sync.window_opened_at, record_sync.window_reason, record_sync.window_fields,
      record_sync.window_changed_by, record_sync.held_at, record_sync.push_review_id, record_sync.lease_until, record_sync.push_id,
        record_sync.status,
      record_sync.relevant_version, integration.mapping_version, integration.paused_at is null
        and integration.needs_reauthorization_at is null as is_working
    from record_syncs record_sync
    join integrations integration on integration.tenant_id = record_sync.tenant_id
      and integration.integration_id = record_sync.integration_id and integration.deleted_at is null
    where record_sync.tenant_id = ${tenantId} and record_sync.integration_id = ${integrationId} and
      record_sync.record_id = ${recordId} for update of record_sync`.execute(trx);
  return rows[0];
}

/** Sets columns of one record sync; keys are column names. */
async function update(
  { trx, tenantId }: TenantWork,
  { integrationId, recordId }: ActionInput,
  columns: Record<string, unknown>,
): Promise<void> {
  const assignments = Object.entries(columns).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  await sql`
    update record_syncs set ${sql.join(assignments)}
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_id = ${recordId}`.execute(
    trx,
  );
}

async function logDiscarded(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordId, actor }: ActionInput,
  recordSync: RecordSyncRow,
): Promise<void> {
  if (recordSync.leaseUntil === null && recordSync.pushId !== null) {
    await trx
      .updateTable('pushes')
      .set({ result: 'discarded', finishedAt: now })
      .where('tenantId', '=', tenantId)
      .where('pushId', '=', recordSync.pushId)
      .execute();
  }
  await trx
    .insertInto('pushes')
    .values({
      tenantId,
      pushId: newUuid(),
      integrationId,
      recordId,
      recordVersion: recordSync.relevantVersion,
      mappingVersion: recordSync.mappingVersion,
      operation: 'upsert',
      startedBecause: 'manual',
      changedFields: recordSync.windowFields,
      changedBy: [...new Set([...recordSync.windowChangedBy, actor])],
      payload: null,
      result: 'discarded',
      effect: null,
      remoteId: null,
      errors: null,
      attempts: 0,
      startedAt: now,
      lastAttemptAt: null,
      finishedAt: now,
    })
    .execute();
}
