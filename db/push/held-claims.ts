/** Which of the record syncs whose pushes have ended are still held by the claims of these pushes. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import type { FinishedPush } from './push-outcome';

export interface ResultsOf {
  integrationId: string;
  now: Date;
}

export interface HeldRow {
  recordId: string;
  claimId: string;
}

/** The claims that still held their records, by record id. */
export type HeldClaims = ReadonlyMap<string, string>;

export const heldClaims = (rows: readonly HeldRow[]): HeldClaims =>
  new Map(rows.map(({ recordId, claimId }) => [recordId, claimId]));

export const isHeldBy =
  (held: HeldClaims) =>
  ({ push }: FinishedPush): boolean =>
    held.get(push.recordId) === push.claimId;

/** In the order in which an accepted change locks records, so that the two cannot deadlock. */
export const claimsOf = (finished: readonly FinishedPush[]) =>
  finished
    .map(({ push }) => ({ record_id: push.recordId, claim_id: push.claimId }))
    .toSorted((a, b) => (a.record_id < b.record_id ? -1 : 1));

export async function lockHeldRecordSyncs(
  { trx, tenantId }: TenantWork,
  { integrationId }: ResultsOf,
  finished: readonly FinishedPush[],
): Promise<HeldClaims> {
  const { rows } = await sql<HeldRow>`
    select row.record_id, row.claim_id
    from ${rowsFrom(claimsOf(finished), 'record_id uuid, claim_id uuid')}
    cross join lateral (
      select record_id from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and
        integration_id = ${opaqueToPlanner(integrationId)} and record_id = row.record_id
          and claim_id = row.claim_id and lease_until is not null
      for update) record_sync`.execute(trx);
  return heldClaims(rows);
}
