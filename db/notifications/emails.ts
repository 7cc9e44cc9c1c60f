/**
 * E-mails to be sent. The row is written in the transaction that is the reason for the e-mail, and sent after
 * the commit. `sent_at`, `failed_at` or `withdrawn_at` ends it. Workflows carry only its id.
 */
import { type RawBuilder, type Selectable, sql, type SqlBool } from 'kysely';
import type { EmailContents, EmailKind } from '../../domain/notifications/email-kinds';
import type { TenantWork } from '../database';
import { idList } from '../sql/bulk-rows';
import { newUuid } from '../sql/ids';
import { enqueue } from '../platform/outbox';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { EmailWithdrawal, EmailsTable } from '../tables/notifications';

export type Email = Selectable<EmailsTable>;

interface EmailKey {
  emailId: string;
}

/** The mail server's words are stored up to this length. */
const ERROR_LENGTH_MAX = 500;

export interface NewEmail<Kind extends EmailKind> {
  emailId?: string;
  kind: Kind;
  /** Absent for an e-mail to the tenant's contact address. */
  personId?: string;
  recipient: string;
  content: EmailContents[Kind];
}

/** Sends an e-mail after this transaction is committed. @returns its id. */
export async function queueEmail<Kind extends EmailKind>(
  work: TenantWork,
  { emailId = newUuid(), kind, personId, recipient, content }: NewEmail<Kind>,
): Promise<string> {
  const { trx, tenantId, now } = work;
  const row = {
    tenantId,
    emailId,
    kind,
    personId: personId ?? null,
    recipient,
    content: JSON.stringify(sanitizeForPostgres(content)),
    createdAt: now,
  };
  await trx.insertInto('emails').values(row).execute();
  await enqueue(work, { topic: 'email', emailId, nextDueAt: now });
  return emailId;
}

/** The lock keeps other attempts away until this transaction ends. */
export async function lockEmail(
  { trx, tenantId }: TenantWork,
  { emailId }: EmailKey,
): Promise<Email | undefined> {
  return trx
    .selectFrom('emails')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('emailId', '=', emailId)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** Counted before the attempt: a crash in the middle must not grant another one. */
export async function countEmailAttempt(
  { trx, tenantId, now }: TenantWork,
  { emailId }: EmailKey,
): Promise<Email> {
  return trx
    .updateTable('emails')
    .set({ attempts: sql<number>`attempts + 1`, attemptedAt: now })
    .where('tenantId', '=', tenantId)
    .where('emailId', '=', emailId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The mail server accepted it. */
export async function markEmailSent(work: TenantWork, { emailId }: EmailKey): Promise<void> {
  await conclude(work, [emailId], { sentAt: work.now, lastError: null });
}

/** There will be no further attempt. */
export async function markEmailFailed(
  work: TenantWork,
  { emailId, error }: EmailKey & { error: string },
): Promise<void> {
  await conclude(work, [emailId], {
    failedAt: work.now,
    lastError: sanitizeForPostgres(error).slice(0, ERROR_LENGTH_MAX),
  });
}

/**
 * There will be another attempt. `mayBeTaken`: the mail server may have accepted it, and only its answer was
 * lost.
 */
export async function recordEmailFailure(
  work: TenantWork,
  { emailId, error, mayBeTaken }: EmailKey & { error: string; mayBeTaken: boolean },
): Promise<void> {
  await conclude(work, [emailId], {
    lastError: sanitizeForPostgres(error).slice(0, ERROR_LENGTH_MAX),
    ...(mayBeTaken ? {} : { attemptedAt: null }),
  });
}

/** Withdrawn: their reason no longer exists, or another e-mail contains the same news. */
export async function withdrawEmails(
  work: TenantWork,
  { emailIds, reason }: { emailIds: readonly string[]; reason: EmailWithdrawal },
): Promise<void> {
  await conclude(work, emailIds, { withdrawnAt: work.now, withdrawnReason: reason });
}

/** One is looked up; PostgreSQL may read all e-mails of a tenant for a list. */
export const isOneOf = ([first, ...others]: readonly string[]): RawBuilder<SqlBool> =>
  first !== undefined && others.length === 0
    ? sql`email_id = ${first}`
    : sql`email_id = any(${idList(first === undefined ? [] : [first, ...others])})`;

/** The first end counts: a late result of an earlier attempt changes nothing. */
async function conclude(
  { trx, tenantId }: TenantWork,
  emailIds: readonly string[],
  end: Partial<
    Pick<Email, 'sentAt' | 'failedAt' | 'lastError' | 'attemptedAt' | 'withdrawnAt' | 'withdrawnReason'>
  >,
): Promise<void> {
  await trx
    .updateTable('emails')
    .set(end)
    .where('tenantId', '=', tenantId)
    .where(isOneOf(emailIds))
    .where('sentAt', 'is', null)
    .where('failedAt', 'is', null)
    .where('withdrawnAt', 'is', null)
    .execute();
}
