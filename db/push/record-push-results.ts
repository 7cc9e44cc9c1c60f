/**
 * Records how the pushes of one claim ended, or why they wait: record syncs, links, log, change feed and
 * events, in one transaction.
 *
 * Only rows still held by this claim are changed: a worker that has lost its lease changes nothing. A window
 * that opened since stays open, so a record changed in between shows Sync pending, not Synced (rules.md 6).
 */
import { sql } from 'kysely';
import type { ClaimedPush } from './claim';
import type { TenantWork } from '../database';
import { endOutage } from '../integrations/write-outages';
import { announceRecordSyncs, emitFailedPushes } from '../records/record-events';
import { idList, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { recordPushConflicts, refuseHeldRemotes } from './push-conflicts';
import type { FinishedPush } from './push-outcome';
import { WAITS_FOR_MS } from './references/references-of-push';
import { reopenIncomplete } from './references/write-references';
import { writeLinks } from './write-links';

export async function recordPushResults(
  work: TenantWork,
  {
    integrationId,
    claimId,
    finished,
    now,
  }: { integrationId: string; claimId: string; finished: readonly FinishedPush[]; now: Date },
): Promise<void> {
  if (finished.length === 0) return;
  // Before the record syncs, in the order in which other transactions lock them.
  if (endsWithSuccess(finished)) await endOutage(work, { integrationId });
  const claim = { integrationId, claimId, now };
  const concluded = await refuseHeldRemotes(
    work,
    integrationId,
    finished.map(({ push, outcome }) => ({ push, outcome: sanitizeForPostgres(outcome) })),
    () => lockHeldRecordSyncs(work, claim, finished.map(recordIdOf)),
  );
  const held = await writeRecordSyncs(work, claim, concluded);
  const mine = concluded.filter(({ push }) => held.has(push.recordId));
  if (mine.length === 0) return;
  const incomplete = mine.flatMap(({ push, outcome }) =>
    outcome.kind === 'succeeded' && push.leftOut.length > 0 ? [push] : [],
  );
  await reopenIncomplete(work, integrationId, incomplete, new Date(now.getTime() + WAITS_FOR_MS));
  await writePushes(work, { finished: mine, now });
  await writeLinks(work, { integrationId, finished: mine, now });
  await recordPushConflicts(work, { integrationId, finished: mine });
  await announceRecordSyncs(
    work,
    integrationId,
    mine.map(({ push }) => push),
  );
  const failed = mine.flatMap(({ push, outcome }) =>
    outcome.kind === 'failed' ? [{ ...push, errors: outcome.errors }] : [],
  );
  await emitFailedPushes(work, integrationId, failed);
}

const recordIdOf = ({ push }: FinishedPush): string => push.recordId;

/** Whether the last call of these succeeded. A refusal of one record says nothing about the others. */
function endsWithSuccess(finished: readonly FinishedPush[]): boolean {
  const last = finished.findLast(({ outcome }) =>
    outcome.kind === 'waiting' ? outcome.wasCalled : outcome.kind !== 'failed' || !outcome.isCertain,
  );
  return last?.outcome.kind === 'succeeded';
}

interface HeldClaim {
  integrationId: string;
  claimId: string;
  now: Date;
}

/** In the same order as an acceptance, so that the two cannot deadlock. */
async function lockHeldRecordSyncs(
  { trx, tenantId }: TenantWork,
  { integrationId, claimId }: HeldClaim,
  recordIds: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql<{ recordId: string }>`
    select record_sync.record_id
    from unnest(${recordIds.toSorted()}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and
        integration_id = ${opaqueToPlanner(integrationId)} and record_id = wanted.record_id
          and claim_id = ${claimId} and lease_until is not null
      for update) record_sync`.execute(trx);
  return new Set(rows.map((row) => row.recordId));
}

/** @returns the ids of the records that the claim still held. */
async function writeRecordSyncs(
  work: TenantWork,
  claim: HeldClaim,
  concluded: readonly FinishedPush[],
): Promise<Set<string>> {
  const succeeded = concluded.filter(({ outcome }) => outcome.kind === 'succeeded');
  if (succeeded.length === concluded.length)
    return succeedRecordSyncs(work, claim, succeeded.map(recordIdOf));
  const held = await lockHeldRecordSyncs(work, claim, concluded.map(recordIdOf));
  await succeedRecordSyncs(work, claim, succeeded.map(recordIdOf));
  await writeUnsuccessful(
    work,
    claim,
    concluded.filter(({ push }) => held.has(push.recordId)),
  );
  return held;
}

async function writeUnsuccessful(
  work: TenantWork,
  { integrationId, now }: HeldClaim,
  finished: readonly FinishedPush[],
): Promise<void> {
  for (const isCertain of [true, false]) {
    const rows = finished.flatMap(({ push, outcome }) =>
      outcome.kind === 'failed' && outcome.isCertain === isCertain
        ? [
            {
              record_id: push.recordId,
              errors: outcome.errors,
              unresolved_push_id: isCertain ? null : creationOf(push),
            },
          ]
        : [],
    );
    await failRecordSyncs(work, { integrationId, rows, isCertain });
  }
  const waiting = finished.flatMap(({ push, outcome }) => {
    if (outcome.kind !== 'retry' && outcome.kind !== 'waiting') return [];
    const again =
      outcome.kind === 'retry'
        ? { push_refusals: outcome.refusals, next_attempt_at: outcome.nextAttemptAt }
        : {
            push_refusals: outcome.wasProbe === true ? Math.max(push.refusals, 1) : push.refusals,
            next_attempt_at: outcome.dueAt ?? now,
          };
    const wasCalled = outcome.kind === 'retry' || outcome.wasCalled;
    return [
      {
        record_id: push.recordId,
        errors: outcome.errors,
        is_push_failing: outcome.isFailing,
        unresolved_push_id: wasCalled ? creationOf(push) : null,
        ...again,
      },
    ];
  });
  await keepRecordSyncsWaiting(work, { integrationId, rows: waiting });
}

/** A call that may have created the record although its response was lost. */
const creationOf = (push: ClaimedPush): string | null =>
  push.operation === 'upsert' && push.remoteId === null ? push.pushId : null;

const NO_CLAIM = sql`claim_id = null, lease_until = null`;
const NO_PUSH = sql`push_id = null, push_version = null, push_hash = null, push_refusals = 0,
  is_push_failing = false, next_attempt_at = null, give_up_at = null, is_backfill = false`;

/**
 * Updates in the order of the index, as an acceptance does, so that the two cannot deadlock. @returns the ids
 * of the records that the claim still held.
 */
async function succeedRecordSyncs(
  work: TenantWork,
  { integrationId, claimId, now }: HeldClaim,
  recordIds: readonly string[],
): Promise<Set<string>> {
  if (recordIds.length === 0) return new Set();
  const { trx, tenantId } = work;
  const update = sql<{ recordId: string }>`
    update record_syncs set result_status = 'synced', result_version = push_version, result_hash = push_hash,
      last_synced_at = ${now}, discarded_at = null, discarded_by = null, absent_since = null, errors = null,
      unresolved_push_id = null, ${NO_CLAIM}, ${NO_PUSH}
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = any(${idList(recordIds)}) and claim_id = ${claimId} and lease_until is not null
    returning record_id`;
  const { rows } = await inIndexOrder(work, () => update.execute(trx));
  return new Set(rows.map(({ recordId }) => recordId));
}

async function failRecordSyncs(
  { trx, tenantId }: TenantWork,
  { integrationId, rows, isCertain }: { integrationId: string; rows: object[]; isCertain: boolean },
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version, errors,
      unresolved_push_id)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, 0, errors, unresolved_push_id
      from ${rowsFrom(rows, 'record_id uuid, errors jsonb, unresolved_push_id uuid')}
    on conflict (tenant_id, integration_id, record_id) do update set
      result_status = 'sync_failed', result_version = record_sync.push_version,
        result_hash = ${isCertain ? sql`record_sync.push_hash` : sql`null`},
      errors = coalesce(excluded.errors, record_sync.errors),
      unresolved_push_id = ${
        isCertain
          ? sql`nullif(record_sync.unresolved_push_id,
        record_sync.push_id)`
          : sql`coalesce(record_sync.unresolved_push_id, excluded.unresolved_push_id)`
      },
      ${NO_CLAIM}, ${NO_PUSH}`.execute(trx);
}

async function keepRecordSyncsWaiting(
  { trx, tenantId }: TenantWork,
  { integrationId, rows }: { integrationId: string; rows: object[] },
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version, errors,
      push_refusals, is_push_failing, next_attempt_at, unresolved_push_id)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, 0, errors, push_refusals, is_push_failing,
      next_attempt_at, unresolved_push_id
    from ${rowsFrom(
      rows,
      `
        record_id uuid, errors jsonb, push_refusals int, is_push_failing boolean,
        next_attempt_at timestamptz, unresolved_push_id uuid`,
    )}
    on conflict (tenant_id, integration_id, record_id) do update set
      errors = coalesce(excluded.errors, record_sync.errors), push_refusals = excluded.push_refusals,
        is_push_failing = excluded.is_push_failing,
      next_attempt_at = excluded.next_attempt_at,
        unresolved_push_id = coalesce(record_sync.unresolved_push_id, excluded.unresolved_push_id),
          ${NO_CLAIM}`.execute(trx);
}

