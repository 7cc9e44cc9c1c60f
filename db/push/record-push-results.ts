/**
 * Records how pushes ended, or why they wait: record syncs, links, log, change feed and events, in one
 * transaction.
 *
 * Only rows still held by their claim are changed: a worker that has lost its lease changes nothing. A window
 * that opened since stays open, so a record changed in between shows Sync pending, not Synced (rules.md 6).
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../database';
import { endOutage, hasOutage } from '../integrations/write-outages';
import { updateEnded } from '../records/conflicts';
import { announceRecordSyncs, emitFailedPushes } from '../records/record-events';
import {
  type HeldClaims,
  type HeldRow,
  claimsOf,
  heldClaims,
  isHeldBy,
  lockHeldRecordSyncs,
  type ResultsOf,
} from './held-claims';
import { keysOf, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { READ_IN_ORDER } from '../sql/index-order';
import { runTogether } from '../sql/run-together';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { type OtherHolder, selectOtherHolders } from './linked-elsewhere';
import { areShared, ENDED_KINDS, newLinks, raisePushConflicts, refuseHeldRemotes } from './push-conflicts';
import type { FinishedPush } from './push-outcome';
import { WAITS_FOR_MS } from './references/references-of-push';
import { reopenIncomplete } from './references/write-references';
import { creationOf, noteAccepted } from './unresolved-creations';
import { writeLinks } from './write-links';

/** The pushes may be of several claims of one execution. */
export async function recordPushResults(
  work: TenantWork,
  { integrationId, finished, now }: { integrationId: string; finished: readonly FinishedPush[]; now: Date },
): Promise<void> {
  if (finished.length === 0) return;
  const results = { integrationId, now };
  const concluded = await beforeResults(
    work,
    results,
    finished.map(({ push, outcome }) => ({ push, outcome: sanitizeForPostgres(outcome) })),
  );
  const held = await writeRecordSyncs(work, results, concluded);
  const mine = concluded.filter(isHeldBy(held));
  if (mine.length === 0) return;
  const incomplete = mine.flatMap(({ push, outcome }) =>
    outcome.kind === 'succeeded' && push.leftOut.length > 0 ? [push] : [],
  );
  await reopenIncomplete(work, integrationId, incomplete, new Date(now.getTime() + WAITS_FOR_MS));
  await raisePushConflicts(work, { integrationId, finished: mine });
  const pushes = mine.map(({ push }) => push);
  const recordIds = mine.flatMap(({ push, outcome }) =>
    outcome.kind === 'succeeded' ? [push.recordId] : [],
  );
  await runTogether(work, [
    writePushes(work, { finished: mine, now }),
    ...writeLinks(work, { integrationId, finished: mine, now }),
    ...(recordIds.length > 0 ? [updateEnded(work, { integrationId, recordIds, kinds: ENDED_KINDS })] : []),
    ...announceRecordSyncs(work, integrationId, pushes),
  ]);
  const failed = mine.flatMap(({ push, outcome }) =>
    outcome.kind === 'failed' ? [{ ...push, errors: outcome.errors }] : [],
  );
  await emitFailedPushes(work, integrationId, failed);
}

/**
 * Finds out in one statement whether a success ends an outage, and which pushes led to the remote record of
 * another record: those have failed. The later statements change rows in the order of an index.
 */
async function beforeResults(
  work: TenantWork,
  results: ResultsOf,
  finished: readonly FinishedPush[],
): Promise<readonly FinishedPush[]> {
  const links = newLinks(finished);
  const isOver = endsWithSuccess(finished) ? hasOutage(work, results) : sql`false`;
  const holders = sql`(select json_agg(json_build_object('position', position, 'holder', holder))
    from (${selectOtherHolders(work, results.integrationId, links)}) other)`;
  const { rows } = await sql<{ isOutageOver: boolean; holders: OtherHolder[] | null }>`
    select ${isOver} as is_outage_over, ${links.length > 0 ? holders : sql`null`} as holders,
      ${READ_IN_ORDER}`.execute(work.trx);
  const found = rows[0] as (typeof rows)[0];
  // Before the record syncs, in the order in which other transactions lock them.
  if (found.isOutageOver) await endOutage(work, results);
  // Of two pushes to one remote record the first one wins, so those whose claim was lost must not take part.
  const counted = areShared(links)
    ? finished.filter(isHeldBy(await lockHeldRecordSyncs(work, results, finished)))
    : finished;
  const linked = (found.holders ?? []).map(
    ({ position, holder }) => [links[position]?.recordId ?? '', holder] as const,
  );
  return refuseHeldRemotes(counted, new Map(linked));
}

