/**
 * A notification as it concerns one person (rules.md 24 to 26). The view and the timer's decision are two
 * conditional updates of its row; the one that is committed first decides.
 */
import { type Selectable, sql, type SqlBool } from 'kysely';
import type { EmailContents, EmailKind } from '../../domain/notifications/email-kinds';
import {
  describeNotification,
  NOTIFICATION_KINDS,
  type NotificationDecision,
  type NotificationKind,
} from '../../domain/notifications/notification-kinds';
import type { TenantWork } from '../database';
import { queueEmail } from './emails';
import { newUuid } from '../sql/ids';
import { findNotificationSettings } from './notification-settings';
import { type Notification, NOTIFICATION_COLUMNS } from './notifications';
import { enqueueAll } from '../platform/outbox';
import { findRefusedAddress } from './undeliverable-addresses';
import { appendStreamEvent } from '../platform/change-feed';
import type { NotificationRecipientsTable, ViewedHow } from '../tables/notifications';

type RecipientRow = Selectable<NotificationRecipientsTable>;

/** A notification as its recipient sees it, with the state of its e-mail. */
export type InboxNotification = Notification &
  Pick<RecipientRow, 'viewedAt' | 'decision' | 'decisionReason' | 'decidedAt' | 'emailWithdrawnReason'> & {
    emailSentAt: Date | null;
    emailFailedAt: Date | null;
  };

interface Place {
  notificationRecipientId: string;
}
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

/** How many of them the person has not viewed. */
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
  await view(work, { personId, how, which: sql`notification_id = ${notificationId}` });
  return true;
}

/** Marks this notification and all older ones. @returns how many had not been viewed. */
export async function viewNotificationsUpTo(
  work: TenantWork,
  { personId, notificationId }: PersonKey & { notificationId: string },
): Promise<number> {
  return view(work, {
    personId,
    how: 'marked',
    which: sql`notification_id <= ${notificationId} and revealed_at is not null`,
  });
}

/** Other kinds may name a run as well, but lead to another page. */
const OF_A_REQUESTER = NOTIFICATION_KINDS.filter(
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
  const which = sql<SqlBool>`notification_id in (select notification.notification_id from notifications notification
    where notification.tenant_id = ${work.tenantId} and notification.kind = any(${OF_A_REQUESTER}) and ${isTarget})`;
  await view(work, { personId, how: 'target_opened', which });
}

/** The only update that marks notifications as viewed; it also decides those that were undecided. */
async function view(
  work: TenantWork,
  { personId, how, which }: PersonKey & { how: ViewedHow; which: ReturnType<typeof sql<SqlBool>> },
): Promise<number> {
  const { trx, tenantId, now } = work;
  const { rows } = await sql<{ notificationRecipientId: string; notificationId: string; isDecided: boolean }>`
    update notification_recipients set viewed_at = ${now}, viewed_how = ${how}, decision = coalesce(decision, 'viewed'), decided_at = coalesce(decided_at, ${now})
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

/** The state afterwards: the decision, or how long there is nothing to do. */
export type Settled = { decision: NotificationDecision | 'not_found' } | { decision: null; waitMs: number };

/** Does what is due: shows the notification, or decides about its e-mail. Safe to repeat. */
export async function decideRecipient(work: TenantWork, place: Place): Promise<Settled> {
  const recipient = await findRecipient(work, place);
  if (recipient === undefined) return { decision: 'not_found' };
  if (recipient.decision !== null) return { decision: recipient.decision };
  if (recipient.visibleAt > work.now) return { decision: null, waitMs: msUntil(recipient.visibleAt, work) };
  if (recipient.revealedAt === null && (await isAnswered(work, recipient.operationId)))
    return decide(work, recipient, { decision: 'not_needed', reason: 'answered' });

  const emailAt = recipient.emailAt ?? (await reveal(work, recipient));
  if (emailAt > work.now) return { decision: null, waitMs: msUntil(emailAt, work) };
  return decide(
    work,
    recipient,
    (await reasonAgainstEmail(work, recipient)) ?? { decision: 'emailed', reason: null },
  );
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
  address: string;
};

async function findRecipient(
  { trx, tenantId }: TenantWork,
  { notificationRecipientId }: Place,
): Promise<RecipientFacts | undefined> {
  const { rows } = await sql<RecipientFacts>`
    select recipient.notification_recipient_id, recipient.notification_id, recipient.person_id, recipient.operation_id, recipient.visible_at, recipient.revealed_at,
      recipient.email_at, recipient.viewed_at, recipient.decision, notification.kind, notification.overview_id, notification.created_at,
      notification.resolved_at > notification.created_at is true as is_resolved, person.disabled_at is not null as is_person_disabled, person.email as address
    from notification_recipients recipient
    join notifications notification using (tenant_id, notification_id)
    join people person using (tenant_id, person_id)
    where recipient.tenant_id = ${tenantId} and recipient.notification_recipient_id = ${notificationRecipientId}`.execute(
    trx,
  );
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

/** Why this person gets no e-mail about this; undefined = no reason. */
export async function reasonAgainstEmail(
  work: TenantWork,
  {
    viewedAt,
    isPersonDisabled,
    kind,
    overviewId,
    isResolved,
    personId,
  }: Pick<
    RecipientFacts,
    'viewedAt' | 'isPersonDisabled' | 'kind' | 'overviewId' | 'isResolved' | 'personId'
  >,
): Promise<(NotificationDecisionInput & { decision: Exclude<NotificationDecision, 'emailed'> }) | undefined> {
  if (viewedAt !== null) return { decision: 'viewed', reason: null };
  if (isPersonDisabled) return { decision: 'person_disabled', reason: null };
  if (isResolved) return { decision: 'not_needed', reason: 'resolved' };
  const invalidReason =
    kind === 'sync_overview_ready' && overviewId !== null ? await whyInvalid(work, overviewId) : undefined;
  if (invalidReason !== undefined) return { decision: 'snapshot_invalid', reason: invalidReason };
  if (!(await findNotificationSettings(work)).isEmailOn) return { decision: 'email_off', reason: null };
  const refused = await findRefusedAddress(work, { personId });
  return refused === undefined ? undefined : { decision: 'address_refused', reason: null };
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
): Promise<Settled> {
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
  recipients: readonly Place[],
  {
    kind,
    content,
    alreadySent,
  }: { kind: Kind; content: EmailContents[Kind]; alreadySent: { address: string; emailId: string } | null },
): Promise<void> {
  const { trx, tenantId, now } = work;
  for (const place of recipients) {
    const recipient = await findRecipient(work, place);
    if (recipient === undefined) continue;
    const { personId, address } = recipient;
    const against = await reasonAgainstEmail(work, recipient);
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
      .where('notificationRecipientId', '=', place.notificationRecipientId)
      .where('decision', 'is', null)
      .execute();
  }
}
