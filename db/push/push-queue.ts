/**
 * What a push queue reads between two rounds: the state of its integration, what waits, and when the next row
 * is due.
 */
import { sql } from 'kysely';
import { dueByPriority } from '../../domain/push/push-kind';
import { PENDING_COUNTED_MAX } from '../../domain/push/push-queue-description';
import type { TenantWork } from '../database';
import type { DueByPriority } from '../../domain/work-priorities';
import { findIntegration, type Integration } from '../integrations/integrations';
import { idList, opaqueToPlanner } from '../sql/bulk-rows';
import { dueOfKinds, IS_WINDOW } from './lock-due';

export interface PushQueueStatus {
  state: 'working' | 'paused' | 'needs_reauthorization' | 'deleted';
  /** When to run next; null = nothing waits. Workflow time. */
  nextDueAt: Date | null;
  /** When work of each priority is due, whether the integration is blocked or not. */
  dueByPriority: DueByPriority;
  /** Record syncs with an open window or an unfinished push, counted up to a bound. */
  pendingRecords: number;
  blockedUntil: Date | null;
  blockedReason: 'outage' | 'rate_limit' | null;
  /** When to try again what was given up in an outage. */
  givenUpProbeAt: Date | null;
  /** A backfill, or decided reviews with waiting records. */
  hasBackfill: boolean;
  /** A person has acted, and retries are still to be made due. */
  isLifting: boolean;
}

export async function readPushQueueStatus(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<PushQueueStatus> {
  const integration = await findIntegration(work, { integrationId });
  const state = stateOf(integration);
  if (integration === undefined || state !== 'working') {
    return {
      state,
      nextDueAt: null,
      dueByPriority: {},
      pendingRecords: 0,
      blockedUntil: null,
      blockedReason: null,
      givenUpProbeAt: null,
      hasBackfill: false,
      isLifting: false,
    };
  }
  const blocked = { blockedUntil: integration.blockedUntil, blockedReason: integration.blockedReason };
  const { pendingRecords, due } = await readPending(work, integrationId);
  const known = due.filter((at) => at !== null);
  const nextAt = known.length === 0 ? null : new Date(Math.min(...known.map((at) => at.getTime())));
  // While the integration is blocked, waiting pushes have no due time of their own. Windows still become due,
  // so that they are shown as Syncing.
  const nextDueAt =
    integration.blockedUntil === null
      ? nextAt
      : pendingRecords === 0
        ? null
        : earlier(await nextWindowAt(work, integrationId), integration.blockedUntil);
  const unfinished = await work.trx
    .selectFrom('pushReviews')
    .select('pushReviewId')
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('finishedAt', 'is', null)
    .where('state', '<>', 'pending')
    .limit(1)
    .executeTakeFirst();
  const hasBackfill = integration.backfillReason !== null || unfinished !== undefined;
  const { givenUpProbeAt } = integration;
  const isLifting = integration.liftRetriesAfter !== null;
  const status = { state, nextDueAt, dueByPriority: dueByPriority(due), pendingRecords, ...blocked };
  return { ...status, givenUpProbeAt, hasBackfill, isLifting };
}

/** Counted up to a bound, and the earliest found by the index: a report costs as much at any size. */
async function readPending(
  { trx, tenantId }: TenantWork,
  integrationId: string,
): Promise<{ pendingRecords: number; due: (Date | null)[] }> {
  const waiting = sql`from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and
    integration_id = ${opaqueToPlanner(integrationId)} and next_due_at is not null`;
  const { rows } = await sql<{ pendingRecords: number; due: (Date | null)[] }>`
    select (select count(*) from (select ${waiting} limit ${PENDING_COUNTED_MAX}) waiting)::int as pending_records,
      ${dueOfKinds(tenantId, integrationId)} as due`.execute(trx);
  return rows[0] ?? { pendingRecords: 0, due: [] };
}

async function nextWindowAt({ trx, tenantId }: TenantWork, integrationId: string): Promise<Date | null> {
  const earliest = (isBackfill: boolean) =>
    sql`(select next_due_at from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and
      integration_id = ${opaqueToPlanner(integrationId)} and next_due_at is not null and ${IS_WINDOW}
      and is_backfill = ${sql.lit(isBackfill)} order by next_due_at limit 1)`;
  const { rows } = await sql<{ nextAt: Date | null }>`
    select least(${earliest(false)}, ${earliest(true)}) as next_at`.execute(trx);
  return rows[0]?.nextAt ?? null;
}

/** Whether a push is due, also one that another transaction has locked. */
export async function hasDuePushes(
  { trx, tenantId }: TenantWork,
  { integrationId, now }: { integrationId: string; now: Date },
): Promise<boolean> {
  const { rows } = await sql`
    select from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and
      integration_id = ${opaqueToPlanner(integrationId)} and next_due_at <= ${now} limit 1`.execute(trx);
  return rows.length > 0;
}

/** What decides how many executions are worth it. */
export async function readPushDemand(
  { trx, tenantId }: TenantWork,
  { integrationId, now, dueMax }: { integrationId: string; now: Date; dueMax: number },
): Promise<{ due: number; ratePerSecond: number | null }> {
  const { rows } = await sql<{ due: number; ratePerSecond: number | null }>`
    select
      (select count(*) from (
         select from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and
           integration_id = ${opaqueToPlanner(integrationId)} and next_due_at <= ${now} limit ${dueMax}) due)::int
        as due,
      (select rate_per_second from rate_limits
       where tenant_id = ${tenantId} and integration_id = ${integrationId}) as rate_per_second`.execute(trx);
  return rows[0] ?? { due: 0, ratePerSecond: null };
}

export function stateOf(
  integration: Pick<Integration, 'pausedAt' | 'needsReauthorizationAt'> | undefined,
): PushQueueStatus['state'] {
  if (integration === undefined) return 'deleted';
  if (integration.pausedAt !== null) return 'paused';
  return integration.needsReauthorizationAt === null ? 'working' : 'needs_reauthorization';
}

function earlier(a: Date | null, b: Date): Date {
  return a !== null && a < b ? a : b;
}

/** Extends the leases of a claim that is still being worked on. */
export async function renewLease(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    claimId,
    recordIds,
    leaseUntil,
  }: { integrationId: string; claimId: string; recordIds: readonly string[]; leaseUntil: Date },
): Promise<number> {
  const result = await sql`
    update record_syncs set lease_until = ${leaseUntil}
    where tenant_id = ${opaqueToPlanner(tenantId)} and
      integration_id = ${opaqueToPlanner(integrationId)} and record_id = any(${idList(recordIds)})
      and claim_id = ${claimId} and lease_until is not null`.execute(trx);
  return Number(result.numAffectedRows ?? 0);
}
