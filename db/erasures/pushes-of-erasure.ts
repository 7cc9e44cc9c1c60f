/** How the pushes of an erasure ended, for its receipt. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import type { ErasureAtThirdParty } from '../tables/erasures';
import type { ErasureKey } from './erasure-items';

/** True while a third party may still answer. */
export async function arePushesUnderWay(
  { trx, tenantId, now }: TenantWork,
  recordIds: readonly string[],
): Promise<boolean> {
  const { rows } = await sql<{ isUnderWay: boolean }>`
    select exists (
      select from record_syncs where tenant_id = ${tenantId} and record_id = any(${[...recordIds]}::uuid[])
        and (lease_until > ${now} or (erase_as <> 'keep'
          and (window_opened_at is not null or push_id is not null or lease_until is not null)))
    ) as is_under_way`.execute(trx);
  return rows[0]?.isUnderWay === true;
}

/** True while another erasure of some of these records pushes them, or has yet to read how that ended. */
export async function areWaitedFor(
  { trx, tenantId }: TenantWork,
  { erasureId }: ErasureKey,
  recordIds: readonly string[],
): Promise<boolean> {
  const { rows } = await sql<{ areWaitedFor: boolean }>`
    select exists (
      select from erasures other
      join erasure_items item on item.tenant_id = ${tenantId} and item.erasure_id = other.erasure_id
        and item.record_id = any(${[...recordIds]}::uuid[])
      where other.tenant_id = ${tenantId} and other.erasure_id <> ${erasureId} and other.finished_at is null
        and other.state in ('blocking', 'third_parties')
    ) as are_waited_for`.execute(trx);
  return rows[0]?.areWaitedFor === true;
}

/** Call it before the rows of the pushes are deleted. */
export async function readOutcomes(
  { trx, tenantId }: TenantWork,
  thirdParties: readonly ErasureAtThirdParty[],
  recordIds: readonly string[],
): Promise<ErasureAtThirdParty[]> {
  const { rows } = await sql<{ integrationId: string; eraseAs: string; outcome: string; records: number }>`
    select integration_id, erase_as,
      case when window_opened_at is not null or push_id is not null or unresolved_push_id is not null
          or lease_until is not null then 'unanswered'
        when last.result = 'failed' then 'failed'
        else 'succeeded' end as outcome, count(*)::int as records
    from record_syncs record_sync
    left join lateral (
      select result from pushes where pushes.tenant_id = ${tenantId}
        and pushes.record_id = record_sync.record_id and pushes.integration_id = record_sync.integration_id
      order by push_id desc limit 1) last on true
    where record_sync.tenant_id = ${tenantId} and record_id = any(${[...recordIds]}::uuid[])
      and erase_as is not null
    group by 1, 2, 3`.execute(trx);
  return thirdParties.map((one) => {
    const own = rows.filter(({ integrationId }) => integrationId === one.integrationId);
    const count = (outcome: string) =>
      own.filter((row) => row.outcome === outcome).reduce((sum, { records }) => sum + records, 0);
    if (one.action === 'keep') return { ...one, unanswered: count('unanswered') };
    // Another erasure may have deleted what this one deactivates.
    const isPushed = own.filter(({ eraseAs }) => eraseAs === one.action || eraseAs === 'delete');
    const pushed = isPushed.reduce((sum, { records }) => sum + records, 0);
    // What cannot be pushed there, because the integration only reads the record type or is deleted.
    const notPushed = one.records - pushed;
    return {
      ...one,
      succeeded: isPushed.filter((row) => row.outcome === 'succeeded').reduce(sumRecords, 0),
      failed: isPushed.filter((row) => row.outcome === 'failed').reduce(sumRecords, 0) + notPushed,
      unanswered: isPushed.filter((row) => row.outcome === 'unanswered').reduce(sumRecords, 0),
    };
  });
}

const sumRecords = (sum: number, { records }: { records: number }) => sum + records;
