/**
 * What happens to a notification for one person (rules.md 24 to 26): it becomes visible, and later an e-mail
 * is sent or not. The timer's decision and a view are two conditional updates of one row; the first to commit
 * decides.
 */
import { type Selectable, sql } from 'kysely';
import type { EmailContents, EmailKind } from '../../domain/notifications/email-kinds';
import {
  isRequired,
  type NotificationDecision,
  type NotificationKind,
} from '../../domain/notifications/notification-kinds';
import type { TenantWork } from '../database';
import { appendStreamEvent } from '../platform/change-feed';
import { newUuid } from '../sql/ids';
import type { NotificationRecipientsTable } from '../tables/notifications';
import { queueEmail } from './emails';
import { findNotificationSettings } from './notification-settings';
import { findRefusedAddress } from './undeliverable-addresses';

type RecipientRow = Selectable<NotificationRecipientsTable>;

interface RecipientKey {
  notificationRecipientId: string;
}

/** The state afterwards: the decision, or how long there is nothing to do. */
export type RecipientState =
  | { decision: NotificationDecision | 'not_found' }
  | { decision: null; waitMs: number };

/** Does what is due: shows the notification, or decides about its e-mail. Safe to repeat. */
export async function decideRecipient(work: TenantWork, key: RecipientKey): Promise<RecipientState> {
  const recipient = await findRecipient(work, key);
  if (recipient === undefined) return { decision: 'not_found' };
  if (recipient.decision !== null) return { decision: recipient.decision };
  if (recipient.visibleAt > work.now) return { decision: null, waitMs: msUntil(recipient.visibleAt, work) };
  if (recipient.revealedAt === null && (await isAnswered(work, recipient.operationId)))
    return decide(work, recipient, { decision: 'not_needed', reason: 'answered' });

  const emailAt = recipient.emailAt ?? (await reveal(work, recipient));
  if (emailAt > work.now) return { decision: null, waitMs: msUntil(emailAt, work) };
  const against = await reasonAgainstEmail(work, recipient, await findPersonFacts(work, recipient));
  return decide(work, recipient, against ?? { decision: 'emailed', reason: null });
}

const msUntil = (at: Date, { now }: TenantWork): number => Math.max(1, at.getTime() - now.getTime());

export type RecipientFacts = Pick<
  RecipientRow,
  | 'notificationRecipientId'
  | 'notificationId'
  | 'personId'
  | 'operationId'
  | 'visibleAt'
  | 'revealedAt'
  | 'emailAt'
  | 'viewedAt'
  | 'decision'
> & {
  kind: NotificationKind;
  isResolved: boolean;
  overviewId: string | null;
  createdAt: Date;
  isPersonDisabled: boolean;
  isPersonEmailOn: boolean;
  address: string;
};

async function findRecipient(
  { trx, tenantId }: TenantWork,
  { notificationRecipientId }: RecipientKey,
): Promise<RecipientFacts | undefined> {
  const { rows } = await sql<RecipientFacts>`
    select recipient.notification_recipient_id, recipient.notification_id, recipient.person_id,
      recipient.operation_id, recipient.visible_at, recipient.revealed_at, recipient.email_at,
      recipient.viewed_at, recipient.decision, notification.kind, notification.overview_id,
      notification.created_at, notification.resolved_at > notification.created_at is true as is_resolved,
      person.disabled_at is not null as is_person_disabled, person.is_email_on as is_person_email_on,
      person.email as address
    from notification_recipients recipient
    join notifications notification using (tenant_id, notification_id)
    join people person using (tenant_id, person_id)
    where recipient.tenant_id = ${tenantId}
      and recipient.notification_recipient_id = ${notificationRecipientId}`.execute(trx);
  return rows[0];
}

/** Whether the response with the result was sent (rules.md 18). */
async function isAnswered({ trx, tenantId }: TenantWork, operationId: string | null): Promise<boolean> {
  if (operationId === null) return false;
  const operation = await trx
    .selectFrom('operations')
    .select('answeredAt')
    .where('tenantId', '=', tenantId)
    .where('operationId', '=', operationId)
    .executeTakeFirst();
  return operation != null && operation.answeredAt !== null;
}

/** Makes it visible, and returns when its e-mail is due by the current settings. */
async function reveal(
  work: TenantWork,
  { notificationRecipientId, notificationId, personId, revealedAt }: RecipientFacts,
): Promise<Date> {
  const { trx, tenantId, now } = work;
  const { emailDelaySeconds } = await findNotificationSettings(work);
  const emailAt = new Date((revealedAt ?? now).getTime() + emailDelaySeconds * 1_000);
  await trx
    .updateTable('notificationRecipients')
    .set((eb) => ({ revealedAt: eb.fn.coalesce('revealedAt', eb.val(now)), emailAt }))
    .where('tenantId', '=', tenantId)
    .where('notificationRecipientId', '=', notificationRecipientId)
    .execute();
  if (revealedAt === null)
    await appendStreamEvent(work, {
      topic: 'notifications',
      body: { person_id: personId, notification_id: notificationId },
    });
  return emailAt;
}

export interface NotificationDecisionInput {
  decision: NotificationDecision;
  /** Details for people who look into the decision. */
  reason: string | null;
}

