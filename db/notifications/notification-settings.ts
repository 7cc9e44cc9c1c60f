/**
 * Whether and when the people of a tenant get e-mails about notifications that they have not viewed (rules.md
 * 26).
 */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../database';
import type { NotificationSettingsTable } from '../tables/notifications';

export type NotificationSettings = Pick<
  Selectable<NotificationSettingsTable>,
  'isEmailOn' | 'emailDelaySeconds' | 'version'
>;

const COLUMNS = ['isEmailOn', 'emailDelaySeconds', 'version'] as const;

/** The settings until an admin changes them. */
const DEFAULTS: NotificationSettings = { isEmailOn: true, emailDelaySeconds: 900, version: 1 };

export async function findNotificationSettings({ trx, tenantId }: TenantWork): Promise<NotificationSettings> {
  return (
    (await trx
      .selectFrom('notificationSettings')
      .select(COLUMNS)
      .where('tenantId', '=', tenantId)
      .executeTakeFirst()) ?? DEFAULTS
  );
}

/** Locks the row until this transaction ends. */
export async function lockNotificationSettings({
  trx,
  tenantId,
  now,
}: TenantWork): Promise<NotificationSettings> {
  await trx
    .insertInto('notificationSettings')
    .values({ tenantId, updatedAt: now, ...DEFAULTS })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return trx
    .selectFrom('notificationSettings')
    .select(COLUMNS)
    .where('tenantId', '=', tenantId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
}

/** The row must be locked. */
export async function changeNotificationSettings(
  { trx, tenantId, now }: TenantWork,
  change: Partial<Omit<NotificationSettings, 'version'>>,
): Promise<NotificationSettings> {
  return trx
    .updateTable('notificationSettings')
    .set((eb) => ({ ...change, version: eb('version', '+', 1), updatedAt: now }))
    .where('tenantId', '=', tenantId)
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}
