/**
 * What people may do with a pair: push it now, hold it, release it, discard what waits, retry what failed (rules.md 9).
 * Each is a row and an outbox row, never a call to Temporal, so it works while Temporal is down.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { wakeLane } from '../platform/outbox';
import { appendStreamEvent } from '../platform/change-feed';
import type { StartedBecause } from '../../domain/push/debounce-window';

export type RecordSyncAct = 'push_now' | 'hold' | 'release' | 'discard' | 'retry';
export type RecordSyncActOutcome =
  | 'done'
  | 'not_found'
  /** No open window to push, hold, release or discard. */
  | 'nothing_pending'
  /** A push is under way at this very moment: wait for its end. */
  | 'already_syncing'
  /** The integration is paused or needs new credentials: resume it first. */
  | 'integration_paused'
  /** Nothing failed here that could be retried. */
  | 'nothing_failed';

interface Pair {
  windowOpenedAt: Date | null;
  windowReason: StartedBecause | null;
  windowFields: string[];
  windowChangedBy: string[];
  heldAt: Date | null;
  leaseUntil: Date | null;
  pushId: string | null;
  status: string | null;
  relevantVersion: number;
  mappingVersion: number;
  isWorking: boolean;
}

interface ActInput {
  act: RecordSyncAct;
  integrationId: string;
  recordId: string;
  /** Who acts, for the push log and the pair. */
  actor: string;
}

export async function actOnRecordSync(work: TenantWork, input: ActInput): Promise<RecordSyncActOutcome> {
  const pair = await lockPair(work, input);
  if (pair === undefined) return 'not_found';
  const outcome = await acts[input.act](work, input, pair);
  if (outcome === 'done') await appendStreamEvent(work, { topic: 'record_syncs', body: { integration_ids: [input.integrationId], count: 1 } });
  return outcome;
}

const acts: Record<RecordSyncAct, (work: TenantWork, input: ActInput, pair: Pair) => Promise<RecordSyncActOutcome>> = {
  async push_now(work, input, pair) {
    if (pair.windowOpenedAt === null) return pair.leaseUntil === null ? 'nothing_pending' : 'already_syncing';
    if (!pair.isWorking) return 'integration_paused';
    await update(work, input, { due_at: work.now, window_reason: 'manual', is_backfill: false, held_at: null, held_by: null });
    await wakeLane(work, { integrationId: input.integrationId, wakeAt: work.now });
    return 'done';
  },

  async hold(work, input, pair) {
    if (pair.windowOpenedAt === null) return pair.leaseUntil === null ? 'nothing_pending' : 'already_syncing';
    if (pair.heldAt === null) await update(work, input, { held_at: work.now, held_by: input.actor });
    return 'done';
  },

  /** Its deadline may have passed meanwhile: then it is due at once. */
  async release(work, input, pair) {
    if (pair.windowOpenedAt === null || pair.heldAt === null) return 'nothing_pending';
    await update(work, input, { held_at: null, held_by: null });
    await wakeLane(work, { integrationId: input.integrationId, wakeAt: work.now });
    return 'done';
  },

  /**
   * What waits is not sent, an attempt that waits to be repeated included; a call under way goes on. The pair keeps a
   * mark of it until its next success.
   */
  async discard(work, input, pair) {
    if (pair.windowOpenedAt === null) return pair.leaseUntil === null ? 'nothing_pending' : 'already_syncing';
    await logDiscarded(work, input, pair);
    const waitingPush = pair.leaseUntil === null && pair.pushId !== null ? CLOSED_PUSH : {};
    await update(work, input, { ...CLOSED_WINDOW, ...waitingPush, discarded_at: work.now, discarded_by: input.actor });
    return 'done';
  },

  async retry(work, input, pair) {
    if (pair.leaseUntil !== null) return 'already_syncing';
    if (!pair.isWorking) return 'integration_paused';
    if (pair.pushId !== null && pair.windowOpenedAt === null) await update(work, input, { next_attempt_at: work.now });
    else if (pair.status === 'sync_failed') {
      await update(work, input, { window_opened_at: work.now, due_at: work.now, window_reason: 'retry', window_changed_by: [input.actor] });
    } else return 'nothing_failed';
    await probeNow(work, input);
    await wakeLane(work, { integrationId: input.integrationId, wakeAt: work.now });
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
};
/** Nobody knows what such a push did: the next change is pushed whatever it says. */
const CLOSED_PUSH = {
  push_id: null,
  push_version: null,
  push_hash: null,
  push_refusals: 0,
  is_push_failing: false,
  next_attempt_at: null,
  give_up_at: null,
  concluded_hash: null,
};

async function lockPair({ trx, tenantId }: TenantWork, { integrationId, recordId }: ActInput): Promise<Pair | undefined> {
  const { rows } = await sql<Pair>`
    select pair.window_opened_at, pair.window_reason, pair.window_fields, pair.window_changed_by, pair.held_at, pair.lease_until, pair.push_id, pair.status,
      pair.relevant_version, integration.mapping_version, integration.paused_at is null and integration.needs_reauthorization_at is null as is_working
    from record_syncs pair
    join integrations integration on integration.tenant_id = pair.tenant_id and integration.integration_id = pair.integration_id and integration.deleted_at is null
    where pair.tenant_id = ${tenantId} and pair.integration_id = ${integrationId} and pair.record_id = ${recordId} for update of pair`.execute(trx);
  return rows[0];
}

/** Sets columns of one pair; keys are column names. */
async function update({ trx, tenantId }: TenantWork, { integrationId, recordId }: ActInput, columns: Record<string, unknown>): Promise<void> {
  const assignments = Object.entries(columns).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  await sql`
    update record_syncs set ${sql.join(assignments)}
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_id = ${recordId}`.execute(trx);
}

async function logDiscarded({ trx, tenantId, now }: TenantWork, { integrationId, recordId, actor }: ActInput, pair: Pair): Promise<void> {
  if (pair.leaseUntil === null && pair.pushId !== null) {
    await trx.updateTable('pushes').set({ result: 'discarded', finishedAt: now }).where('tenantId', '=', tenantId).where('pushId', '=', pair.pushId).execute();
  }
  await trx
    .insertInto('pushes')
    .values({
      tenantId,
      pushId: newUuid(),
      integrationId,
      recordId,
      recordVersion: pair.relevantVersion,
      mappingVersion: pair.mappingVersion,
      operation: 'upsert',
      startedBecause: 'manual',
      changedFields: pair.windowFields,
      changedBy: [...new Set([...pair.windowChangedBy, actor])],
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

/** Somebody wants to know now: an outage is probed at once. A rate limit is not overruled. */
async function probeNow({ trx, tenantId, now }: TenantWork, { integrationId }: ActInput): Promise<void> {
  await trx
    .updateTable('integrations')
    .set({ blockedUntil: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('blockedBecause', '=', 'outage')
    .where('blockedUntil', '>', now)
    .execute();
}
