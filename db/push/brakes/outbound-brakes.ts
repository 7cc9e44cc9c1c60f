/**
 * Parks pushes above a threshold before they leave, as a review (rules.md 53). A brake counts the records of
 * one integration, type and effect: those with an open window, and those that left within the sliding window.
 */
import { type RawBuilder, sql } from 'kysely';
import { exceedsBrake } from '../../../domain/brakes/brake';
import type { BrakedEffect, MappingEffect } from '../../../domain/push/braked-effect';
import { brakeOf } from '../../../domain/records/record-type-settings';
import type { TenantWork } from '../../database';
import type { Integration } from '../../integrations/integrations';
import { notifyAdmins } from '../../notifications/notifications';
import { appendStreamEvent } from '../../platform/change-feed';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import { newUuid } from '../../sql/ids';
import { type BrakeAllowances, HOUR_MS, hourOf, ownAllowances } from './brake-allowances';
import type { DecidedPush, LockedRecordSync } from '../claim';
import { type BrakeCount, type Braked, countBraked, selectToPark, typeWindows } from './count-braked';

type BrakedIntegration = Pick<
  Integration,
  'integrationId' | 'typeSettings' | 'mappingVersion' | 'mappingChangedBy'
>;

/** The allowance after a count above the threshold: no new count while no part of its review is decided. */
const ABOVE = -1;
const CAUSES_MAX = 10;
/** The longest window of a setting is 720 hours. */
const COUNTS_KEPT_MS = 721 * HOUR_MS;

/**
 * Checks the due windows of a claim, whose rows are locked. @returns the record ids of the windows that wait
 * for approval now. Other open windows of the same type and effect wait too, at most 5,000 per call.
 */
export async function parkAboveThreshold(
  work: TenantWork,
  integration: BrakedIntegration,
  due: readonly Pick<DecidedPush, 'recordSync' | 'record' | 'decision'>[],
  { allowances = ownAllowances() }: { allowances?: BrakeAllowances | undefined },
): Promise<ReadonlySet<string>> {
  const groups = new Map<string, Braked & { rows: LockedRecordSync[] }>();
  for (const { recordSync, record, decision } of due) {
    const effect = recordSync.windowEffect;
    if (effect === null || recordSync.windowOpenedAt === null || decision.kind !== 'push') continue;
    const key = `${effect} ${record.recordType}`;
    const group = groups.get(key) ?? { recordType: record.recordType, effect, rows: [] };
    group.rows.push(recordSync);
    groups.set(key, group);
  }
  const parked = new Set<string>();
  // In one order, so that claims that share allowances cannot deadlock.
  for (const [, { rows, ...braked }] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const allowed = await allowances.read(work, braked);
    if (allowed >= rows.length) {
      await allowances.keep(work, braked, allowed - rows.length);
      continue;
    }
    const setting = brakeOf(integration.typeSettings, braked.recordType, `push_${braked.effect}`);
    await typeWindows(work, { ...braked, integrationId: integration.integrationId });
    const isStillAbove = allowed === ABOVE && (await isReviewUndecided(work, integration, braked));
    const count = isStillAbove ? undefined : await countBraked(work, integration, braked, setting);
    if (count === undefined || exceedsBrake(setting, count)) {
      await park(work, integration, { ...braked, rows, count });
      await allowances.keep(work, braked, ABOVE);
      for (const { recordId } of rows) parked.add(recordId);
    } else {
      const threshold = Math.max(setting.count, Math.floor(setting.share * count.held));
      await allowances.keep(work, braked, Math.max(threshold - count.now - count.earlier, 0));
    }
  }
  return parked;
}

/** What the pushes of a new mapping would do, and whether they would wait for approval; as on the wire. */
export async function showEffects(
  work: TenantWork,
  integration: Pick<Integration, 'integrationId' | 'typeSettings'>,
  effects: readonly (Braked & { records: number })[],
): Promise<MappingEffect[]> {
  const shown: MappingEffect[] = [];
  for (const counted of effects)
    shown.push({
      record_type: counted.recordType,
      effect: counted.effect,
      records: counted.records,
      waits_for_approval: await wouldWait(work, integration, counted),
    });
  return shown;
}

async function wouldWait(
  work: TenantWork,
  integration: Pick<Integration, 'integrationId' | 'typeSettings'>,
  { records, ...braked }: Braked & { records: number },
): Promise<boolean> {
  const setting = brakeOf(integration.typeSettings, braked.recordType, `push_${braked.effect}`);
  return exceedsBrake(setting, await countBraked(work, integration, braked, setting, records));
}

