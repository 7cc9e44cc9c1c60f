/**
 * The schedules that integrations should have, from rows; worker/schedule-reconciler.ts creates them in
 * Temporal.
 */
import { sql } from 'kysely';
import type { TenantWork, Work } from '../database';
import { findIntegration } from '../integrations/integrations';
import { enqueue } from '../platform/outbox';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';

/** Requests a reconciliation of the schedules. */
export async function enqueueSchedules(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<void> {
  await enqueue(work, { topic: 'sync_schedule', integrationId, nextDueAt: work.now });
}

export interface ScheduleSettings {
  isHourlyOn: boolean;
  /** `HH:MM` in the zone; null = never. */
  nightlyAt: string | null;
  /** The tenant's. */
  zone: string;
}

/**
 * The schedules an integration should have; undefined if it is deleted or syncs nothing. A paused one keeps
 * them (rules.md 16).
 */
export async function readScheduleSettings(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<ScheduleSettings | undefined> {
  const integration = await findIntegration(work, { integrationId });
  if (integration === undefined || Object.keys(integration.recordTypes).length === 0) return undefined;
  return {
    // What is only pushed is compared at night.
    isHourlyOn: integration.isHourlySyncOn && pulledRecordTypes(integration).length > 0,
    nightlyAt: integration.nightlySyncAt,
    zone: await readTimeZone(work),
  };
}

/** Of all tenants, after `after` (an integration's id). */
export async function listScheduledIntegrations(
  { trx }: Work,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<{ tenantId: string; integrationId: string }[]> {
  let query = trx
    .selectFrom('integrations')
    .select(['tenantId', 'integrationId'])
    .where('deletedAt', 'is', null)
    .where(syncs);
  if (after !== undefined) query = query.where('integrationId', '>', after);
  return query.orderBy('integrationId').limit(limit).execute();
}

const syncs = sql<boolean>`record_types <> '{}'`;

/** Of the tenant. */
export async function readTimeZone({ trx, tenantId }: TenantWork): Promise<string> {
  const tenant = await trx
    .selectFrom('tenants')
    .select('timeZone')
    .where('tenantId', '=', tenantId)
    .executeTakeFirstOrThrow();
  return tenant.timeZone;
}
