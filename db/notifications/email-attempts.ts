/**
 * The content of an e-mail to a person, built again for each attempt in the transaction that counts the
 * attempt. Notifications viewed since then are left out, and several waiting e-mails are merged into one
 * (rules.md R19). An e-mail that the mail server may already have keeps its content and is not merged.
 */
import { sql } from 'kysely';
import { nextEmailDelayMs } from '../../domain/notifications/email-retry';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';
import { itemsOf, markWithdrawn } from './email-content';
import { countEmailAttempt, type Email, isOneOf, lockEmail, queueEmail, withdrawEmails } from './emails';
import { findRefusedAddress } from './undeliverable-addresses';
import type { EmailWithdrawal } from '../tables/notifications';

/** Up to this many e-mails to one person may wait separately; more are merged into one. */
const WAITING_MAX = 3;
/** Beyond this many e-mails an hour to one person, further ones wait and are merged into one. */
const EMAILS_PER_HOUR_MAX = 20;
const HOUR_MS = 3_600_000;
/** An attempt merges this many waiting e-mails at most; those left are merged by attempts of their own. */
const JOINED_AT_ONCE = 1_000;
/** A digest that is tried again so soon takes further notifications. */
const SOON_MS = 15 * 60_000;
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
  const { items, reason } = await itemsOf(work, { personId, emailIds: [email.emailId] });
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
  await withdrawEmails(work, { emailIds: [email.emailId], reason });
  await markWithdrawn(work, sql`email_id = ${email.emailId}`, reason);
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
  const others = (await lockWaiting(work, personId)).filter((emailId) => emailId !== email.emailId);
  const waitMs = await msUntilAllowed(work, personId);
  if (email.kind === 'notification_digest') {
    if (waitMs > 0) return { kind: 'wait', ms: waitMs };
    await joinInto(work, email.emailId, others);
    return undefined;
  }
  const next = await findNextDigest(work, personId);
  if (next !== undefined) return joined(work, next, email, others);
  const emailIds = [...others, email.emailId];
  const stillReasons = await itemsOf(work, { personId, emailIds });
  const hasReason = stillReasons.byEmail.has(email.emailId);
  if (!hasReason || (waitMs === 0 && stillReasons.items.length <= WAITING_MAX)) return undefined;
  const digestId = await queueEmail(work, {
    kind: 'notification_digest',
    personId,
    recipient: address,
    content: { items: [] },
  });
  return joined(work, digestId, email, others);
}

async function joined(
  work: TenantWork,
  digestId: string,
  email: Email,
  others: readonly string[],
): Promise<EmailAttempt> {
  await joinInto(work, digestId, [...others.filter((emailId) => emailId !== digestId), email.emailId]);
  return { kind: 'over', email: { ...email, withdrawnAt: work.now, withdrawnReason: 'digest' } };
}

async function joinInto(work: TenantWork, digestId: string, emailIds: readonly string[]): Promise<void> {
  await work.trx
    .updateTable('notificationRecipients')
    .set({ emailId: digestId })
    .where('tenantId', '=', work.tenantId)
    .where(isOneOf(emailIds))
    .where('emailWithdrawnReason', 'is', null)
    .execute();
  await withdrawEmails(work, { emailIds, reason: 'digest' });
}

const isWaiting = ({ tenantId }: TenantWork, personId: string) => sql<boolean>`
  tenant_id = ${opaqueToPlanner(tenantId)} and person_id = ${personId}
    and kind in ('notification', 'notification_digest') and sent_at is null and failed_at is null
    and withdrawn_at is null and attempted_at is null`;

/** Some of the person's e-mails about notifications that are not known to be sent, the oldest first. */
async function lockWaiting(work: TenantWork, personId: string): Promise<string[]> {
  const waiting = sql<{ emailId: string }>`
    select email_id from emails where ${isWaiting(work, personId)}
    order by created_at limit ${JOINED_AT_ONCE} for no key update`;
  const { rows } = await inIndexOrder(work, () => waiting.execute(work.trx));
  return rows.map(({ emailId }) => emailId);
}

/**
 * The person's digest that is about to be sent, or soon tried again. One that has failed more often may wait
 * for hours.
 */
async function findNextDigest(work: TenantWork, personId: string): Promise<string | undefined> {
  const newest = sql<{ emailId: string; attempts: number }>`
    select email_id, attempts from emails
    where ${isWaiting(work, personId)} and kind = 'notification_digest'
    order by created_at desc limit 1`;
  const { rows } = await inIndexOrder(work, () => newest.execute(work.trx));
  const [digest] = rows;
  if (digest === undefined) return undefined;
  const waitMs = digest.attempts === 0 ? 0 : (nextEmailDelayMs(digest.attempts) ?? Infinity);
  return waitMs <= SOON_MS ? digest.emailId : undefined;
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
