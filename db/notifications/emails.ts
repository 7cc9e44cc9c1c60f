/**
 * E-mails on their way out. A row is written in the transaction that makes its reason true and leaves the house after the commit;
 * `sent_at`, `failed_at` or `withdrawn_at` ends it. Workflows carry nothing but its id.
 */
import { type Selectable, sql } from 'kysely';
import type { EmailContents, EmailKind } from '../../domain/notifications/email-kinds';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { enqueue } from '../platform/outbox';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { EmailWithdrawal, EmailsTable } from '../tables/notifications';

export type Email = Selectable<EmailsTable>;

interface Place {
  emailId: string;
}

/** The mail server's words are kept up to this length. */
const ERROR_LENGTH_MAX = 500;

export interface NewEmail<Kind extends EmailKind> {
  emailId?: string;
  kind: Kind;
  /** Whose it is; what is addressed to nobody in particular has none. */
  personId?: string;
  recipient: string;
  content: EmailContents[Kind];
}

/** Sends an e-mail once this transaction is committed. Answers its id. */
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

/** Nobody else tries it before this transaction ends. */
export async function lockEmail(
  { trx, tenantId }: TenantWork,
  { emailId }: Place,
): Promise<Email | undefined> {
  return trx
    .selectFrom('emails')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('emailId', '=', emailId)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** Counted before it is made: a crash in the middle must not grant a free one. */
export async function countEmailAttempt(
  { trx, tenantId, now }: TenantWork,
  { emailId }: Place,
): Promise<Email> {
  return trx
    .updateTable('emails')
    .set({ attempts: sql<number>`attempts + 1`, attemptedAt: now })
    .where('tenantId', '=', tenantId)
    .where('emailId', '=', emailId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The mail server has it. */
export async function markEmailSent(work: TenantWork, { emailId }: Place): Promise<void> {
  await conclude(work, emailId, { sentAt: work.now, lastError: null });
}

/** It will not be tried again. */
export async function markEmailFailed(
  work: TenantWork,
  { emailId, error }: Place & { error: string },
): Promise<void> {
  await conclude(work, emailId, {
    failedAt: work.now,
    lastError: sanitizeForPostgres(error).slice(0, ERROR_LENGTH_MAX),
  });
}

/** It will be tried again. `mayBeTaken`: the mail server may have it all the same, and only the answer was lost. */
export async function recordEmailFailure(
  work: TenantWork,
  { emailId, error, mayBeTaken }: Place & { error: string; mayBeTaken: boolean },
): Promise<void> {
  await conclude(work, emailId, {
    lastError: sanitizeForPostgres(error).slice(0, ERROR_LENGTH_MAX),
    ...(mayBeTaken ? {} : { attemptedAt: null }),
  });
}

/** It is taken back: its reason has gone away, or another e-mail tells it. */
export async function withdrawEmail(
  work: TenantWork,
  { emailId, reason }: Place & { reason: EmailWithdrawal },
): Promise<void> {
  await conclude(work, emailId, { withdrawnAt: work.now, withdrawnReason: reason });
}

/** The first end counts: what a late attempt has to say changes nothing. */
async function conclude(
  { trx, tenantId }: TenantWork,
  emailId: string,
  end: Partial<
    Pick<Email, 'sentAt' | 'failedAt' | 'lastError' | 'attemptedAt' | 'withdrawnAt' | 'withdrawnReason'>
  >,
): Promise<void> {
  await trx
    .updateTable('emails')
    .set(end)
    .where('tenantId', '=', tenantId)
    .where('emailId', '=', emailId)
    .where('sentAt', 'is', null)
    .where('failedAt', 'is', null)
    .where('withdrawnAt', 'is', null)
    .execute();
}
