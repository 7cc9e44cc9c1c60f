/** Erasures of records: requests, previews and receipts (rules.md 62). */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import { enqueue } from '../platform/outbox';
import { newUuid } from '../sql/ids';
import type { EraseAs, ErasureAtThirdParty, ErasuresTable, ErasureSearch } from '../tables/erasures';

export type Erasure = Omit<Selectable<ErasuresTable>, 'tenantId'>;

/** Requests a preview. */
export async function requestErasure(
  work: TenantWork,
  { search, requestedBy }: { search: ErasureSearch; requestedBy: string },
): Promise<Erasure> {
  const { trx, tenantId, now } = work;
  const erasureId = newUuid();
  const empty = JSON.stringify({});
  await trx
    .insertInto('erasures')
    .values({
      tenantId,
      erasureId,
      state: 'finding',
      search: JSON.stringify(search),
      found: empty,
      erased: empty,
      thirdParties: '[]',
      progress: null,
      requestedBy,
      requestedAt: now,
      confirmedBy: null,
      confirmedAt: null,
      blockedAt: null,
      finishedAt: null,
      liftedAt: null,
      updatedAt: now,
    })
    .execute();
  await enqueue(work, { topic: 'erasure', erasureId, nextDueAt: now });
  return (await findErasure(work, { erasureId })) as Erasure;
}

export async function findErasure(
  { trx, tenantId }: TenantWork,
  { erasureId }: { erasureId: string },
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<Erasure | undefined> {
  return trx
    .selectFrom('erasures')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('erasureId', '=', erasureId)
    .$if(forUpdate, (query) => query.forUpdate())
    .executeTakeFirst();
}

/** The newest first. */
export async function listErasures(
  { trx, tenantId }: TenantWork,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<Erasure[]> {
  let query = trx.selectFrom('erasures').selectAll().where('tenantId', '=', tenantId);
  if (before !== undefined) query = query.where('erasureId', '<', before);
  return query.orderBy('erasureId', 'desc').limit(limit).execute();
}

export type ErasureChange = Partial<
  Pick<
    Erasure,
    'state' | 'records' | 'found' | 'erased' | 'thirdParties' | 'progress' | 'blockedAt' | 'finishedAt'
  > & {
    search: ErasureSearch;
  }
>;

export async function changeErasure(
  { trx, tenantId, now }: TenantWork,
  { erasureId }: { erasureId: string },
  change: ErasureChange,
): Promise<void> {
  const { search, found, erased, thirdParties, progress, ...plain } = change;
  const json = { search, found, erased, thirdParties, progress };
  const texts = Object.fromEntries(
    Object.entries(json).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, JSON.stringify(value)]],
    ),
  );
  await trx
    .updateTable('erasures')
    .set({ ...plain, ...texts, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('erasureId', '=', erasureId)
    .execute();
}

/** Begins the erasure of a preview that is ready. The caller has locked it. */
export async function confirmErasure(
  work: TenantWork,
  { erasureId, thirdParties }: Erasure,
  { actions, confirmedBy }: { actions: ReadonlyMap<string, EraseAs>; confirmedBy: string },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const chosen = thirdParties.map((one): ErasureAtThirdParty => ({
    ...one,
    action: actions.get(one.integrationId) ?? 'keep',
  }));
  await trx
    .updateTable('erasures')
    .set({
      state: 'blocking',
      confirmedBy,
      confirmedAt: now,
      thirdParties: JSON.stringify(chosen),
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('erasureId', '=', erasureId)
    .execute();
  await enqueue(work, { topic: 'erasure', erasureId, nextDueAt: now });
}

/** Lets the records of a finished erasure come back, unless another one names them. The receipt stays. */
export async function liftErasure(
  { trx, tenantId, now }: TenantWork,
  { erasureId }: { erasureId: string },
): Promise<void> {
  await sql`delete from erased_hashes where tenant_id = ${tenantId} and erasure_id = ${erasureId}`.execute(
    trx,
  );
  await trx
    .updateTable('erasures')
    .set({ liftedAt: now })
    .where('tenantId', '=', tenantId)
    .where('erasureId', '=', erasureId)
    .execute();
}
