/**
 * The content of an e-mail to a person, built again for each attempt in the transaction that counts the
 * attempt. Notifications viewed since then are left out, and several waiting e-mails are merged into one
 * (rules.md R19). An e-mail that the mail server may already have keeps its content and is not merged.
 */
import { sql } from 'kysely';
import type { EmailKind, NotificationItem } from '../../domain/notifications/email-kinds';
import {
  describeNotification,
  type NotificationKind,
  type NotificationSubject,
} from '../../domain/notifications/notification-kinds';
import type { TenantWork } from '../database';
import { countEmailAttempt, type Email, lockEmail, queueEmail, withdrawEmail } from './emails';
import { reasonAgainstEmail } from './email-decision';
import { findRefusedAddress } from './undeliverable-addresses';
import type { EmailWithdrawal } from '../tables/notifications';

/** Up to this many e-mails to one person may wait separately; more are merged into one. */
const WAITING_MAX = 3;
/** Beyond this many e-mails an hour to one person, further ones wait and are merged into one. */
const EMAILS_PER_HOUR_MAX = 20;
const HOUR_MS = 3_600_000;
/** A digest lists this many notifications and refers to the platform for the rest. */
const ITEMS_MAX = 50;

interface EmailKey {
  emailId: string;
}

/**
 * `send`: the attempt is counted, and this is the content. `mayBeTaken`: the mail server may have accepted an
 * earlier attempt.
 */
export type EmailAttempt =
  | { kind: 'not_found' }
  | { kind: 'over'; email: Email }
  | { kind: 'wait'; ms: number }
  | { kind: 'send'; email: Email; mayBeTaken: boolean };

/** Prepares an e-mail for its next attempt, if there is still a reason for it. */
export async function beginEmailAttempt(work: TenantWork, key: EmailKey): Promise<EmailAttempt> {
  const person = await lockPersonOf(work, key);
  const email = await lockEmail(work, key);
  if (email === undefined) return { kind: 'not_found' };
  if (isOver(email)) return { kind: 'over', email };
  const mayBeTaken = email.attemptedAt !== null;
  if (person === undefined) return { kind: 'send', email: await countEmailAttempt(work, key), mayBeTaken };

  const { personId, address } = person;
  if (person.isDisabled) return over(work, email, 'person_disabled');
  if ((await findRefusedAddress(work, { personId })) !== undefined)
    return over(work, email, 'address_refused');
  await work.trx
    .updateTable('emails')
    .set({ recipient: address })
    .where('tenantId', '=', work.tenantId)
    .where('emailId', '=', email.emailId)
    .execute();
  if (!isAboutNotifications(email.kind))
    return { kind: 'send', email: await countEmailAttempt(work, key), mayBeTaken };

  // If the outcome of the last attempt is unknown, resend the same content instead of rebuilding it.
  if (!mayBeTaken) {
    const turn = await joinWaiting(work, { ...person, email });
    if (turn !== undefined) return turn;
  }
  const { items, reason } = await itemsOf(work, [email.emailId]);
  if (items.length === 0) return over(work, email, reason ?? 'not_needed');
  await work.trx
    .updateTable('emails')
    .set({ content: JSON.stringify({ items: items.slice(0, ITEMS_MAX) }) })
    .where('tenantId', '=', work.tenantId)
    .where('emailId', '=', email.emailId)
    .execute();
  return { kind: 'send', email: await countEmailAttempt(work, key), mayBeTaken };
}

export function isOver({ sentAt, failedAt, withdrawnAt }: Email): boolean {
  return sentAt !== null || failedAt !== null || withdrawnAt !== null;
}

const isAboutNotifications = (kind: string): boolean =>
  kind === 'notification' || kind === 'notification_digest';

async function over(work: TenantWork, email: Email, reason: EmailWithdrawal): Promise<EmailAttempt> {
  await withdrawEmail(work, { emailId: email.emailId, reason });
  await markWithdrawn(work, email.emailId, reason);
  return { kind: 'over', email: { ...email, withdrawnAt: work.now, withdrawnReason: reason } };
}

interface PersonKey {
  personId: string;
  address: string;
}

/**
 * Lets one attempt per person build its e-mail at a time. Without it two attempts could deadlock on each
 * other's e-mails.
 */
async function lockPersonOf(
  { trx, tenantId }: TenantWork,
  { emailId }: EmailKey,
): Promise<(PersonKey & { isDisabled: boolean }) | undefined> {
  const { rows } = await sql<PersonKey & { isDisabled: boolean }>`
    select person_id, email as address, disabled_at is not null as is_disabled from people
    where tenant_id = ${tenantId} and person_id = (select person_id from emails
      where tenant_id = ${tenantId} and email_id = ${emailId})
    for no key update`.execute(trx);
  return rows[0];
}

/** Undefined = the e-mail is sent as it is. */
async function joinWaiting(
  work: TenantWork,
  { email, personId, address }: PersonKey & { email: Email },
): Promise<EmailAttempt | undefined> {
  const waiting = await lockWaiting(work, personId);
  const others = waiting.filter(({ emailId }) => emailId !== email.emailId);
  const waitMs = await msUntilAllowed(work, personId);
  if (email.kind === 'notification_digest') {
    if (waitMs > 0) return { kind: 'wait', ms: waitMs };
    await joinInto(work, email.emailId, others);
    return undefined;
  }
  // An untried e-mail is about to be sent; one that waits for a retry may wait for hours.
  const next = others.find(({ kind, attempts }) => kind === 'notification_digest' && attempts === 0);
  if (next !== undefined) return joined(work, next.emailId, email, [email]);
  const stillReasons = await itemsOf(
    work,
    [...others, email].map(({ emailId }) => emailId),
  );
  const hasReason = stillReasons.byEmail.has(email.emailId);
  if (!hasReason || (waitMs === 0 && stillReasons.items.length <= WAITING_MAX)) return undefined;
  const digestId = await queueEmail(work, {
    kind: 'notification_digest',
    personId,
    recipient: address,
    content: { items: [] },
  });
  return joined(work, digestId, email, [...others, email]);
}

