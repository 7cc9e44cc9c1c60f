/** Deleting an integration (rules.md 60). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { invalidateOverviewsOf } from '../overviews/invalidate-overviews';
import { beginBackgroundTask } from '../platform/background-tasks';
import { appendStreamEvent } from '../platform/change-feed';
import { supersedeReviews } from '../pull/deletion-reviews';
import { supersedePushReviews } from '../push/push-reviews';
import { lockMappings } from '../records/mapping-lock';
import { companyEvents } from './company-sync';
import { cancelSyncRun } from './sync-jobs';
import { enqueueSyncRuns, findUnfinishedRuns } from './sync-run-requests';
import { updateSchedules } from './sync-schedules';
import { emitEvents } from '../webhooks/events';
import { lockIntegration } from '../integrations/integrations';
import { removeIntegrationRows } from '../integrations/remove-integration-rows';

/**
 * Keeps the push log; the overview becomes invalid. The third party's records are not touched. The
 * integration and its record syncs are in no list any more; a background task deletes the rows.
 */
export async function deleteIntegration(
  work: TenantWork,
  { integrationId, by = 'syncline' }: { integrationId: string; by?: string },
): Promise<void> {
  const { trx, tenantId, now } = work;
  await lockIntegration(work, { integrationId });
  await lockMappings(work, 'alone');
  await trx
    .updateTable('integrations')
    .set({ deletedAt: now, credentials: null, backfillReason: null, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  for (const run of await findUnfinishedRuns(work, { integrationId }))
    await cancelSyncRun(work, { ...run, by });
  await supersedeReviews(work, { integrationId });
  await supersedePushReviews(work, { integrationId, isFinished: true });
  await invalidateOverviewsOf(work, { integrationId, reason: 'integration_deleted', by });
  await enqueueSyncRuns(work, { integrationId });
  await updateSchedules(work, { integrationId });
  await sql`update notifications set resolved_at = ${now} where tenant_id = ${tenantId} and integration_id = ${integrationId} and resolved_at is null`.execute(
    trx,
  );
  await beginBackgroundTask(
    work,
    { integrationId, kind: 'delete_integration', subjectId: null, requestedBy: by },
    removeIntegrationRows,
  );
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  // Other datasets may have waited for this integration only (rules.md 41).
  await emitEvents(work, await companyEvents(work));
}
