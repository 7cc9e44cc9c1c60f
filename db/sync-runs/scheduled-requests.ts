/**
 * Requests by an integration's schedules (rules.md 16, 28 to 30). Rows decide the outcome of each, in one
 * transaction that locks the integration. A request that gets no run is stored as a skipped run with its
 * reason; deciding twice about the same one changes nothing.
 */
import type { Selectable } from 'kysely';
import { isFallback, scheduleDateOf } from '../../domain/sync-runs/nightly-schedule';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { type Integration, lockIntegration } from '../integrations/integrations';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { findOpenRuns, requestSyncRun } from './sync-run-requests';
import { readTimeZone, updateSchedules } from './sync-schedules';
import type { SkippedRunsTable } from '../tables/sync-runs';

export type SkippedRun = Selectable<SkippedRunsTable>;

export interface ScheduledRequest {
  integrationId: string;
  schedule: 'hourly' | 'nightly';
  /** The scheduled time. */
  scheduledAt: Date;
}

export interface ScheduledRunDecision {
  outcome: 'requested' | SkippedRun['reason'] | 'nothing';
  /** The requested run, or the run because of which the request was skipped. */
  syncRunId: string | null;
}

const NOTHING: ScheduledRunDecision = { outcome: 'nothing', syncRunId: null };
/**
 * PostgreSQL's clock may be this far behind Temporal's without a request counting as later than its own run.
 */
const CLOCKS_APART_MS = 10 * 60_000;

export async function decideScheduledRun(
  work: TenantWork,
  request: ScheduledRequest,
): Promise<ScheduledRunDecision> {
  const integration = await lockIntegration(work, request);
  if (integration === undefined || !hasSchedule(integration, request.schedule)) {
    // The schedule exists without a reason, as after a change by an older version.
    await updateSchedules(work, request);
    return NOTHING;
  }
  const before = await findSkippedRun(work, request);
  if (before !== undefined) return { outcome: before.reason, syncRunId: before.syncRunId };
  return request.schedule === 'hourly'
    ? decideHourly(work, integration, request)
    : decideNightly(work, integration, request);
}

function hasSchedule(integration: Integration, schedule: ScheduledRequest['schedule']): boolean {
  if (schedule === 'nightly')
    return integration.nightlySyncAt !== null && Object.keys(integration.recordTypes).length > 0;
  return integration.isHourlySyncOn && pulledRecordTypes(integration).length > 0;
}

/** A late request shares its run with earlier ones: one catch-up run, not one per scheduled time. */
async function decideHourly(
  work: TenantWork,
  integration: Integration,
  request: ScheduledRequest,
): Promise<ScheduledRunDecision> {
  const { integrationId } = integration;
  const since = new Date(request.scheduledAt.getTime() - CLOCKS_APART_MS);
  if (await hasRunSince(work, integrationId, since)) return NOTHING;
  const obstacle = await findObstacle(work, integration, request);
  if (obstacle !== undefined) return skip(work, request, obstacle);
  // Onboarding has failed: only a full pass can complete it (rules.md 33).
  if (integration.onboardedAt === null) return NOTHING;
  const run = await requestSyncRun(work, { integrationId, kind: 'hourly', startedBy: 'schedule:hourly' });
  return { outcome: 'requested', syncRunId: run?.syncRunId ?? null };
}

/**
 * However late the request is, it counts for the newest schedule date, which has one run whatever the clocks
 * did (rules.md 29).
 */
async function decideNightly(
  work: TenantWork,
  integration: Integration,
  request: ScheduledRequest,
): Promise<ScheduledRunDecision> {
  const { integrationId, nightlySyncAt } = integration;
  if (nightlySyncAt === null) return NOTHING;
  const zone = await readTimeZone(work);
  const [meant, newest] = [request.scheduledAt, work.now].map((at) =>
    scheduleDateOf(at, nightlySyncAt, zone),
  ) as [string, string];
  const scheduleDate = newest > meant ? newest : meant;
  const isLast = isFallback(request.scheduledAt, nightlySyncAt, zone);
  const done = await findRunOfScheduleDate(work, integrationId, scheduleDate);
  if (done !== undefined) {
    const isOwn = isLast || done.requestedAt.getTime() >= request.scheduledAt.getTime() - CLOCKS_APART_MS;
    return isOwn
      ? NOTHING
      : skip(work, request, { reason: 'skipped_already_ran', syncRunId: done.syncRunId });
  }
  const obstacle = await findObstacle(work, integration, request);
  // The first request yields to a running run, because a second one follows; the second waits behind a run
  // that reads less.
  const mayQueue = isLast && obstacle?.reason === 'skipped_overlap' && !obstacle.isFull;
  if (obstacle !== undefined && !mayQueue) return skip(work, request, obstacle);
  const run = await requestSyncRun(work, {
    integrationId,
    kind: 'nightly',
    startedBy: 'schedule:nightly',
    localDate: scheduleDate,
  });
  if (run?.isCoalesced === true) await markScheduleDate(work, run.syncRunId, scheduleDate);
  return { outcome: 'requested', syncRunId: run?.syncRunId ?? null };
}

