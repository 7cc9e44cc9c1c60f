/**
 * Creations that may have happened although no id of the new record is known. A record sync names one of them
 * (`unresolved_push_id`) until a push succeeds. Its push has the effect `created` if the third party has
 * accepted it: then no further creation is sent unless a person asks for it (rules.md 58).
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { idList, keysOf, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { runTogether } from '../sql/run-together';
import type { ClaimedPush } from './claim';
import type { FinishedPush } from './push-outcome';

/** A call that may have created the record although its response was lost. */
export const creationOf = ({ operation, remoteId, pushId }: ClaimedPush): string | null =>
  operation === 'upsert' && remoteId === null ? pushId : null;

/**
 * Before a creation that the claim does not expect: of a linked record that is missing there, or under
 * another key than an earlier one that was refused. An accepted one stays.
 */
export async function noteCreation(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  pushId: string,
): Promise<void> {
  const pushes = sql`pushes where pushes.tenant_id = ${opaqueToPlanner(tenantId)}`;
  await sql`
    update record_syncs set unresolved_push_id = push_id
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = (select record_id from ${pushes} and pushes.push_id = ${pushId})
      and push_id = ${pushId} and lease_until is not null
      and not exists (select from ${pushes} and pushes.push_id = unresolved_push_id
        and effect = 'created')`.execute(trx);
}

/** Creations that were accepted without an id. The record syncs are locked and held by their claims. */
export async function noteAccepted(
  work: TenantWork,
  integrationId: string,
  finished: readonly FinishedPush[],
): Promise<void> {
  const rows = finished.flatMap(({ push, outcome }) =>
    (outcome.kind === 'failed' || outcome.kind === 'retry') && outcome.creation != null
      ? [{ record_id: push.recordId, push_id: outcome.creation }]
      : [],
  );
  if (rows.length === 0) return;
  const tenantId = opaqueToPlanner(work.tenantId);
  await runTogether(work, [
    sql`update pushes set effect = 'created'
      where tenant_id = ${tenantId} and push_id = any(${idList(rows.map((row) => row.push_id))})`,
    sql`update record_syncs record_sync set unresolved_push_id = row.push_id
      from ${rowsFrom(rows, 'record_id uuid, push_id uuid')}
      where record_sync.tenant_id = ${tenantId}
        and record_sync.integration_id = ${opaqueToPlanner(integrationId)}
        and record_sync.record_id = any(${keysOf(rows, 'record_id')})
        and record_sync.record_id = row.record_id`,
  ]);
}
