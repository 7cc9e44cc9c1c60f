/**
 * Records that were erased must not come back (rules.md 62): by a pull, a late push or a late change. Only
 * keyed hashes of their names are kept. An erasure stores them while it holds the lock of the mappings
 * alone, so transactions that hold it shared see all hashes, or end before the erasure begins.
 */
import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import { ConcurrentTransaction, type TenantWork } from '../database';

/** A record in Syncline, or a record at the third party of an integration. */
export type ErasableName =
  | { recordType: string; externalId: string }
  | { integrationId: string; recordType: string; remoteId: string };

export const hashOfName = (key: Buffer, name: ErasableName): Buffer =>
  createHmac('sha256', key)
    .update(
      JSON.stringify(
        'remoteId' in name
          ? ['remote', name.integrationId, name.recordType, name.remoteId]
          : ['record', name.recordType, name.externalId],
      ),
    )
    .digest();

export async function openKeyOfErasures(work: TenantWork): Promise<Buffer> {
  if (work.openErasureKey === undefined) throw new Error('This process was started without an erasure key.');
  return work.openErasureKey(work);
}

/** @returns for each name whether it was erased. Call it under the lock of the mappings. */
export async function findErased(work: TenantWork, names: readonly ErasableName[]): Promise<boolean[]> {
  if (names.length === 0 || !(await hasErased(work))) return names.map(() => false);
  const key = await openKeyOfErasures(work);
  const hashes = names.map((name) => hashOfName(key, name));
  const { rows } = await sql<{ hash: Buffer }>`
    select hash from erased_hashes where tenant_id = ${work.tenantId}
      and hash = any(${hashes}::bytea[])`.execute(work.trx);
  const erased = new Set(rows.map(({ hash }) => hash.toString('hex')));
  return hashes.map((hash) => erased.has(hash.toString('hex')));
}

async function hasErased({ trx, tenantId }: TenantWork): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (select from erased_hashes where tenant_id = ${tenantId}) as found`.execute(trx);
  return rows[0]?.found === true;
}

/** The number of erased records of a record type that the third party may still have, up to `max`. */
export async function countErasedThere(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType, max }: { integrationId: string; recordType: string; max: number },
): Promise<number> {
  const { rows } = await sql<{ records: number }>`
    select count(*)::int as records from (select from erased_hashes where tenant_id = ${tenantId}
      and integration_id = ${integrationId} and record_type = ${recordType} limit ${max}) erased`.execute(
    trx,
  );
  return rows[0]?.records ?? 0;
}

interface PulledNames {
  integrationId: string;
  recordType: string;
  records: readonly { remoteId: string; externalId: string | null }[];
  tombstones: readonly string[];
  refused: readonly { remoteId: string | null }[];
}

/** The page without the records that were erased, which count as read and unchanged. */
export async function withoutErased<Page extends PulledNames>(
  work: TenantWork,
  page: Page,
): Promise<Page & { erased: number }> {
  const { integrationId, recordType } = page;
  const remote = (remoteId: string) => ({ integrationId, recordType, remoteId });
  const records = await findErased(
    work,
    page.records.flatMap(({ remoteId, externalId }) => [
      remote(remoteId),
      externalId === null ? remote(remoteId) : { recordType, externalId },
    ]),
  );
  const tombstones = await findErased(work, page.tombstones.map(remote));
  const refused = await findErased(
    work,
    page.refused.map(({ remoteId }) => remote(remoteId ?? '')),
  );
  const kept = {
    records: page.records.filter((_, at) => !records[2 * at] && !records[2 * at + 1]),
    tombstones: page.tombstones.filter((_, at) => !tombstones[at]),
    refused: page.refused.filter((_, at) => !refused[at]),
  };
  const erased = page.records.length - kept.records.length + page.refused.length - kept.refused.length;
  return { ...page, ...kept, erased };
}

/** @throws ConcurrentTransaction if the page has a record that was erased: it is applied without it. */
export async function requireNoneErased(work: TenantWork, page: PulledNames): Promise<void> {
  const { erased } = await withoutErased(work, page);
  if (erased > 0) throw new ConcurrentTransaction('The page has erased records.');
}