interface Obstacle {
  reason: SkippedRun['reason'];
  syncRunId: string | null;
  isFull?: boolean;
}

async function findObstacle(
  work: TenantWork,
  integration: Integration,
  { integrationId }: ScheduledRequest,
): Promise<Obstacle | undefined> {
  if (integration.pausedAt !== null) return { reason: 'skipped_paused', syncRunId: null };
  if (integration.needsReauthorizationAt !== null)
    return { reason: 'skipped_needs_reauthorization', syncRunId: null };
  const open = await findOpenRuns(work, { integrationId });
  const inTheWay = open.find(({ state }) => state !== 'queued') ?? open[0];
  if (inTheWay === undefined) return undefined;
  const isFull = open.some(
    ({ scope, recordTypes, cancelRequestedAt }) =>
      scope === 'full' && recordTypes === null && cancelRequestedAt === null,
  );
  return { reason: 'skipped_overlap', syncRunId: inTheWay.syncRunId, isFull };
}

async function skip(
  { trx, tenantId, now }: TenantWork,
  request: ScheduledRequest,
  { reason, syncRunId }: Obstacle,
): Promise<ScheduledRunDecision> {
  const { integrationId, schedule, scheduledAt } = request;
  await trx
    .insertInto('skippedRuns')
    .values({
      tenantId,
      skippedRunId: newUuid(),
      integrationId,
      schedule,
      scheduledAt,
      reason,
      syncRunId,
      at: now,
    })
    .execute();
  return { outcome: reason, syncRunId };
}

async function findSkippedRun(
  { trx, tenantId }: TenantWork,
  { integrationId, schedule, scheduledAt }: ScheduledRequest,
): Promise<SkippedRun | undefined> {
  return trx
    .selectFrom('skippedRuns')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('schedule', '=', schedule)
    .where('scheduledAt', '=', scheduledAt)
    .limit(1)
    .executeTakeFirst();
}

async function hasRunSince(
  { trx, tenantId, now }: TenantWork,
  integrationId: string,
  since: Date,
): Promise<boolean> {
  const latest = await trx
    .selectFrom('syncRuns')
    .select('requestedAt')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('startedBy', '=', 'schedule:hourly')
    .orderBy('syncRunId', 'desc')
    .limit(1)
    .executeTakeFirst();
  // A run in the future was requested before the clock was set back.
  const isOfThisClock =
    latest !== undefined && latest.requestedAt.getTime() <= now.getTime() + CLOCKS_APART_MS;
  return isOfThisClock && latest.requestedAt >= since;
}

export async function findRunOfScheduleDate(
  { trx, tenantId }: Pick<TenantWork, 'trx' | 'tenantId'>,
  integrationId: string,
  scheduleDate: string,
): Promise<{ syncRunId: string; requestedAt: Date } | undefined> {
  return trx
    .selectFrom('syncRuns')
    .select(['syncRunId', 'requestedAt'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('localDate', '=', scheduleDate)
    .executeTakeFirst();
}

/** A waiting run that was widened to a nightly one belongs to that schedule date. */
async function markScheduleDate(
  { trx, tenantId }: TenantWork,
  syncRunId: string,
  scheduleDate: string,
): Promise<void> {
  await trx
    .updateTable('syncRuns')
    .set({ localDate: scheduleDate })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('localDate', 'is', null)
    .execute();
}

/** Newest first. */
export async function listSkippedRuns(
  { trx, tenantId }: TenantWork,
  { integrationId, limit, before }: { integrationId: string; limit: number; before?: string | undefined },
): Promise<SkippedRun[]> {
  let query = trx
    .selectFrom('skippedRuns')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId);
  if (before !== undefined) query = query.where('skippedRunId', '<', before);
  return query.orderBy('skippedRunId', 'desc').limit(limit).execute();
}
