/**
 * A mailer that writes every e-mail as the real one would and keeps it, and answers as a test configures it.
 */
import type { ComposedEmail } from '../../../egress/mail/compose';
import { composeEmail } from '../../../egress/mail/compose';
import type { MailAnswer, Mailer, OutgoingEmail } from '../../../egress/mail/smtp-mailer';

const PUBLIC_URL = 'https://syncline.example';

export interface RecordedMail {
  mailer: Mailer;
  /** What was taken. */
  sent: (ComposedEmail & { emailId: string; recipient: string })[];
  /** Every attempt, taken or not. */
  attempts: { emailId: string; at: number }[];
  /** `taken` by default. */
  answer: (email: OutgoingEmail) => MailAnswer;
}

export function createRecordedMail(clock: () => Promise<number>): RecordedMail {
  const recorded: RecordedMail = {
    sent: [],
    attempts: [],
    answer: () => ({ kind: 'taken' }),
    mailer: {
      async send(email) {
        const { emailId, recipient } = email;
        recorded.attempts.push({ emailId, at: await clock() });
        const answer = recorded.answer(email);
        if (answer.kind === 'taken')
          recorded.sent.push({ emailId, recipient, ...composeEmail({ ...email, publicUrl: PUBLIC_URL }) });
        return answer;
      },
      close: () => undefined,
    },
  };
  return recorded;
}