async function park(
  work: TenantWork,
  integration: BrakedIntegration,
  {
    recordType,
    effect,
    rows,
    count = { now: rows.length, isMore: true },
  }: Braked & { rows: readonly LockedRecordSync[]; count: Pick<BrakeCount, 'now' | 'isMore'> | undefined },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const { integrationId } = integration;
  const ofClaim = rows.map(({ recordId }) => recordId);
  const braked = { integrationId, recordType, effect };
  const { pushReviewId, isNew } = await pendingReview(work, integration, { recordType, effect, rows });
  await sql`
    update record_syncs record_sync set held_at = ${now}::timestamptz, held_by = 'syncline',
      push_review_id = ${pushReviewId}
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)}
      and record_sync.integration_id = ${opaqueToPlanner(integrationId)}
      -- A list, which is read by the key: a join read all windows of a new tenant for each record.
      -- Those of this claim must not stay due; their rows are locked.
      and record_sync.record_id = any(${ofClaim}::uuid[] || ${selectToPark(work, braked)})`.execute(trx);
  await appendStreamEvent(work, {
    topic: 'record_syncs',
    body: { integration_ids: [integrationId], count: count.now },
  });
  if (isNew)
    await notifyAdmins(work, {
      integrationId,
      kind: 'pushes_need_review',
      detail:
        `${count.isMore ? 'At least ' : ''}${count.now} ${recordType} would be ${EFFECT_WORDS[effect]}. ` +
        'Nothing was sent: approve or discard these pushes.',
    });
}

const EFFECT_WORDS: Record<BrakedEffect, string> = {
  create: 'created',
  overwrite: 'overwritten',
  deactivate: 'deactivated',
  delete: 'deleted',
};

/** The pending review, locked: a decision that is being made waits for this claim, or this claim for it. */
const selectPending = (
  { trx, tenantId }: TenantWork,
  { integrationId }: BrakedIntegration,
  { recordType, effect }: Braked,
) =>
  trx
    .selectFrom('pushReviews')
    .select('pushReviewId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .where('effect', '=', effect)
    .where('state', '=', 'pending')
    .forUpdate();

/** Whether the pending review exists and no part of it was decided. */
async function isReviewUndecided(
  work: TenantWork,
  integration: BrakedIntegration,
  braked: Braked,
): Promise<boolean> {
  const review = await selectPending(work, integration, braked)
    .where('recordsApproved', '=', 0)
    .where('recordsDiscarded', '=', 0)
    .executeTakeFirst();
  return review !== undefined;
}

/** One review per type and effect waits at a time; what comes later joins it. */
async function pendingReview(
  work: TenantWork,
  integration: BrakedIntegration,
  braked: Braked & { rows: readonly LockedRecordSync[] },
): Promise<{ pushReviewId: string; isNew: boolean }> {
  const { trx, tenantId, now } = work;
  const { integrationId, mappingVersion, mappingChangedBy } = integration;
  const { recordType, effect, rows } = braked;
  const startedBecause = rows[0]?.windowReason ?? 'quiet';
  const causedBy =
    startedBecause === 'mapping_changed' && mappingChangedBy !== null
      ? [mappingChangedBy]
      : [...new Set(rows.flatMap(({ windowChangedBy }) => windowChangedBy))].slice(0, CAUSES_MAX);
  const inserted = await trx
    .insertInto('pushReviews')
    .values({
      tenantId,
      pushReviewId: newUuid(),
      integrationId,
      recordType,
      effect,
      startedBecause,
      causedBy,
      mappingVersion,
      state: 'pending',
      decidedBy: null,
      decidedAt: null,
      finishedAt: null,
      createdAt: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('pushReviewId')
    .executeTakeFirst();
  if (inserted !== undefined) return { ...inserted, isNew: true };
  const pending = await selectPending(work, integration, braked).executeTakeFirst();
  // Decided while this claim waited for it.
  return pending === undefined ? pendingReview(work, integration, braked) : { ...pending, isNew: false };
}

/** Statements that add the pushes that leave to the sliding window. Approved ones have no effect any more. */
export function countLeaving(
  { tenantId, now }: TenantWork,
  { integrationId }: BrakedIntegration,
  decided: readonly DecidedPush[],
): RawBuilder<unknown>[] {
  const counts = new Map<string, { record_type: string; effect: BrakedEffect; records: number }>();
  for (const { decision, recordSync, record } of decided) {
    const effect = recordSync.windowEffect;
    if (effect === null || recordSync.windowOpenedAt === null) continue;
    if (decision.kind !== 'push' || !decision.isNew) continue;
    const key = `${effect} ${record.recordType}`;
    const records = (counts.get(key)?.records ?? 0) + 1;
    counts.set(key, { record_type: record.recordType, effect, records });
  }
  if (counts.size === 0) return [];
  const oldest = new Date(now.getTime() - COUNTS_KEPT_MS);
  const counted = sql`
    insert into brake_counts (tenant_id, integration_id, record_type, effect, hour, records)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_type, effect, ${hourOf(now)}::timestamptz, records
    from ${rowsFrom([...counts.values()], 'record_type text, effect text, records bigint')}
    order by record_type, effect
    on conflict (tenant_id, integration_id, record_type, effect, hour) do update set
      records = brake_counts.records + excluded.records`;
  // One statement each: PostgreSQL 15 reads the counts of all types to find those of a list. All claims have
  // the statements in the same order.
  const inOrder = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const outdated = inOrder.map(
    ([, { record_type: recordType, effect }]) => sql`
      delete from brake_counts
      where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
        and effect = ${effect} and hour < ${oldest}`,
  );
  return [counted, ...outdated];
}
