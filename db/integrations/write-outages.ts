/**
 * Outages that only pushes notice (rules.md 58): different records get no answer, with no success between
 * them, whatever `check` says. A push that succeeds ends an outage of any kind; so does an empty queue.
 */
import { type RawBuilder, sql } from 'kysely';
import { GIVEN_UP_PROBE_MS, UNAVAILABLE_RECORDS_MAX } from '../../domain/retry';
import type { TenantWork } from '../database';
import { resolveNotification } from '../notifications/notifications';
import { appendStreamEvent } from '../platform/change-feed';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { resumeWaitingRuns } from './waiting-runs';

interface IntegrationKey {
  integrationId: string;
}

/** Remembers records that got no answer. @returns true if they are enough to be an outage. */
export async function countUnavailable(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    recordIds,
    isFirst,
  }: IntegrationKey & {
    recordIds: readonly string[];
    /** A push succeeded just before: earlier records do not count. */
    isFirst: boolean;
  },
): Promise<boolean> {
  const earlier = isFirst ? sql`'{}'::uuid[]` : sql`unavailable_records`;
  const { rows } = await sql<{ isOutage: boolean }>`
    update integrations set unavailable_records = array(
      select distinct record_id from unnest(${earlier} || ${recordIds}::uuid[]) as noted(record_id)
        limit ${UNAVAILABLE_RECORDS_MAX}::int)
    where tenant_id = ${tenantId} and integration_id = ${integrationId}
    returning cardinality(unavailable_records) >= ${UNAVAILABLE_RECORDS_MAX}::int as is_outage`.execute(trx);
  return rows[0]?.isOutage ?? false;
}

/** The next look at what was given up in an outage comes after an hour. */
export async function postponeGivenUpProbe(
  { trx, tenantId }: TenantWork,
  { integrationId, now }: IntegrationKey & { now: Date },
): Promise<void> {
  await trx
    .updateTable('integrations')
    .set({ givenUpProbeAt: new Date(now.getTime() + GIVEN_UP_PROBE_MS) })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('givenUpProbeAt', 'is not', null)
    .execute();
}

/** Whether a success ends an outage, or is the first one after records that got no answer. */
export const hasOutage = ({ tenantId }: TenantWork, { integrationId }: IntegrationKey): RawBuilder<boolean> =>
  sql`exists (select from integrations
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and ${IS_OUTAGE})`;

const IS_OUTAGE = sql`(unavailable_records <> '{}' or outage_since is not null)
  and needs_reauthorization_at is null`;

/** A push has succeeded. */
export async function endOutage(work: TenantWork, { integrationId }: IntegrationKey): Promise<void> {
  const { rows } = await sql<{ wasOutage: boolean }>`
    update integrations set unavailable_records = '{}', outage_since = null, failed_probes = 0,
      is_write_outage = false,
      blocked_until = case when blocked_reason = 'rate_limit' then blocked_until end,
      blocked_detail = case when blocked_reason = 'rate_limit' then blocked_detail end,
      blocked_reason = case when blocked_reason = 'rate_limit' then blocked_reason end
    where tenant_id = ${work.tenantId} and integration_id = ${integrationId} and ${IS_OUTAGE}
    returning true`.execute(work.trx);
  if (rows.length === 0) return;
  await resumeWaitingRuns(work, { integrationId });
  await resolveNotification(work, { integrationId, kind: 'integration_unavailable', now: work.now });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}

/**
 * The last push that waited for the end of an outage was given up or discarded, and no run waits either: a
 * later outage is a new one.
 */
export async function endOutageIfNothingWaits(
  work: TenantWork,
  { integrationId }: IntegrationKey,
): Promise<void> {
  const { rows } = await sql<{ hasGivenUp: boolean }>`
    update integrations set outage_since = null, failed_probes = 0, is_write_outage = false,
      unavailable_records = '{}', blocked_until = null, blocked_reason = null, blocked_detail = null
    where tenant_id = ${work.tenantId} and integration_id = ${integrationId} and blocked_reason = 'outage'
      and not exists (select from record_syncs where tenant_id = ${opaqueToPlanner(work.tenantId)}
        and integration_id = ${opaqueToPlanner(integrationId)} and next_due_at is not null)
      and not exists (select from sync_runs run join sync_jobs job using (tenant_id, sync_run_id)
        where run.tenant_id = ${work.tenantId} and run.integration_id = ${integrationId}
          and run.finished_at is null and job.waiting_reason = 'outage')
    returning given_up_probe_at is not null as has_given_up`.execute(work.trx);
  const [ended] = rows;
  if (ended === undefined) return;
  if (!ended.hasGivenUp)
    await resolveNotification(work, { integrationId, kind: 'integration_unavailable', now: work.now });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}
