/** The next push of an integration is sent at once, alone, and its answer decides (rules.md 11, 34). */
import type { TenantWork } from '../database';

export interface IntegrationKey {
  integrationId: string;
}

/** A pause or quota that the third party named before holds back no further call. */
export async function forgetPause(
  { trx, tenantId }: TenantWork,
  { integrationId }: IntegrationKey,
): Promise<void> {
  await trx
    .updateTable('rateLimits')
    .set({ pausedUntil: null, quotaRemaining: null, quotaReportedAt: null, quotaResetsAt: null })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
}

/** Waits for a transaction that changes the integration, such as a rename. */
export async function lockForProbe(
  { trx, tenantId }: TenantWork,
  { integrationId }: IntegrationKey,
): Promise<void> {
  await trx
    .selectFrom('integrations')
    .select('integrationId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .forNoKeyUpdate()
    .execute();
}

/**
 * An integration that is down or rate limited is probed at once. The caller has locked the integration, and
 * enqueues its pushes.
 */
export async function probeNow(work: TenantWork, { integrationId }: IntegrationKey): Promise<void> {
  const { trx, tenantId, now } = work;
  await trx
    .updateTable('integrations')
    .set({ blockedUntil: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('blockedUntil', '>', now)
    .execute();
  await forgetPause(work, { integrationId });
}
