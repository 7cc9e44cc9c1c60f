/** Deletions of whole tenants: the request, and the receipt that stays (rules.md 62). */
import type { Selectable } from 'kysely';
import type { TenantWork, Work } from '../database';
import { enqueue } from '../platform/outbox';
import type { TenantDeletionProgress, TenantDeletionsTable } from '../tables/erasures';

export type TenantDeletion = Selectable<TenantDeletionsTable>;

/** Of how many integrations the webhook subscriptions were canceled, and of how many some are left. */
export interface EndedSubscriptions {
  canceled: number;
  left: number;
}

/** From the commit on, no other transaction of the tenant begins. */
export async function requestTenantDeletion(
  work: TenantWork,
  { requestId, subscriptions }: { requestId: string; subscriptions?: EndedSubscriptions },
): Promise<TenantDeletion> {
  const { trx, tenantId, now } = work;
  await trx
    .insertInto('tenantDeletions')
    .values({
      tenantId,
      state: 'ending',
      progress: null,
      rows: '{}',
      passBeganAt: null,
      requestId,
      subscriptionsCanceled: subscriptions?.canceled ?? null,
      subscriptionsLeft: subscriptions?.left ?? null,
      requestedAt: now,
      updatedAt: now,
      finishedAt: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await enqueue(work, { topic: 'tenant_deletion', deletedTenantId: tenantId, nextDueAt: now });
  return (await findTenantDeletion(work, { tenantId })) as TenantDeletion;
}

export async function findTenantDeletion(
  { trx }: Pick<Work, 'trx'>,
  { tenantId }: { tenantId: string },
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<TenantDeletion | undefined> {
  return trx
    .selectFrom('tenantDeletions')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .$if(forUpdate, (query) => query.forUpdate())
    .executeTakeFirst();
}

export type TenantDeletionChange = Partial<
  Pick<TenantDeletion, 'state' | 'passBeganAt' | 'passRows' | 'finishedAt'>
> & { progress?: TenantDeletionProgress | null; rows?: Record<string, number> };

export async function changeTenantDeletion(
  { trx, tenantId, now }: TenantWork,
  { progress, rows, ...plain }: TenantDeletionChange,
): Promise<void> {
  await trx
    .updateTable('tenantDeletions')
    .set({
      ...plain,
      ...(progress === undefined ? {} : { progress: progress === null ? null : JSON.stringify(progress) }),
      ...(rows === undefined ? {} : { rows: JSON.stringify(rows) }),
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .execute();
}
