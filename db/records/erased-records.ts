/**
 * Records that were erased must not come back (rules.md 62): by a pull, a late push or a late change. Only
 * keyed hashes of their names are kept. An erasure stores them while it holds the lock of the mappings
 * alone, so transactions that hold it shared see all hashes, or end before the erasure begins.
 */
import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import { listOfAccount, type LinkedAccount } from '../../domain/erasures/list-of-account';
import type { JsonValue } from '../../domain/json';
import { ConcurrentTransaction, type TenantWork } from '../database';

/** A record in Syncline, or a record at the third party of an integration. */
export type ErasableName =
  | { recordType: string; externalId: string }
  | { integrationId: string; recordType: string; remoteId: string };

const hashOf = (key: Buffer, value: JsonValue[]): Buffer =>
  createHmac('sha256', key).update(JSON.stringify(value)).digest();

const hashOfList = (key: Buffer, list: JsonValue[], recordType: string): Buffer =>
  hashOf(key, ['list', list, recordType]);

export const hashOfName = (key: Buffer, name: ErasableName): Buffer =>
  hashOf(
    key,
    'remoteId' in name
      ? ['remote', name.integrationId, name.recordType, name.remoteId]
      : ['record', name.recordType, name.externalId],
  );

/**
 * Hashes of a remote record and of its list that are equal for all integrations of the same account.
 * undefined = the account is not known, or the name is not that of a remote record.
 */
export function hashesInAccount(
  key: Buffer,
  name: ErasableName,
  accounts: ReadonlyMap<string, LinkedAccount>,
): { hash: Buffer; list: Buffer } | undefined {
  if (!('remoteId' in name)) return undefined;
  const { integrationId, recordType, remoteId } = name;
  const account = accounts.get(integrationId);
  const list = account === undefined ? undefined : listOfAccount(account, recordType);
  if (list === undefined) return undefined;
  return {
    hash: hashOf(key, ['in account', list, recordType, remoteId]),
    list: hashOfList(key, list, recordType),
  };
}

/** The accounts by the ids of their integrations. */
export async function findLinkedAccounts(
  { trx, tenantId }: TenantWork,
  integrationIds: readonly string[],
): Promise<Map<string, LinkedAccount>> {
  if (integrationIds.length === 0) return new Map();
  const rows = await trx
    .selectFrom('integrations as integration')
    .leftJoin('oauthAccounts as account', (join) =>
      join
        .onRef('account.tenantId', '=', 'integration.tenantId')
        .onRef('account.integrationId', '=', 'integration.integrationId'),
    )
    .select(['integration.integrationId', 'integration.connector', 'integration.config', 'account.accountId'])
    .where('integration.tenantId', '=', tenantId)
    .where('integration.integrationId', 'in', [...new Set(integrationIds)])
    .execute();
  return new Map(rows.map(({ integrationId, ...account }) => [integrationId, account]));
}

export async function openKeyOfErasures(work: TenantWork): Promise<Buffer> {
  if (work.openErasureKey === undefined) throw new Error('This process was started without an erasure key.');
  return work.openErasureKey(work);
}

/** @returns for each name whether it was erased. Call it under the lock of the mappings. */
export async function findErased(work: TenantWork, names: readonly ErasableName[]): Promise<boolean[]> {
  if (names.length === 0 || !(await hasErased(work))) return names.map(() => false);
  const key = await openKeyOfErasures(work);
  const integrationIds = names.flatMap((name) => ('remoteId' in name ? [name.integrationId] : []));
  const accounts = await findLinkedAccounts(work, integrationIds);
  const hashes = names.map((name) => {
    const inAccount = hashesInAccount(key, name, accounts);
    return [hashOfName(key, name), ...(inAccount === undefined ? [] : [inAccount.hash])];
  });
  const { rows } = await sql<{ hash: Buffer }>`
    select hash from erased_hashes where tenant_id = ${work.tenantId}
      and hash = any(${hashes.flat()}::bytea[])`.execute(work.trx);
  const erased = new Set(rows.map(({ hash }) => hash.toString('hex')));
  return hashes.map((ofName) => ofName.some((hash) => erased.has(hash.toString('hex'))));
}

