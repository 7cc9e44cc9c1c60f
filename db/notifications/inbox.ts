/**
 * A person's inbox: notifications with the state of their e-mails, and the views that end them (rules.md 24,
 * 25).
 * A view is one-way, and decides a notification that the timer has not decided yet.
 */
import { type Selectable, sql, type SqlBool } from 'kysely';
import { describeNotification, NOTIFICATION_KINDS } from '../../domain/notifications/notification-kinds';
import type { TenantWork } from '../database';
import { appendStreamEvent } from '../platform/change-feed';
import { enqueueAll } from '../platform/outbox';
import { inIndexOrder } from '../sql/index-order';
import type { NotificationRecipientsTable, ViewedHow } from '../tables/notifications';
import { type Notification, NOTIFICATION_COLUMNS } from './notifications';

type RecipientRow = Selectable<NotificationRecipientsTable>;

/** A notification as its recipient sees it, with the state of its e-mail. */
export type InboxNotification = Notification &
  Pick<
    RecipientRow,
    'viewedAt' | 'revealedAt' | 'decision' | 'decisionReason' | 'decidedAt' | 'emailWithdrawnReason'
  > & {
    emailSentAt: Date | null;
    emailFailedAt: Date | null;
  };

interface PersonKey {
  personId: string;
}

/** The notifications in one person's inbox, the newest first. */
export async function listInbox(
  { trx, tenantId }: TenantWork,
  {
    personId,
    limit,
    before,
    isOpen,
    isViewed,
  }: PersonKey & {
    limit: number;
    before?: string | undefined;
    isOpen?: boolean | undefined;
    isViewed?: boolean | undefined;
  },
): Promise<InboxNotification[]> {
  let query = trx
    .selectFrom('notificationRecipients as recipient')
    .innerJoin('notifications as notification', (join) =>
      join
        .onRef('notification.tenantId', '=', 'recipient.tenantId')
        .onRef('notification.notificationId', '=', 'recipient.notificationId'),
    )
    .leftJoin('integrations as integration', (join) =>
      join
        .onRef('integration.tenantId', '=', 'notification.tenantId')
        .onRef('integration.integrationId', '=', 'notification.integrationId'),
    )
    .leftJoin('emails as email', (join) =>
      join
        .onRef('email.tenantId', '=', 'recipient.tenantId')
        .onRef('email.emailId', '=', 'recipient.emailId'),
    )
    .select([
      ...NOTIFICATION_COLUMNS,
      'recipient.viewedAt',
      'recipient.revealedAt',
      'recipient.decision',
      'recipient.decisionReason',
      'recipient.decidedAt',
      'recipient.emailWithdrawnReason',
      'email.sentAt as emailSentAt',
      'email.failedAt as emailFailedAt',
    ])
    .where('recipient.tenantId', '=', tenantId)
    .where('recipient.personId', '=', personId)
    .where('recipient.revealedAt', 'is not', null);
  if (before !== undefined) query = query.where('recipient.notificationId', '<', before);
  if (isOpen !== undefined) query = query.where('notification.resolvedAt', isOpen ? 'is' : 'is not', null);
  if (isViewed !== undefined) query = query.where('recipient.viewedAt', isViewed ? 'is not' : 'is', null);
  return query.orderBy('recipient.notificationId', 'desc').limit(limit).execute();
}

/** How many notifications of the inbox the person has not viewed. */
export async function countUnread({ trx, tenantId }: TenantWork, { personId }: PersonKey): Promise<number> {
  const { count } = await trx
    .selectFrom('notificationRecipients')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .where('revealedAt', 'is not', null)
    .where('viewedAt', 'is', null)
    .executeTakeFirstOrThrow();
  return count;
}

/** A second view changes nothing. @returns false if the person has no such notification. */
export async function viewNotification(
  work: TenantWork,
  { personId, notificationId, how }: PersonKey & { notificationId: string; how: 'seen' | 'opened' },
): Promise<boolean> {
  const found = await work.trx
    .selectFrom('notificationRecipients')
    .select('notificationRecipientId')
    .where('tenantId', '=', work.tenantId)
    .where('personId', '=', personId)
    .where('notificationId', '=', notificationId)
    .where('revealedAt', 'is not', null)
    .executeTakeFirst();
  if (found === undefined) return false;
  await markViewed(work, { personId, how, which: sql`notification_id = ${notificationId}` });
  return true;
}

/**
 * Marks this notification and those that appeared in the inbox before it, the last 1,000 of them. A
 * notification can appear later than newer ones. @returns how many had not been viewed.
 */
export async function viewNotificationsUpTo(
  work: TenantWork,
  { personId, notificationId }: PersonKey & { notificationId: string },
): Promise<number> {
  const which = sql<SqlBool>`notification_id = any(array(
    select notification_id from notification_recipients
    where tenant_id = ${work.tenantId} and person_id = ${personId} and viewed_at is null
      and revealed_at is not null
      and (revealed_at, notification_id) <= (
        select revealed_at, notification_id from notification_recipients
        where tenant_id = ${work.tenantId} and person_id = ${personId}
          and notification_id = ${notificationId})
    order by revealed_at desc, notification_id desc limit ${MARKED_MAX}))`;
  return inIndexOrder(work, () => markViewed(work, { personId, how: 'marked', which }));
}

/** Of one request, which changes that many rows and sends as many messages. */
const MARKED_MAX = 1_000;

/** Other kinds may name a run as well, but lead to another page. */
const REQUESTER_KINDS = NOTIFICATION_KINDS.filter(
  (kind) => describeNotification(kind).audience === 'requester',
);

/**
 * The person opened the page that the notifications lead to, by whatever way, perhaps before they were
 * visible.
 */
export async function markTargetViewed(
  work: TenantWork,
  { personId, ...target }: PersonKey & ({ overviewId: string } | { syncRunId: string }),
): Promise<void> {
  const isTarget =
    'overviewId' in target
      ? sql`notification.overview_id = ${target.overviewId}`
      : sql`notification.sync_run_id = ${target.syncRunId}`;
  const which = sql<SqlBool>`notification_id in (select notification.notification_id
    from notifications notification
    where notification.tenant_id = ${work.tenantId} and notification.kind = any(${REQUESTER_KINDS})
      and ${isTarget})`;
  await markViewed(work, { personId, how: 'target_opened', which });
}

/** The only update that marks notifications as viewed; it also decides those that were undecided. */
async function markViewed(
  work: TenantWork,
  { personId, how, which }: PersonKey & { how: ViewedHow; which: ReturnType<typeof sql<SqlBool>> },
): Promise<number> {
  const { trx, tenantId, now } = work;
  const { rows } = await sql<{ notificationRecipientId: string; notificationId: string; isDecided: boolean }>`
    update notification_recipients set viewed_at = ${now}, viewed_how = ${how},
      decision = coalesce(decision, 'viewed'), decided_at = coalesce(decided_at, ${now})
    where tenant_id = ${tenantId} and person_id = ${personId} and viewed_at is null and ${which}
    returning notification_recipient_id, notification_id, decision = 'viewed' as is_decided`.execute(trx);
  if (rows.length === 0) return 0;
  await enqueueAll(
    work,
    rows
      .filter(({ isDecided }) => isDecided)
      .map((row) => ({
        topic: 'notification_viewed',
        notificationRecipientId: row.notificationRecipientId,
        nextDueAt: now,
      })),
  );
  // Small on purpose: a page that is open counts again.
  await appendStreamEvent(work, {
    topic: 'notifications',
    body: { person_id: personId, notification_id: rows[0]?.notificationId ?? null },
  });
  return rows.length;
}
