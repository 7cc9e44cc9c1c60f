/** The next push of an integration is sent at once, alone, and its answer decides (rules.md 11, 34). */
import { sql } from 'kysely';
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

/** An integration that is down or rate limited is probed at once. The caller enqueues its pushes. */
export async function probeNow(work: TenantWork, { integrationId }: IntegrationKey): Promise<void> {
  const { trx, tenantId, now } = work;
  // Does not wait for another transaction, such as one that stores the state after an answer.
  await sql`
    update integrations set blocked_until = ${now}
    where tenant_id = ${tenantId} and integration_id = any(array(
      select integration_id from integrations
      where tenant_id = ${tenantId} and integration_id = ${integrationId} and blocked_until > ${now}
      for no key update skip locked))`.execute(trx);
  await forgetPause(work, { integrationId });
}
