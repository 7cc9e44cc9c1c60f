/**
 * What an e-mail to a person says, decided anew with each attempt, in the transaction that counts it: what was viewed meanwhile is left out, and
 * where several wait, one e-mail tells all of them (rules.md R19). What the mail server may have taken already stays as it is and stands alone.
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
import { reasonAgainstEmail } from './notification-recipients';
import { findRefusedAddress } from './undeliverable-addresses';
import type { EmailWithdrawal } from '../tables/notifications';

/** So many of one person's e-mails may wait beside each other; of more, one is made. */
const WAITING_MAX = 3;
/** What is more waits for its turn, all of it in one e-mail. */
export const EMAILS_PER_HOUR_MAX = 20;
const HOUR_MS = 3_600_000;
/** So many are named in one e-mail; the rest is in the platform. */
const ITEMS_MAX = 50;

interface Place {
  emailId: string;
}

/** `send`: the attempt is counted, and this is what goes out; `mayBeTaken`: the mail server may have it from an attempt before. */
export type EmailAttempt =
  | { kind: 'not_found' }
  | { kind: 'over'; email: Email }
  | { kind: 'wait'; ms: number }
  | { kind: 'send'; email: Email; mayBeTaken: boolean };

/** Makes an e-mail ready for its next attempt, if there still is a reason for one. */
export async function beginEmailAttempt(work: TenantWork, place: Place): Promise<EmailAttempt> {
  const person = await lockPersonOf(work, place);
  const email = await lockEmail(work, place);
  if (email === undefined) return { kind: 'not_found' };
  if (isOver(email)) return { kind: 'over', email };
  const mayBeTaken = email.attemptedAt !== null;
  if (person === undefined) return { kind: 'send', email: await countEmailAttempt(work, place), mayBeTaken };

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
    return { kind: 'send', email: await countEmailAttempt(work, place), mayBeTaken };

  // An attempt that nobody has heard the end of is made again, not made anew.
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
  return { kind: 'send', email: await countEmailAttempt(work, place), mayBeTaken };
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

/** One attempt per person at a time takes this step: before their e-mails are locked, or two attempts would wait for each other. */
async function lockPersonOf(
  { trx, tenantId }: TenantWork,
  { emailId }: Place,
): Promise<(PersonKey & { isDisabled: boolean }) | undefined> {
  const { rows } = await sql<PersonKey & { isDisabled: boolean }>`
    select person_id, email as address, disabled_at is not null as is_disabled from people
    where tenant_id = ${tenantId} and person_id = (select person_id from emails where tenant_id = ${tenantId} and email_id = ${emailId})
    for no key update`.execute(trx);
  return rows[0];
}

/** Undefined = it goes out as it is. */
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
  // One that has not been tried yet is about to be; one that waits after trouble may wait for hours.
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

/** The person's e-mails about notifications that have not left for sure. */
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

interface Told {
  /** Newest first. */
  items: NotificationItem[];
  /** The e-mails that still have something to tell. */
  byEmail: Set<string>;
  /** Why the last one that was left out was. */
  reason: EmailWithdrawal | undefined;
}

/** What these e-mails have to tell by now. What they have not to tell any more is noted as withdrawn. */
async function itemsOf(work: TenantWork, emailIds: readonly string[]): Promise<Told> {
  const { trx, tenantId } = work;
  const { rows } = await sql<NotifiableRow>`
    select recipient.notification_recipient_id, recipient.email_id, recipient.person_id, recipient.viewed_at, notification.kind,
      notification.integration_id, notification.overview_id, notification.sync_run_id, notification.webhook_endpoint_id,
      integration.app, integration.account_name, person.disabled_at is not null as is_person_disabled,
      notification.resolved_at > notification.created_at is true as is_resolved
    from notification_recipients recipient
    join notifications notification using (tenant_id, notification_id)
    join people person using (tenant_id, person_id)
    left join integrations integration on integration.tenant_id = recipient.tenant_id and integration.integration_id = notification.integration_id
    where recipient.tenant_id = ${tenantId} and recipient.email_id = any(${emailIds}::uuid[]) and recipient.email_withdrawn_reason is null
    order by notification.notification_id desc
    for no key update of recipient`.execute(trx);
  const told: Told = { items: [], byEmail: new Set(), reason: undefined };
  for (const row of rows) {
    const against = await reasonAgainstEmail(work, row);
    if (against === undefined) {
      told.items.push({
        kind: row.kind,
        app: row.app,
        account_name: row.accountName,
        path: describeNotification(row.kind).path(row),
      });
      told.byEmail.add(row.emailId);
      continue;
    }
    told.reason = against.decision;
    await markWithdrawn(work, row.emailId, against.decision, row.notificationRecipientId);
  }
  return told;
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