/** Whether the last call of these succeeded. A refusal of one record says nothing about the others. */
function endsWithSuccess(finished: readonly FinishedPush[]): boolean {
  const last = finished.findLast(({ outcome }) =>
    outcome.kind === 'waiting' ? outcome.wasCalled : outcome.kind !== 'failed' || !outcome.isCertain,
  );
  return last?.outcome.kind === 'succeeded';
}

async function writeRecordSyncs(
  work: TenantWork,
  results: ResultsOf,
  concluded: readonly FinishedPush[],
): Promise<HeldClaims> {
  const succeeded = concluded.filter(({ outcome }) => outcome.kind === 'succeeded');
  if (succeeded.length === concluded.length) return succeedRecordSyncs(work, results, succeeded);
  const held = await lockHeldRecordSyncs(work, results, concluded);
  await succeedRecordSyncs(work, results, succeeded);
  const mine = concluded.filter(isHeldBy(held));
  await noteAccepted(work, results.integrationId, mine);
  await writeUnsuccessful(work, results, mine);
  return held;
}

async function writeUnsuccessful(
  work: TenantWork,
  { integrationId, now }: ResultsOf,
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
            push_refusals: outcome.goesAlone === true ? Math.max(push.refusals, 1) : push.refusals,
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

const NO_CLAIM = sql`claim_id = null, lease_until = null`;
const NO_PUSH = sql`push_id = null, push_version = null, push_hash = null, push_refusals = 0,
  is_push_failing = false, next_attempt_at = null, give_up_at = null,
  is_backfill = record_sync.is_backfill and record_sync.window_opened_at is not null`;

async function succeedRecordSyncs(
  { trx, tenantId }: TenantWork,
  { integrationId, now }: ResultsOf,
  succeeded: readonly FinishedPush[],
): Promise<HeldClaims> {
  if (succeeded.length === 0) return new Map();
  const claims = claimsOf(succeeded);
  const { rows } = await sql<HeldRow>`
    update record_syncs record_sync set result_status = 'synced', result_version = push_version,
      result_hash = push_hash, last_synced_at = ${now}, discarded_at = null, discarded_by = null,
      absent_since = null, errors = null, unresolved_push_id = null, ${NO_CLAIM}, ${NO_PUSH}
    from ${rowsFrom(claims, 'record_id uuid, claim_id uuid')}
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)}
      and record_sync.integration_id = ${opaqueToPlanner(integrationId)}
      and record_sync.record_id = any(${keysOf(claims, 'record_id')})
      and record_sync.record_id = row.record_id and record_sync.claim_id = row.claim_id
      and record_sync.lease_until is not null
    returning row.record_id, row.claim_id`.execute(trx);
  return heldClaims(rows);
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
        is_push_failing = record_sync.is_push_failing or excluded.is_push_failing,
      next_attempt_at = excluded.next_attempt_at,
        unresolved_push_id = coalesce(record_sync.unresolved_push_id, excluded.unresolved_push_id),
          ${NO_CLAIM}`.execute(trx);
}

const PUSH_COLUMNS =
  'push_id uuid, result text, effect text, remote_id text, errors jsonb, payload jsonb, calls int';

function writePushes(
  { tenantId }: TenantWork,
  { finished, now }: { finished: FinishedPush[]; now: Date },
): RawBuilder<unknown> {
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
  return sql`
    update pushes set
      result = row.result,
      effect = coalesce(row.effect, pushes.effect),
      remote_id = row.remote_id,
      payload = coalesce(row.payload, pushes.payload),
      errors = case when row.result = 'succeeded' then null else coalesce(row.errors, pushes.errors) end,
      attempts = pushes.attempts + row.calls,
      last_attempt_at = case when row.calls > 0 then ${now}::timestamptz else pushes.last_attempt_at end,
      finished_at = case when row.result is not null then ${now}::timestamptz end
    from ${rowsFrom(rows, PUSH_COLUMNS)}
    where pushes.tenant_id = ${opaqueToPlanner(tenantId)} and pushes.push_id = row.push_id
      and pushes.push_id between ${ids[0]}::uuid and ${ids.at(-1)}::uuid`;
}
