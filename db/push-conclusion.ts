/**
 * How pushes of one claim ended, or why they wait: the pairs, the links, the log and the stream in one transaction.
 *
 * Only rows still held by this claim are touched: a worker that lost its lease changes nothing any more.
 * A window that opened meanwhile stays open, so a dirty pair shows Sync pending, not Synced (semantics.md 6).
 */
import { sql } from 'kysely';
import type { SyncError } from '../domain/sync-error';
import type { ClaimedPush } from './push-claim';
import type { TenantWork } from './database';
import { rowsFrom } from './rows';
import { appendStreamEvent } from './stream';
import type { PushEffect } from './tables';

export type PushOutcome =
  | { kind: 'succeeded'; effect: PushEffect; remoteId: string | null; remoteVersion: string | null }
  /** `isCertain`: the third party refused it, so it still holds what it held; otherwise nobody knows. */
  | { kind: 'failed'; errors: SyncError[]; isCertain: boolean }
  /** Refused with trouble of its own (5xx while the third party is well): tried again by itself. */
  | { kind: 'retry'; errors: SyncError[]; refusals: number; nextAttemptAt: Date }
  /** The whole integration waits: outage, rate limit, credentials, or the worker is stopping. `errors` null = none of its own. */
  | { kind: 'waiting'; wasCalled: boolean; errors: SyncError[] | null; isFailing: boolean };

export interface ConcludedPush {
  push: ClaimedPush;
  outcome: PushOutcome;
}

export async function concludePushes(
  work: TenantWork,
  { integrationId, claimId, concluded, now }: { integrationId: string; claimId: string; concluded: readonly ConcludedPush[]; now: Date },
): Promise<void> {
  if (concluded.length === 0) return;
  const held = await lockHeldPairs(work, { integrationId, claimId });
  const mine = concluded.filter(({ push }) => held.has(push.recordId));
  if (mine.length === 0) return;
  await writePairs(work, { integrationId, concluded: mine, now });
  await writePushes(work, { concluded: mine, now });
  await writeLinks(work, { integrationId, concluded: mine, now });
  await announce(work, { integrationId, concluded: mine });
}

/** Ordered, as in an acceptance, so that the two cannot block each other for ever. */
async function lockHeldPairs({ trx, tenantId }: TenantWork, { integrationId, claimId }: { integrationId: string; claimId: string }): Promise<Set<string>> {
  const { rows } = await sql<{ recordId: string }>`
    select record_id from record_syncs
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and claim_id = ${claimId} and lease_until is not null
    order by record_id for update`.execute(trx);
  return new Set(rows.map((row) => row.recordId));
}

async function writePairs({ trx, tenantId }: TenantWork, { integrationId, concluded, now }: { integrationId: string; concluded: ConcludedPush[]; now: Date }): Promise<void> {
  const rows = concluded.map(({ push, outcome }) => ({
    record_id: push.recordId,
    kind: outcome.kind,
    is_concluded: outcome.kind === 'succeeded' || outcome.kind === 'failed',
    is_certain: outcome.kind === 'succeeded' || (outcome.kind === 'failed' && outcome.isCertain),
    refusals: outcome.kind === 'retry' ? outcome.refusals : push.refusals,
    is_failing: outcome.kind === 'waiting' && outcome.isFailing,
    next_attempt_at: outcome.kind === 'retry' ? outcome.nextAttemptAt : now,
    errors: outcome.kind === 'succeeded' ? null : outcome.errors,
  }));
  const columns = 'record_id uuid, kind text, is_concluded boolean, is_certain boolean, refusals int, is_failing boolean, next_attempt_at timestamptz, errors jsonb';
  await sql`
    update record_syncs pair set
      claim_id = null,
      lease_until = null,
      settled_status = case row.kind when 'succeeded' then 'synced' when 'failed' then 'sync_failed' else pair.settled_status end,
      concluded_version = case when row.is_concluded then pair.push_version else pair.concluded_version end,
      concluded_hash = case when row.is_concluded then case when row.is_certain then pair.push_hash end else pair.concluded_hash end,
      last_synced_at = case when row.kind = 'succeeded' then ${now}::timestamptz else pair.last_synced_at end,
      discarded_at = case when row.kind = 'succeeded' then null else pair.discarded_at end,
      discarded_by = case when row.kind = 'succeeded' then null else pair.discarded_by end,
      errors = case when row.kind = 'succeeded' then null else coalesce(row.errors, pair.errors) end,
      push_id = case when row.is_concluded then null else pair.push_id end,
      push_version = case when row.is_concluded then null else pair.push_version end,
      push_hash = case when row.is_concluded then null else pair.push_hash end,
      push_refusals = case when row.is_concluded then 0 else row.refusals end,
      is_push_failing = row.is_failing,
      next_attempt_at = case when row.is_concluded then null else row.next_attempt_at end,
      give_up_at = case when row.is_concluded then null else pair.give_up_at end,
      is_backfill = pair.is_backfill and not row.is_concluded
    from ${rowsFrom(rows, columns)}
    where pair.tenant_id = ${tenantId} and pair.integration_id = ${integrationId} and pair.record_id = row.record_id`.execute(trx);
}

