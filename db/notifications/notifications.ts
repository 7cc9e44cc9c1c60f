/**
 * Notifications: news, and alerts of which at most one per integration and kind is open. Recipients are in
 * email-decision.ts, the catalogue in domain/notifications/notification-kinds.ts.
 */
import type { Selectable } from 'kysely';
import {
  describeNotification,
  NOTIFICATION_KINDS,
  type NotificationKind,
} from '../../domain/notifications/notification-kinds';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { enqueueAll } from '../platform/outbox';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { appendStreamEvent } from '../platform/change-feed';
import type { NotificationRecipientsTable, NotificationsTable } from '../tables/notifications';

export type Notification = Omit<Selectable<NotificationsTable>, 'tenantId'> & {
  app: string | null;
  accountName: string | null;
};

export const NOTIFICATION_COLUMNS = [
  'notification.notificationId',
  'notification.kind',
  'notification.integrationId',
  'notification.overviewId',
  'notification.syncRunId',
  'notification.webhookEndpointId',
  'notification.detail',
  'notification.createdAt',
  'notification.resolvedAt',
  'integration.app',
  'integration.accountName',
] as const;

const OF_THE_TENANT = NOTIFICATION_KINDS.filter((kind) => describeNotification(kind).audience === 'admins');

/**
 * Notifications of the tenant as a whole, the newest first. `isOpen`: only those whose cause persists, or
 * only the others.
 */
export async function listNotifications(
  { trx, tenantId }: TenantWork,
  { limit, before, isOpen }: { limit: number; before?: string | undefined; isOpen?: boolean | undefined },
): Promise<Notification[]> {
  let query = trx
    .selectFrom('notifications as notification')
    .leftJoin('integrations as integration', (join) =>
      join
        .onRef('integration.tenantId', '=', 'notification.tenantId')
        .onRef('integration.integrationId', '=', 'notification.integrationId'),
    )
    .select(NOTIFICATION_COLUMNS)
    .where('notification.tenantId', '=', tenantId)
    .where('notification.kind', 'in', OF_THE_TENANT);
  if (before !== undefined) query = query.where('notification.notificationId', '<', before);
  if (isOpen !== undefined) query = query.where('notification.resolvedAt', isOpen ? 'is' : 'is not', null);
  return query.orderBy('notification.notificationId', 'desc').limit(limit).execute();
}

/** The cause is gone. People who have not got an e-mail by then get none. */
export async function resolveNotification(
  work: TenantWork,
  { integrationId, kind, now }: { integrationId: string; kind: NotificationKind; now: Date },
): Promise<void> {
  await work.trx
    .updateTable('notifications')
    .set({ resolvedAt: now })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('kind', '=', kind)
    .where('resolvedAt', 'is', null)
    .execute();
}

export interface News {
  kind: NotificationKind;
  integrationId: string | null;
  overviewId?: string | null;
  syncRunId?: string | null;
  webhookEndpointId?: string | null;
  /** For people. It may contain a third party's words, so it is shown only in the platform. */
  detail: string;
}

export interface Recipient {
  notificationRecipientId: string;
  personId: string;
}

/**
 * Notifies one person, once per operation however often it is called. Call it in the transaction that ends
 * the work. It is hidden until `revealAt`, and stays hidden if the operation's response
 * (`operations.answered_at`) was sent by then (rules.md 18, 24).
 */
export async function notifyPerson(
  work: TenantWork,
  {
    personId,
    operationId,
    revealAt,
    ...news
  }: News & { personId: string; operationId: string | null; revealAt: Date },
): Promise<void> {
  const notificationId = newUuid();
  const recipients = await addRecipients(work, {
    notificationId,
    personIds: [personId],
    operationId,
    visibleAt: revealAt,
  });
  if (recipients.length > 0) await insertNotification(work, notificationId, news);
}

/**
 * Notifies all current admins of the tenant. An alert that is already open is not repeated. @returns the
 * notified people.
 */
export async function notifyAdmins(work: TenantWork, news: News): Promise<Recipient[]> {
  const notificationId = newUuid();
  if (!(await insertNotification(work, notificationId, news))) return [];
  const admins = await work.trx
    .selectFrom('people')
    .select('personId')
    .where('tenantId', '=', work.tenantId)
    .where('role', '=', 'admin')
    .where('disabledAt', 'is', null)
    .execute();
  const personIds = admins.map(({ personId }) => personId);
  return addRecipients(work, { notificationId, personIds, operationId: null, visibleAt: work.now });
}

/** False if such an alert is already open; a unique index decides between concurrent callers. */
async function insertNotification(
  { trx, tenantId, now }: TenantWork,
  notificationId: string,
  { kind, detail, ...subject }: News,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('notifications')
    .values({
      tenantId,
      notificationId,
      kind,
      ...subject,
      detail: sanitizeForPostgres(detail),
      createdAt: now,
      resolvedAt: describeNotification(kind).isNews ? now : null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

async function addRecipients(
  work: TenantWork,
  {
    personIds,
    visibleAt,
    ...common
  }: Pick<Selectable<NotificationRecipientsTable>, 'notificationId' | 'operationId' | 'visibleAt'> & {
    personIds: readonly string[];
  },
): Promise<Recipient[]> {
  if (personIds.length === 0) return [];
  const { trx, tenantId, now } = work;
  // A notification that no response precedes is visible at once, even while Temporal is down.
  const isRevealed = common.operationId === null && visibleAt <= now;
  const recipients = await trx
    .insertInto('notificationRecipients')
    .values(
      personIds.map((personId) => ({
        tenantId,
        notificationRecipientId: newUuid(),
        personId,
        ...common,
        visibleAt,
        revealedAt: isRevealed ? now : null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning(['notificationRecipientId', 'personId'])
    .execute();
  await enqueueAll(
    work,
    recipients.map(({ notificationRecipientId }) => ({
      topic: 'notification',
      notificationRecipientId,
      nextDueAt: visibleAt,
    })),
  );
  for (const { personId } of isRevealed ? recipients : [])
    await appendStreamEvent(work, {
      topic: 'notifications',
      body: { person_id: personId, notification_id: common.notificationId },
    });
  return recipients;
}
