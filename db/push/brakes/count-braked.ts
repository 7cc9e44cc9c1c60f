/**
 * What a brake counts (rules.md 53): the open windows of an integration, type and effect, what has left
 * within the sliding window, and the records that are linked. Nothing of other types is read.
 */
import { type RawBuilder, sql } from 'kysely';
import { exceedsBrake, type BrakeSetting } from '../../../domain/brakes/brake';
import type { BrakedEffect } from '../../../domain/push/braked-effect';
import type { TenantWork } from '../../database';
import type { Integration } from '../../integrations/integrations';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import { HOUR_MS } from './brake-allowances';

export interface Braked {
  recordType: string;
  effect: BrakedEffect;
}

interface BrakedAt extends Braked {
  integrationId: string;
}

export interface BrakeCount {
  now: number;
  earlier: number;
  /** More windows are open. */
  isMore: boolean;
  /** Records that the third party has, counted as far as the share needs it. */
  held: number;
}

const WINDOWS_PER_STATEMENT = 5_000;
/** A notification says an exact number up to here. */
const WINDOWS_COUNTED_FIRST = 10_000;

/** As many windows are counted as the decision needs, in steps. */
export async function countBraked(
  work: TenantWork,
  { integrationId }: Pick<Integration, 'integrationId'>,
  braked: Braked,
  setting: BrakeSetting,
  previewed?: number,
): Promise<BrakeCount> {
  for (let limit = WINDOWS_COUNTED_FIRST; ; limit *= 10) {
    // A new mapping decides again about open windows.
    const windows = previewed === undefined ? limit : 0;
    const { now, earlier } = await countWindows(work, { integrationId, ...braked }, setting, windows);
    const changed = { now: previewed ?? now, earlier };
    const held = await countHeld(work, { integrationId, ...braked }, setting, changed);
    const count = { ...changed, held, isMore: previewed === undefined && now === limit };
    if (!count.isMore || exceedsBrake(setting, count)) return count;
  }
}

/** In the index record_syncs_by_type, with its condition. */
const openWindows = ({ tenantId }: TenantWork, { integrationId, effect }: BrakedAt) =>
  sql`tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
    and window_effect = ${effect} and window_opened_at is not null
    and (held_at is null or push_review_id is not null)`;

/** Windows that a version without `window_record_type` has opened. */
const untypedWindows = (work: TenantWork, braked: BrakedAt) =>
  sql`${openWindows(work, braked)} and window_record_type is null`;

const typeOfRecord = ({ tenantId }: TenantWork) =>
  sql`(select record_type from records
    where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = record_syncs.record_id)`;

/** The next untyped windows get their type, so that later claims do not read them for other types. */
export async function typeWindows(work: TenantWork, braked: BrakedAt): Promise<void> {
  await sql`
    update record_syncs set window_record_type = ${typeOfRecord(work)}
    where tenant_id = ${opaqueToPlanner(work.tenantId)}
      and integration_id = ${opaqueToPlanner(braked.integrationId)} and record_id = any(array(
        select record_id from record_syncs where ${untypedWindows(work, braked)}
        limit ${WINDOWS_PER_STATEMENT} for update skip locked))`.execute(work.trx);
}

/** One statement, so that a claim that commits meanwhile is either open or earlier. */
async function countWindows(
  work: TenantWork,
  braked: BrakedAt,
  { windowHours }: BrakeSetting,
  limit: number,
): Promise<{ now: number; earlier: number }> {
  const { trx, tenantId, now } = work;
  const { integrationId, recordType, effect } = braked;
  const since = new Date(now.getTime() - windowHours * HOUR_MS);
  const { rows } = await sql<{ now: number; earlier: number }>`
    select
      (select count(*) from (
         select 1 from record_syncs where ${openWindows(work, braked)} and window_record_type = ${recordType}
         union all
         select 1 from record_syncs
         where ${untypedWindows(work, braked)} and ${typeOfRecord(work)} = ${recordType}
         limit ${limit}) open_window)::int as now,
      (select coalesce(sum(records), 0) from brake_counts
       where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
         and effect = ${effect} and hour > ${since})::int as earlier`.execute(trx);
  return rows[0] ?? { now: 0, earlier: 0 };
}

async function countHeld(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: BrakedAt,
  { count, share }: BrakeSetting,
  { now, earlier }: { now: number; earlier: number },
): Promise<number> {
  if (now + earlier <= count) return 0;
  // Twice as many as needed, so that as many again may leave before the next count.
  const enough = Math.ceil((2 * (now + earlier)) / Math.max(share, 0.0001));
  const { rows } = await sql<{ held: number }>`
    select count(*)::int as held from (
      select from record_links where tenant_id = ${opaqueToPlanner(tenantId)}
        and integration_id = ${opaqueToPlanner(integrationId)} and record_type = ${recordType}
        and integration_id::text <> '' -- of the index record_links_by_type
      limit ${enough}) link`.execute(trx);
  return rows[0]?.held ?? 0;
}

/** An array of record ids for a statement: the next windows that are not held. They are locked. */
export function selectToPark(work: TenantWork, braked: BrakedAt): RawBuilder<unknown> {
  const next = (open: RawBuilder<unknown>) => sql`array(select record_id from record_syncs
    where ${open} and held_at is null and push_review_id is null
    limit ${WINDOWS_PER_STATEMENT} for update skip locked)`;
  return sql`${next(sql`${openWindows(work, braked)} and window_record_type = ${braked.recordType}`)}
    || ${next(sql`${untypedWindows(work, braked)} and ${typeOfRecord(work)} = ${braked.recordType}`)}`;
}
