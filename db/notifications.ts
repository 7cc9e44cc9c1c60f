/** Notifications: what people have to know of, one per episode. */
import type { Selectable } from 'kysely';
import type { TenantWork } from './database';
import { newUuid } from './ids';
import { storable } from './storable';
import type { NotificationKind, NotificationsTable } from './tables';

export type Notification = Omit<Selectable<NotificationsTable>, 'tenantId'>;

/** Newest first. `isOpen`: only those whose cause has not gone away (or only the others). */
export async function listNotifications(
  { trx, tenantId }: TenantWork,
  { limit, before, isOpen }: { limit: number; before?: string | undefined; isOpen?: boolean | undefined },
): Promise<Notification[]> {
  let query = trx
    .selectFrom('notifications')
    .select(['notificationId', 'kind', 'integrationId', 'detail', 'createdAt', 'resolvedAt'])
    .where('tenantId', '=', tenantId);
  if (before !== undefined) query = query.where('notificationId', '<', before);
  if (isOpen !== undefined) query = query.where('resolvedAt', isOpen ? 'is' : 'is not', null);
  return query.orderBy('notificationId', 'desc').limit(limit).execute();
}

interface Place {
  integrationId: string;
  kind: NotificationKind;
  now: Date;
}

/** Its cause went away. */
export async function resolveNotification(work: TenantWork, { integrationId, kind, now }: Place): Promise<void> {
  await work.trx
    .updateTable('notifications')
    .set({ resolvedAt: now })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('kind', '=', kind)
    .where('resolvedAt', 'is', null)
    .execute();
}

/** News that nothing has to be done about: it is settled as soon as it is told. */
export async function tellNews({ trx, tenantId }: TenantWork, { integrationId, kind, now, detail }: Place & { detail: string }): Promise<void> {
  await trx
    .insertInto('notifications')
    .values({ tenantId, notificationId: newUuid(), kind, integrationId, detail: storable(detail), createdAt: now, resolvedAt: now })
    .execute();
}

/** One open notification per integration and kind, whoever else notices the same (a unique index decides). */
export async function notifyOnce({ trx, tenantId }: TenantWork, { integrationId, kind, now, detail }: Place & { detail: string }): Promise<void> {
  await trx
    .insertInto('notifications')
    .values({ tenantId, notificationId: newUuid(), kind, integrationId, detail: storable(detail), createdAt: now, resolvedAt: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
