/**
 * One attempt to send one e-mail. The e-mail's row decides whether to send it, and its number of attempts
 * decides the wait before the next one. If the worker dies between the mail server's "250" and the update of
 * the row, the e-mail is sent again under the same Message-ID. If only the database is unavailable at that
 * moment, the e-mail is not sent again: the mail server's response is kept until it is stored.
 */
import { ApplicationFailure, Context } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import type { SendEmailInput, SendEmailResult } from '../../contract/email';
import {
  type Email,
  lockEmail,
  markEmailFailed,
  markEmailSent,
  recordEmailFailure,
} from '../../db/notifications/emails';
import { beginEmailAttempt, type EmailAttempt, isOver } from '../../db/notifications/email-attempts';
import { clearRefusal, isRefusingMany, saveRefusal } from '../../db/notifications/undeliverable-addresses';
import type { MailAnswer, Mailer } from '../../egress/mail/smtp-mailer';
import { canUnsubscribe } from '../../domain/notifications/email-kinds';
import { nextEmailDelayMs } from '../../domain/notifications/email-retry';
import { typeIdOf } from '../../domain/typeid';
import type { ActivityDependencies } from '../dependencies';

export interface EmailActivities {
  sendEmail(input: SendEmailInput): Promise<SendEmailResult>;
}

type Dependencies = Pick<ActivityDependencies, 'database' | 'mailer' | 'log' | 'unsubscribeTokenOf'>;

/**
 * How often a worker without SMTP settings checks again: another worker may have received settings by then.
 */
const WITHOUT_MAILER_MS = 5 * 60_000;
const AFTER_STOP_MS = 1_000;

const endOf = ({ sentAt, withdrawnAt }: Email): SendEmailResult =>
  sentAt !== null ? 'sent' : withdrawnAt !== null ? 'withdrawn' : 'failed';

export const createEmailActivities = ({
  database,
  mailer,
  unsubscribeTokenOf,
  log,
}: Dependencies): EmailActivities => ({
  async sendEmail({ tenantId, emailId }) {
    const activity = Context.current();
    const names = { tenant_id: typeIdOf('ten', tenantId), email_id: typeIdOf('eml', emailId) };
    if (activity.info.heartbeatDetails === TAKEN) {
      await database.withTenant(tenantId, (work) => markEmailSent(work, { emailId }));
      return 'sent';
    }

    const attempt = await database.withTenant(tenantId, async (work): Promise<EmailAttempt> => {
      if (mailer !== null) return beginEmailAttempt(work, { emailId });
      const email = await lockEmail(work, { emailId });
      if (email === undefined) return { kind: 'not_found' };
      return isOver(email) ? { kind: 'over', email } : { kind: 'wait', ms: WITHOUT_MAILER_MS };
    });
    if (attempt.kind === 'not_found') return 'not_found';
    if (attempt.kind === 'over') return endOf(attempt.email);
    if (mailer === null) throw later('This worker has no SMTP settings.', WITHOUT_MAILER_MS);
    if (attempt.kind === 'wait') throw later('This person has had many e-mails within the hour.', attempt.ms);

    const { kind, recipient, attempts, personId } = attempt.email;
    const answer = await sendOnce({ mailer, unsubscribeTokenOf, log }, attempt.email, activity);

    if (answer.kind === 'taken') {
      activity.heartbeat(TAKEN);
      await database.withTenant(tenantId, async (work) => {
        await markEmailSent(work, { emailId });
        if (personId !== null) await clearRefusal(work, { personId });
      });
      return 'sent';
    }
    if (activity.cancellationSignal.aborted) throw later('The worker is stopping.', AFTER_STOP_MS);
    const isPermanent = await isFinal(database, { tenantId, personId, email: recipient, answer });
    const delayMs = isPermanent ? null : nextEmailDelayMs(attempts);
    const what = { ...names, kind, attempts, code: answer.code };
    if (delayMs === null) {
      await database.withTenant(tenantId, (work) => markEmailFailed(work, { emailId, error: answer.detail }));
      log.error(what, 'an e-mail was given up');
      return 'failed';
    }
    await database.withTenant(tenantId, (work) =>
      recordEmailFailure(work, {
        emailId,
        error: answer.detail,
        mayBeTaken: attempt.mayBeTaken || answer.mayBeTaken === true,
      }),
    );
    log.warn({ ...what, next_attempt_in_ms: delayMs }, 'the mail server did not take an e-mail');
    throw later(`The mail server did not take it: ${answer.code}.`, delayMs);
  },
});

async function sendOnce(
  { mailer, unsubscribeTokenOf, log }: Pick<Dependencies, 'unsubscribeTokenOf' | 'log'> & { mailer: Mailer },
  { tenantId, emailId, kind, recipient, content, personId }: Email,
  { cancellationSignal }: Context,
): Promise<MailAnswer> {
  const unsubscribeToken =
    personId !== null && canUnsubscribe({ kind, content })
      ? unsubscribeTokenOf({ tenantId, personId })
      : undefined;
  return mailer
    .send({ emailId, kind, recipient, content, unsubscribeToken }, cancellationSignal)
    .catch((error: unknown): MailAnswer => {
      log.error({ email_id: typeIdOf('eml', emailId), kind, err: error }, 'an e-mail could not be written');
      return { kind: 'unavailable', code: 'internal', detail: (error as Error).message };
    });
}

/**
 * Whether the e-mail is given up now. The refusal of a person's address is stored, and is final once it is
 * confirmed.
 */
async function isFinal(
  database: Dependencies['database'],
  {
    tenantId,
    personId,
    email,
    answer,
  }: { tenantId: string; personId: string | null; email: string; answer: MailRefusal },
): Promise<boolean> {
  if (answer.kind !== 'refused' || answer.isAddressRefused !== true || personId === null)
    return answer.kind === 'refused';
  const isServerAtFault = await database.withDispatcher((work) => isRefusingMany(work, { personId }));
  const refusal = { personId, email, detail: answer.detail, isServerAtFault };
  return database.withTenant(tenantId, (work) => saveRefusal(work, refusal));
}

type MailRefusal = Exclude<MailAnswer, { kind: 'taken' }>;

/** The result of an attempt, kept after the mail server has accepted the e-mail. */
const TAKEN = 'taken';

/** An expected result, thrown as a failure because Temporal then waits and retries. */
function later(message: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: 'EmailNotSentYet',
    nextRetryDelay: delayMs,
    category: ApplicationFailureCategory.BENIGN,
  });
}
