/** The results of requested checks, and what the third party's acceptance of credentials ends. */
import { stoppedMs } from '../../../domain/retry';
import type { TenantWork } from '../../database';
import { resolveNotification } from '../../notifications/notifications';
import { appendStreamEvent } from '../../platform/change-feed';
import { enqueuePush } from '../../platform/outbox';
import { lockMappings } from '../../records/mapping-lock';
import { probeNow } from '../../records/probe-now';
import { sanitizeForPostgres } from '../../sql/sanitize-text';
import { enqueueSyncRuns, requestSyncRun } from '../sync-run-requests';
import type { LastCheck } from '../../tables/integrations';
import { markAnswering } from '../../integrations/availability';
import type { Integration } from '../../integrations/integrations';
import { endWaits } from '../../integrations/lift-waits';
import { resumeWaitingRuns } from '../../integrations/waiting-runs';

/**
 * Stores the result of a requested check. A successful one ends an outage or a rate limit at once, and the
 * wait for new credentials if the stored ones are accepted again. The waiting work continues.
 */
export async function saveCheck(
  work: TenantWork,
  { integrationId, check }: { integrationId: string; check: LastCheck | null },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const integration = await trx
    .updateTable('integrations')
    .set({ lastCheck: check === null ? null : JSON.stringify(sanitizeForPostgres({ ...check })) })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .returning(['integrationId', 'blockedReason', 'needsReauthorizationAt', 'pausedAt', 'onboardedAt'])
    .executeTakeFirstOrThrow();
  if (check?.ok !== true) return;
  if (integration.needsReauthorizationAt !== null) return continueAuthorized(work, integration);
  if (integration.blockedReason === null) return;
  if (integration.blockedReason === 'outage') return markAnswering(work, { integrationId, now });
  await probeNow(work, { integrationId });
  await resumeWaitingRuns(work, { integrationId });
  await enqueuePush(work, { integrationId, nextDueAt: now });
}

type Refused = Pick<Integration, 'integrationId' | 'needsReauthorizationAt' | 'pausedAt' | 'onboardedAt'>;

/** The third party accepts the stored credentials again, for example at a corrected address. */
async function continueAuthorized(work: TenantWork, integration: Refused): Promise<void> {
  const { integrationId, pausedAt } = integration;
  await lockMappings(work, 'alone'); // as in resumeIntegration
  await endReauthorization(work, integration);
  await endWaits(work, { integrationId });
  await enqueueSyncRuns(work, { integrationId });
  if (pausedAt === null) await enqueuePush(work, { integrationId, nextDueAt: work.now });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}

/**
 * An integration that may have waited for new credentials waits no longer. The clocks of its retries go on,
 * and a run reads what could not be read meanwhile. The caller has locked the integration.
 */
export async function endReauthorization(
  work: TenantWork,
  { integrationId, needsReauthorizationAt, pausedAt, onboardedAt }: Refused,
): Promise<void> {
  if (needsReauthorizationAt === null) return;
  const { trx, tenantId, now } = work;
  const stopped = stoppedMs({ since: needsReauthorizationAt, until: now, stillStoppedSince: pausedAt });
  await trx
    .updateTable('integrations')
    .set((eb) => ({
      needsReauthorizationAt: null,
      retryClockStoppedMs: eb('retryClockStoppedMs', '+', stopped),
      blockedDetail: null,
    }))
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await resolveNotification(work, { integrationId, kind: 'integration_needs_reauthorization', now });
  await requestSyncRun(work, {
    integrationId,
    kind: onboardedAt === null ? 'onboarding' : 'incremental',
    startedBy: 'credentials',
  });
}