/** Facts that are the same for all notifications of a person. */
interface PersonFacts {
  isTenantEmailOn: boolean;
  isAddressRefused: boolean;
}

export async function findPersonFacts(work: TenantWork, person: { personId: string }): Promise<PersonFacts> {
  const { isEmailOn } = await findNotificationSettings(work);
  return {
    isTenantEmailOn: isEmailOn,
    isAddressRefused: (await findRefusedAddress(work, person)) !== undefined,
  };
}

/** Why this person gets no e-mail about this; undefined = no reason. */
export async function reasonAgainstEmail(
  work: TenantWork,
  {
    viewedAt,
    isPersonDisabled,
    isPersonEmailOn,
    kind,
    overviewId,
    isResolved,
  }: Pick<
    RecipientFacts,
    'viewedAt' | 'isPersonDisabled' | 'isPersonEmailOn' | 'kind' | 'overviewId' | 'isResolved'
  >,
  { isTenantEmailOn, isAddressRefused }: PersonFacts,
): Promise<(NotificationDecisionInput & { decision: Exclude<NotificationDecision, 'emailed'> }) | undefined> {
  if (viewedAt !== null) return { decision: 'viewed', reason: null };
  if (isPersonDisabled) return { decision: 'person_disabled', reason: null };
  if (isResolved) return { decision: 'not_needed', reason: 'resolved' };
  const invalidReason =
    kind === 'sync_overview_ready' && overviewId !== null ? await whyInvalid(work, overviewId) : undefined;
  if (invalidReason !== undefined) return { decision: 'snapshot_invalid', reason: invalidReason };
  if (!isTenantEmailOn) return { decision: 'email_off', reason: null };
  if (!isPersonEmailOn && !isRequired(kind)) return { decision: 'email_off', reason: 'person' };
  return isAddressRefused ? { decision: 'address_refused', reason: null } : undefined;
}

/** Why an overview can no longer be opened (rules.md 19); undefined = it can. */
async function whyInvalid(
  { trx, tenantId, now }: TenantWork,
  overviewId: string,
): Promise<string | undefined> {
  const overview = await trx
    .selectFrom('overviews')
    .select(['invalidAt', 'invalidReason', 'expiresAt', 'appliedSyncRunId'])
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .executeTakeFirst();
  if (overview == null) return 'gone';
  if (overview.invalidAt !== null) return overview.invalidReason ?? 'invalid';
  if (overview.appliedSyncRunId !== null) return 'applied';
  return overview.expiresAt !== null && overview.expiresAt <= now ? 'expired' : undefined;
}

/** The only update by which the timer decides. A view that was committed earlier has already decided. */
async function decide(
  work: TenantWork,
  {
    notificationRecipientId,
    personId,
    address,
  }: Pick<RecipientFacts, 'notificationRecipientId' | 'personId' | 'address'>,
  { decision, reason }: NotificationDecisionInput,
): Promise<RecipientState> {
  const { trx, tenantId, now } = work;
  const emailId = decision === 'emailed' ? newUuid() : null;
  const decided = await trx
    .updateTable('notificationRecipients')
    .set({ decision, decisionReason: reason, decidedAt: now, emailId })
    .where('tenantId', '=', tenantId)
    .where('notificationRecipientId', '=', notificationRecipientId)
    .where('decision', 'is', null)
    .where('viewedAt', 'is', null)
    .returning('notificationRecipientId')
    .executeTakeFirst();
  if (decided === undefined)
    return { decision: (await findRecipient(work, { notificationRecipientId }))?.decision ?? 'not_found' };
  // The content is built at each attempt.
  if (emailId !== null)
    await queueEmail(work, {
      emailId,
      kind: 'notification',
      personId,
      recipient: address,
      content: { items: [] },
    });
  return { decision };
}

/**
 * E-mails that are sent at once, viewed or not (rules.md 33). Call it in the transaction that created the
 * notification. `alreadySent`: an address that already gets this e-mail.
 */
export async function emailAtOnce<Kind extends EmailKind>(
  work: TenantWork,
  recipients: readonly RecipientKey[],
  {
    kind,
    content,
    alreadySent,
  }: { kind: Kind; content: EmailContents[Kind]; alreadySent: { address: string; emailId: string } | null },
): Promise<void> {
  const { trx, tenantId, now } = work;
  for (const key of recipients) {
    const recipient = await findRecipient(work, key);
    if (recipient === undefined) continue;
    const { personId, address } = recipient;
    const against = await reasonAgainstEmail(work, recipient, await findPersonFacts(work, recipient));
    const isSame = alreadySent !== null && alreadySent.address.toLowerCase() === address.toLowerCase();
    const emailId = isSame
      ? alreadySent.emailId
      : against === undefined
        ? await queueEmail(work, { kind, personId, recipient: address, content })
        : null;
    const { decision, reason } =
      emailId === null && against !== undefined
        ? against
        : { decision: 'emailed' as const, reason: 'at_once' };
    await trx
      .updateTable('notificationRecipients')
      .set({ decision, decisionReason: reason, decidedAt: now, emailId })
      .where('tenantId', '=', tenantId)
      .where('notificationRecipientId', '=', key.notificationRecipientId)
      .where('decision', 'is', null)
      .execute();
  }
}