const PUSH_COLUMNS =
  'push_id uuid, result text, effect text, remote_id text, errors jsonb, payload jsonb, calls int';

async function writePushes(
  { trx, tenantId }: TenantWork,
  { finished, now }: { finished: FinishedPush[]; now: Date },
): Promise<void> {
  const rows = finished.map(({ push, outcome }) => ({
    push_id: push.pushId,
    result: outcome.kind === 'succeeded' || outcome.kind === 'failed' ? outcome.kind : null,
    effect: outcome.kind === 'succeeded' ? outcome.effect : null,
    remote_id: outcome.kind === 'succeeded' ? outcome.remoteId : null,
    errors: outcome.kind === 'succeeded' ? null : outcome.errors,
    payload: outcome.kind === 'succeeded' ? outcome.unread?.payload : undefined,
    calls: outcome.kind === 'waiting' && !outcome.wasCalled ? 0 : 1,
  }));
  const ids = rows.map((row) => row.push_id).sort();
  await sql`
    update pushes set
      result = row.result,
      effect = row.effect,
      remote_id = row.remote_id,
      payload = coalesce(row.payload, pushes.payload),
      errors = case when row.result = 'succeeded' then null else coalesce(row.errors, pushes.errors) end,
      attempts = pushes.attempts + row.calls,
      last_attempt_at = case when row.calls > 0 then ${now}::timestamptz else pushes.last_attempt_at end,
      finished_at = case when row.result is not null then ${now}::timestamptz end
    from ${rowsFrom(rows, PUSH_COLUMNS)}
    where pushes.tenant_id = ${opaqueToPlanner(tenantId)} and pushes.push_id = row.push_id
      and pushes.push_id between ${ids[0]}::uuid and ${ids.at(-1)}::uuid`.execute(trx);
}