async function joined(
  work: TenantWork,
  digestId: string,
  email: Email,
  emails: readonly Pick<Email, 'emailId'>[],
): Promise<EmailAttempt> {
  await joinInto(work, digestId, emails);
  return { kind: 'over', email: { ...email, withdrawnAt: work.now, withdrawnReason: 'digest' } };
}

async function joinInto(
  work: TenantWork,
  digestId: string,
  emails: readonly Pick<Email, 'emailId'>[],
): Promise<void> {
  for (const { emailId } of emails) {
    await work.trx
      .updateTable('notificationRecipients')
      .set({ emailId: digestId })
      .where('tenantId', '=', work.tenantId)
      .where('emailId', '=', emailId)
      .where('emailWithdrawnReason', 'is', null)
      .execute();
    await withdrawEmail(work, { emailId, reason: 'digest' });
  }
}

/** The person's e-mails about notifications that are not known to be sent. */
async function lockWaiting(
  { trx, tenantId }: TenantWork,
  personId: string,
): Promise<Pick<Email, 'emailId' | 'kind' | 'attempts'>[]> {
  return trx
    .selectFrom('emails')
    .select(['emailId', 'kind', 'attempts'])
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .where('kind', 'in', ['notification', 'notification_digest'] satisfies EmailKind[])
    .where('sentAt', 'is', null)
    .where('failedAt', 'is', null)
    .where('withdrawnAt', 'is', null)
    .where('attemptedAt', 'is', null)
    .orderBy('emailId')
    .forNoKeyUpdate()
    .execute();
}

/** 0 = now. */
async function msUntilAllowed({ trx, tenantId, now }: TenantWork, personId: string): Promise<number> {
  const sent = await trx
    .selectFrom('emails')
    .select('sentAt')
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .where('sentAt', '>', new Date(now.getTime() - HOUR_MS))
    .orderBy('sentAt', 'desc')
    .offset(EMAILS_PER_HOUR_MAX - 1)
    .limit(1)
    .executeTakeFirst();
  return sent?.sentAt == null ? 0 : Math.max(1, sent.sentAt.getTime() + HOUR_MS - now.getTime());
}

interface EmailContent {
  /** The newest first. */
  items: NotificationItem[];
  /** E-mails that still contain something unviewed. */
  byEmail: Set<string>;
  /** Why the last of the other e-mails was left out. */
  reason: EmailWithdrawal | undefined;
}

/** The content that these e-mails still have. E-mails without any are withdrawn. */
async function itemsOf(work: TenantWork, emailIds: readonly string[]): Promise<EmailContent> {
  const { trx, tenantId } = work;
  const { rows } = await sql<NotifiableRow>`
    select recipient.notification_recipient_id, recipient.email_id, recipient.person_id,
      recipient.viewed_at, notification.kind,
      notification.integration_id, notification.overview_id, notification.sync_run_id,
        notification.webhook_endpoint_id,
      integration.app, integration.account_name, person.disabled_at is not null as is_person_disabled,
      person.is_email_on as is_person_email_on,
      notification.resolved_at > notification.created_at is true as is_resolved
    from notification_recipients recipient
    join notifications notification using (tenant_id, notification_id)
    join people person using (tenant_id, person_id)
    left join integrations integration on integration.tenant_id = recipient.tenant_id
      and integration.integration_id = notification.integration_id
    where recipient.tenant_id = ${tenantId} and recipient.email_id = any(${emailIds}::uuid[])
      and recipient.email_withdrawn_reason is null
    order by notification.notification_id desc
    for no key update of recipient`.execute(trx);
  const content: EmailContent = { items: [], byEmail: new Set(), reason: undefined };
  for (const row of rows) {
    const against = await reasonAgainstEmail(work, row);
    if (against === undefined) {
      content.items.push({
        kind: row.kind,
        app: row.app,
        account_name: row.accountName,
        path: describeNotification(row.kind).path(row),
      });
      content.byEmail.add(row.emailId);
      continue;
    }
    content.reason = against.decision;
    await markWithdrawn(work, row.emailId, against.decision, row.notificationRecipientId);
  }
  return content;
}

type NotifiableRow = NotificationSubject & {
  notificationRecipientId: string;
  emailId: string;
  personId: string;
  viewedAt: Date | null;
  kind: NotificationKind;
  app: string | null;
  accountName: string | null;
  isPersonDisabled: boolean;
  isPersonEmailOn: boolean;
  isResolved: boolean;
};

async function markWithdrawn(
  { trx, tenantId }: TenantWork,
  emailId: string,
  reason: EmailWithdrawal,
  notificationRecipientId?: string,
): Promise<void> {
  let query = trx
    .updateTable('notificationRecipients')
    .set({ emailWithdrawnReason: reason })
    .where('tenantId', '=', tenantId)
    .where('emailId', '=', emailId)
    .where('emailWithdrawnReason', 'is', null);
  if (notificationRecipientId !== undefined)
    query = query.where('notificationRecipientId', '=', notificationRecipientId);
  await query.execute();
}
