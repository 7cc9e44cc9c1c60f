/** Which record is about to be pushed to a remote record that was found there (rules.md 49). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { findOtherHolders, type WantedLink } from './linked-elsewhere';

/** Longer than the calls of one record take until its link is stored. */
const CLAIMED_FOR_MS = 5 * 60_000;

/**
 * Claims a remote record for pushes of all workers. @returns the external id of another record that is linked
 * to it or has claimed it.
 */
export async function claimRemoteRecord(
  work: TenantWork,
  integrationId: string,
  wanted: WantedLink,
): Promise<string | undefined> {
  const { trx, tenantId, now } = work;
  const key = sql`hashtextextended(${`${integrationId} ${wanted.recordType} ${wanted.remoteId}`}, 0)`;
  await sql`delete from remote_claims where tenant_id = ${tenantId} and claimed_until <= ${now}`.execute(trx);
  const { rows } = await sql<{ externalId: string }>`
    insert into remote_claims as claim (tenant_id, remote_key, external_id, claimed_until)
    values (${tenantId}, ${key}, ${wanted.externalId}, ${new Date(now.getTime() + CLAIMED_FOR_MS)})
    on conflict (tenant_id, remote_key) do update set claimed_until =
      case when claim.external_id = excluded.external_id then excluded.claimed_until
        else claim.claimed_until end
    returning external_id`.execute(trx);
  const holder = rows[0]?.externalId;
  if (holder !== wanted.externalId) return holder;
  return (await findOtherHolders(work, integrationId, [wanted])).get(wanted);
}
