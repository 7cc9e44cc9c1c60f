/** Runs with jobs that wait for their whole integration. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { enqueue } from '../platform/outbox';

/**
 * The third party answers again: jobs that wait for it go on at once. Otherwise they would wait for the time
 * of a probe that the push queue has made.
 */
export async function resumeWaitingRuns(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<void> {
  const { rows } = await sql<{ waits: boolean }>`
    select exists (
      select from sync_runs run join sync_jobs job using (tenant_id, sync_run_id)
      where run.tenant_id = ${work.tenantId} and run.integration_id = ${integrationId}
        and run.state in ('queued', 'running', 'waiting')
        and job.waiting_reason in ('outage', 'rate_limit')) as waits`.execute(work.trx);
  if (rows[0]?.waits === true) await enqueue(work, { topic: 'sync_run', integrationId, nextDueAt: work.now });
}
