/**
 * The rate limiter of an integration, shared by all workers (rules.md 34): one row, locked for two short
 * statements. The rules are in domain/rate-limit/rate-limiter.ts.
 */
import { sql } from 'kysely';
import {
  type ResponseCounts,
  type RateLimiter,
  type RequestPriority,
  newRateLimiter,
  recordResponses,
  takeRequests,
} from '../../domain/rate-limit/rate-limiter';
import type { TenantWork } from '../database';

interface IntegrationKey {
  integrationId: string;
}

export interface RequestsTaken {
  /** How many requests may be sent within `PERMITS_TTL_MS`; may be more than requested. */
  granted: number;
  /** When to ask again, by the clock of `work`; null if permits were granted. */
  retryAt: Date | null;
}

/** Takes permits. `answers`: results of earlier requests, recorded first; saves a transaction of its own. */
export async function takePermits(
  work: TenantWork,
  {
    integrationId,
    priority,
    wanted,
    answers,
  }: IntegrationKey & { priority: RequestPriority; wanted: number; answers?: ResponseCounts | undefined },
): Promise<RequestsTaken> {
  const before = await lock(work, integrationId);
  const current = answers === undefined ? before : recordResponses(before, answers, work.now);
  const { budget: after, granted, retryAt } = takeRequests(current, { priority, wanted }, work.now);
  await store(work, integrationId, after);
  return { granted, retryAt };
}

/** What the third party's responses said about its limits. */
export async function recordRateLimitUsage(
  work: TenantWork,
  { integrationId, ...answers }: IntegrationKey & ResponseCounts,
): Promise<void> {
  await store(work, integrationId, recordResponses(await lock(work, integrationId), answers, work.now));
}

async function lock(work: TenantWork, integrationId: string): Promise<RateLimiter> {
  const known = await read(work, integrationId);
  if (known !== undefined) return known;
  const created = newRateLimiter(work.now);
  // Settings are tried before the integration is stored. Such calls share no limiter.
  const { rows } = await sql`
    select from integrations where tenant_id = ${work.tenantId} and integration_id = ${integrationId}
    for key share`.execute(work.trx);
  if (rows.length === 0) return created;
  await work.trx
    .insertInto('rateLimits')
    .values({ ...created, tenantId: work.tenantId, integrationId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  // Another worker may have inserted it first.
  return (await read(work, integrationId)) ?? created;
}

function read({ trx, tenantId }: TenantWork, integrationId: string): Promise<RateLimiter | undefined> {
  return trx
    .selectFrom('rateLimits')
    .select([
      'ratePerSecond',
      'ceilingPerSecond',
      'tokens',
      'refilledAt',
      'slowedAt',
      'requestsCounted',
      'countingSince',
    ])
    .select(['quotaLimit', 'quotaRemaining', 'quotaReportedAt', 'quotaResetsAt', 'pausedUntil'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

async function store(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  rateLimiter: RateLimiter,
): Promise<void> {
  await trx
    .updateTable('rateLimits')
    .set(rateLimiter)
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
}