async function writePushes({ trx, tenantId }: TenantWork, { concluded, now }: { concluded: ConcludedPush[]; now: Date }): Promise<void> {
  const rows = concluded.map(({ push, outcome }) => ({
    push_id: push.pushId,
    result: outcome.kind === 'succeeded' || outcome.kind === 'failed' ? outcome.kind : null,
    effect: outcome.kind === 'succeeded' ? outcome.effect : null,
    remote_id: outcome.kind === 'succeeded' ? outcome.remoteId : null,
    errors: outcome.kind === 'succeeded' ? null : outcome.errors,
    calls: outcome.kind === 'waiting' && !outcome.wasCalled ? 0 : 1,
  }));
  await sql`
    update pushes set
      result = row.result,
      effect = row.effect,
      remote_id = row.remote_id,
      errors = case when row.result = 'succeeded' then null else coalesce(row.errors, pushes.errors) end,
      attempts = pushes.attempts + row.calls,
      last_attempt_at = case when row.calls > 0 then ${now}::timestamptz else pushes.last_attempt_at end,
      finished_at = case when row.result is not null then ${now}::timestamptz end
    from ${rowsFrom(rows, 'push_id uuid, result text, effect text, remote_id text, errors jsonb, calls int')}
    where pushes.tenant_id = ${tenantId} and pushes.push_id = row.push_id`.execute(trx);
}

async function writeLinks({ trx, tenantId }: TenantWork, { integrationId, concluded, now }: { integrationId: string; concluded: ConcludedPush[]; now: Date }): Promise<void> {
  const kept: object[] = [];
  const gone: string[] = [];
  for (const { push, outcome } of concluded) {
    if (outcome.kind !== 'succeeded') continue;
    const isThere = outcome.remoteId !== null && outcome.effect !== 'deleted' && push.operation !== 'delete';
    if (isThere) kept.push({ record_id: push.recordId, remote_id: outcome.remoteId, remote_version: outcome.remoteVersion, agreed: push.payload, is_deactivated: push.operation === 'deactivate' });
    else gone.push(push.recordId);
  }
  if (kept.length > 0) {
    await sql`
      insert into record_links (tenant_id, integration_id, record_id, remote_id, remote_version, agreed, is_deactivated, updated_at)
      select ${tenantId}::uuid, ${integrationId}::uuid, record_id, remote_id, remote_version, agreed, is_deactivated, ${now}::timestamptz
      from ${rowsFrom(kept, 'record_id uuid, remote_id text, remote_version text, agreed jsonb, is_deactivated boolean')}
      on conflict (tenant_id, integration_id, record_id) do update set remote_id = excluded.remote_id, remote_version = excluded.remote_version,
        agreed = excluded.agreed, is_deactivated = excluded.is_deactivated, updated_at = excluded.updated_at`.execute(trx);
  }
  if (gone.length > 0) {
    await trx.deleteFrom('recordLinks').where('tenantId', '=', tenantId).where('integrationId', '=', integrationId).where('recordId', 'in', gone).execute();
  }
}

async function announce(work: TenantWork, { integrationId, concluded }: { integrationId: string; concluded: ConcludedPush[] }): Promise<void> {
  const records = concluded.map(({ push }) => ({ record_type: push.recordType, external_id: push.externalId }));
  await appendStreamEvent(work, { topic: 'record_syncs', body: { integration_ids: [integrationId], records: records.slice(0, 20), count: records.length } });
}
