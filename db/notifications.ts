/** Notifications as they are read: what people have to know of, one per episode. */
import type { Selectable } from 'kysely';
import type { TenantWork } from './database';
import type { NotificationsTable } from './tables';

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
