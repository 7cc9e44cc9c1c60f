/** The notifications of e-mails, as long as there is still a reason to send them. */
import { type RawBuilder, sql, type SqlBool } from 'kysely';
import type { NotificationItem } from '../../domain/notifications/email-kinds';
import {
  describeNotification,
  type NotificationKind,
  type NotificationSubject,
} from '../../domain/notifications/notification-kinds';
import { groupBy } from '../../domain/group-by';
import type { TenantWork } from '../database';
import { idList } from '../sql/bulk-rows';
import type { EmailWithdrawal } from '../tables/notifications';
import { findPersonFacts, reasonAgainstEmail } from './email-decision';

interface EmailContent {
  /** The newest first. */
  items: NotificationItem[];
  /** E-mails that still contain something unviewed. */
  byEmail: Set<string>;
  /** Why the last of the other e-mails was left out. */
  reason: EmailWithdrawal | undefined;
}

/** What these e-mails of one person still contain. Notifications without a reason are marked as withdrawn. */
export async function itemsOf(
  work: TenantWork,
  { personId, emailIds }: { personId: string; emailIds: readonly string[] },
): Promise<EmailContent> {
  const { trx, tenantId } = work;
  const { rows } = await sql<NotifiableRow>`
    select recipient.notification_recipient_id, recipient.email_id,
      recipient.viewed_at, notification.kind,
      notification.integration_id, notification.overview_id, notification.sync_run_id,
        notification.webhook_endpoint_id,
      integration.app, integration.account_name, person.disabled_at is not null as is_person_disabled,
      person.is_email_on as is_person_email_on,
      notification.resolved_at > notification.created_at is true as is_resolved
    from notification_recipients recipient
    -- Each row by its whole key: in a plain join, the planner might read those of all recipients each time.
    cross join lateral (
      select * from notifications
      where tenant_id = ${tenantId} and notification_id = recipient.notification_id limit 1) notification
    cross join lateral (
      select disabled_at, is_email_on from people
      where tenant_id = ${tenantId} and person_id = recipient.person_id limit 1) person
    left join lateral (
      select app, account_name from integrations
      where tenant_id = ${tenantId} and integration_id = notification.integration_id limit 1) integration on true
    where recipient.tenant_id = ${tenantId} and recipient.email_id = any(${idList(emailIds)})
      and recipient.email_withdrawn_reason is null
    order by notification.notification_id desc
    for no key update of recipient`.execute(trx);
  const content: EmailContent = { items: [], byEmail: new Set(), reason: undefined };
  const against: { id: string; reason: EmailWithdrawal }[] = [];
  const person = await findPersonFacts(work, { personId });
  for (const row of rows) {
    const reason = (await reasonAgainstEmail(work, row, person))?.decision;
    if (reason === undefined) {
      content.items.push({
        kind: row.kind,
        app: row.app,
        account_name: row.accountName,
        path: describeNotification(row.kind).path(row),
      });
      content.byEmail.add(row.emailId);
      continue;
    }
    content.reason = reason;
    against.push({ id: row.notificationRecipientId, reason });
  }
  for (const [reason, ended] of groupBy(against, (one) => one.reason))
    await markWithdrawn(
      work,
      sql`notification_recipient_id = any(${idList(ended.map(({ id }) => id))})`,
      reason,
    );
  return content;
}

type NotifiableRow = NotificationSubject & {
  notificationRecipientId: string;
  emailId: string;
  viewedAt: Date | null;
  kind: NotificationKind;
  app: string | null;
  accountName: string | null;
  isPersonDisabled: boolean;
  isPersonEmailOn: boolean;
  isResolved: boolean;
};

/** Marks notifications as withdrawn, so that no e-mail contains them. */
export async function markWithdrawn(
  { trx, tenantId }: TenantWork,
  which: RawBuilder<SqlBool>,
  reason: EmailWithdrawal,
): Promise<void> {
  await trx
    .updateTable('notificationRecipients')
    .set({ emailWithdrawnReason: reason })
    .where('tenantId', '=', tenantId)
    .where(which)
    .where('emailWithdrawnReason', 'is', null)
    .execute();
}
