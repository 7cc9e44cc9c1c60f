/** Counts the changes of a page that no webhook has announced. */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import type { PageChanges, PageToApply } from '../page';

/** A change that is known to be so recent may still be announced. */
const MAY_STILL_COME_MS = 120_000;

/** What a webhook has named and no run has read yet was announced. */
export async function countMissedWebhooks(
  { trx, tenantId, now }: TenantWork,
  { integrationId, syncRunId, recordType, expectsWebhooks = false }: PageToApply,
  { drafts }: PageChanges,
): Promise<void> {
  if (!expectsWebhooks) return;
  const since = new Date(now.getTime() - MAY_STILL_COME_MS);
  const remoteIds = drafts.flatMap(({ draft, remote: { remoteId, modifiedAt } }) =>
    draft.isTouched && (modifiedAt == null || modifiedAt < since) ? [remoteId] : [],
  );
  await sql`
    update sync_jobs set webhooks_missed = coalesce(webhooks_missed, 0) + (
      select count(*)::integer from unnest(${remoteIds}::text[]) as changed(remote_id)
      where not exists (
        select from incoming_changes
        where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
          and record_type = ${recordType} and remote_id in (changed.remote_id, '')))
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}`.execute(
    trx,
  );
}
