/** What a pass notes about itself besides its pages. */
import type { TenantWork } from './database';
import type { PassPlace } from './sync-deletions';

/** Why missing records are not deleted though everything was read. */
export async function noteDeletesWithheld(
  { trx, tenantId, now }: TenantWork,
  { syncRunId, recordType }: PassPlace,
  because: 'list_changed' | 'needs_review',
): Promise<void> {
  await trx
    .updateTable('syncJobs')
    .set({ deletesWithheld: because, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .execute();
}