async function hasErased({ trx, tenantId }: TenantWork): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select true as found from erased_hashes where tenant_id = ${tenantId} limit 1`.execute(trx);
  return rows[0]?.found === true;
}

/**
 * The number of erased records of a record type that the third party may still have, up to `max`: those that
 * the integration had, or those that any integration of the same account had, these included.
 */
export async function countErasedThere(
  work: TenantWork,
  { integrationId, recordType, max }: { integrationId: string; recordType: string; max: number },
): Promise<number> {
  if (max === 0 || !(await hasErased(work))) return 0;
  const account = (await findLinkedAccounts(work, [integrationId])).get(integrationId);
  const list = account === undefined ? undefined : listOfAccount(account, recordType);
  const hash = list === undefined ? null : hashOfList(await openKeyOfErasures(work), list, recordType);
  // Several erasures may have named the record.
  const isFirst = sql`(select true from erased_hashes other where other.tenant_id = ${work.tenantId}
    and other.hash = erased.hash and other.erasure_id < erased.erasure_id limit 1) is null`;
  const { rows } = await sql<{ records: number }>`
    select greatest(
      (select count(*) from (select from erased_hashes erased where tenant_id = ${work.tenantId}
        and integration_id = ${integrationId} and record_type = ${recordType} and ${isFirst} limit ${max}) own),
      (select count(*) from (select from erased_hashes erased where tenant_id = ${work.tenantId}
        and list_hash = ${hash}::bytea and ${isFirst} limit ${max}) of_account))::int as records`.execute(
    work.trx,
  );
  return rows[0]?.records ?? 0;
}

interface PulledNames {
  integrationId: string;
  recordType: string;
  records: readonly { remoteId: string; externalId: string | null }[];
  tombstones: readonly string[];
  refused: readonly { remoteId: string | null }[];
  altered?: readonly { remoteId: string | null }[];
  warned?: readonly { remoteId: string | null }[];
}

/** The page without the records that were erased, which count as read and unchanged. */
export async function withoutErased<Page extends PulledNames>(
  work: TenantWork,
  page: Page,
): Promise<Page & { erased: number }> {
  const { integrationId, recordType } = page;
  const remote = (remoteId: string) => ({ integrationId, recordType, remoteId });
  const names = {
    records: page.records.flatMap(({ remoteId, externalId }) => [
      remote(remoteId),
      externalId === null ? remote(remoteId) : { recordType, externalId },
    ]),
    tombstones: page.tombstones.map(remote),
    refused: page.refused.map(({ remoteId }) => remote(remoteId ?? '')),
  };
  const found = await findErased(work, [...names.records, ...names.tombstones, ...names.refused]);
  const records = found.splice(0, names.records.length);
  const tombstones = found.splice(0, names.tombstones.length);
  const kept = {
    records: page.records.filter((_, at) => !records[2 * at] && !records[2 * at + 1]),
    tombstones: page.tombstones.filter((_, at) => !tombstones[at]),
    refused: page.refused.filter((_, at) => !found[at]),
  };
  const left = new Set(kept.records.map(({ remoteId }) => remoteId));
  const gone = new Set(page.records.flatMap(({ remoteId }) => (left.has(remoteId) ? [] : [remoteId])));
  const isOfLeft = ({ remoteId }: { remoteId: string | null }) => remoteId === null || !gone.has(remoteId);
  const warnings = {
    ...(page.altered && { altered: page.altered.filter(isOfLeft) }),
    ...(page.warned && { warned: page.warned.filter(isOfLeft) }),
  };
  const erased = page.records.length - kept.records.length + page.refused.length - kept.refused.length;
  return { ...page, ...kept, ...warnings, erased };
}

/** @throws ConcurrentTransaction if the page has a record that was erased: it is applied without it. */
export async function requireNoneErased(work: TenantWork, page: PulledNames): Promise<void> {
  const { erased } = await withoutErased(work, page);
  if (erased > 0) throw new ConcurrentTransaction('The page has erased records.');
}
