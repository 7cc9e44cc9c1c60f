/**
 * Sends e-mail through the operator's own mail server, to which the egress policy does not apply. One call is
 * one attempt of at most 30 s. The server's response, or its absence, is returned, never thrown. Every
 * attempt of an e-mail has the same Message-ID.
 */
import { setMaxListeners } from 'node:events';
import { createTransport, type NodemailerError } from 'nodemailer';
import type { JsonValue } from '../../domain/json';
import { typeIdOf } from '../../domain/typeid';
import { composeEmail } from './compose';
import { isRecipientRefused } from './recipient-refusal';

export interface MailSettings {
  /** smtp:// or smtps://, with user and password if the server requires them. */
  smtpUrl: string;
  /** `Name <address>` or an address. */
  from: string;
  /** The address for links; the Message-ID uses its host. */
  publicUrl: string;
}

export interface OutgoingEmail {
  emailId: string;
  kind: string;
  recipient: string;
  content: JsonValue;
  /** Set if the recipient may turn off such e-mails. */
  unsubscribeToken?: string | undefined;
}

/**
 * `code` is for the log and Temporal's history. `detail`, the server's own text, can contain personal data
 * and is only stored in the tenant's rows.
 */
export type MailAnswer =
  | { kind: 'taken' }
  | {
      kind: 'refused' | 'unavailable';
      code: string;
      detail: string;
      /** The response is about the recipient: the address does not exist or takes no e-mail. */
      isAddressRefused?: true;
      /** The response was lost: the server may have accepted the e-mail. */
      mayBeTaken?: true;
    };

/** Errors before the server has accepted any command. */
const NEVER_REACHED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EDNS',
  'ETLS',
  'EAUTH',
  'CONNECT_TIMEOUT',
  'GREETING_TIMEOUT',
]);

/**
 * 421 can be sent at any time. After DATA it says that the server closes the connection, not whether it
 * accepted the e-mail.
 */
function isAnswerLost({
  code,
  responseCode,
  command,
}: Pick<NodemailerError, 'code' | 'responseCode' | 'command'>): boolean {
  return responseCode === undefined
    ? !NEVER_REACHED.has(code ?? '')
    : responseCode === 421 && command === 'DATA';
}

export interface Mailer {
  /** `signal` aborts the attempt. @throws if the e-mail cannot be rendered, which is a bug. */
  send(email: OutgoingEmail, signal: AbortSignal): Promise<MailAnswer>;
  /** Closes its connections. */
  close(): void;
}

const MAIL_TIMEOUTS = { connectMs: 10_000, totalMs: 30_000 };

/** Only tests pass shorter `timeouts`. */
export function createMailer({ smtpUrl, from, publicUrl }: MailSettings, timeouts = MAIL_TIMEOUTS): Mailer {
  const { username, password } = new URL(smtpUrl);
  const transport = createTransport({
    // Options in its query take precedence: `?tls.rejectUnauthorized=false`, `?requireTLS=false`.
    url: smtpUrl,
    pool: true,
    // The caller counts and spaces attempts: the pool must not retry when a connection closes.
    maxRequeues: 0,
    idleTimeout: 30_000,
    // Prevents a STARTTLS downgrade, which would reveal the password.
    requireTLS: smtpUrl.startsWith('smtp:') && (username !== '' || password !== ''),
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.connectMs,
    dnsTimeout: timeouts.connectMs,
    socketTimeout: timeouts.totalMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const host = new URL(publicUrl).hostname;

  return {
    async send({ emailId, kind, recipient, content, unsubscribeToken }, signal) {
      const unsubscribeUrl =
        unsubscribeToken === undefined ? undefined : `${publicUrl}/unsubscribe/${unsubscribeToken}`;
      const composed = composeEmail({ kind, content, publicUrl, unsubscribeUrl });
      setMaxListeners(0, signal);
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(timeouts.totalMs)]);
      try {
        await transport.sendMail({
          ...composed,
          from,
          // As an object it is always a single address.
          to: { name: '', address: recipient },
          messageId: `<${typeIdOf('eml', emailId)}@${host}>`,
          headers: {
            'Auto-Submitted': 'auto-generated',
            ...(unsubscribeUrl === undefined ? {} : unsubscribeHeaders(unsubscribeUrl)),
          },
          signal: attempt,
        });
        return { kind: 'taken' };
      } catch (error) {
        return answerOf(error as NodemailerError);
      }
    },
    close: () => transport.close(),
  };
}

/** RFC 8058: mail programs show a button that posts to the address. */
const unsubscribeHeaders = (url: string) => ({
  'List-Unsubscribe': `<${url}>`,
  'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
});

/**
 * A 5xx about the recipient or the text is permanent. Every other 5xx is a problem of the operator's or the
 * server's settings, so the e-mail keeps waiting: to the greeting, the login or the sender, or to the
 * recipient but about something else.
 */
function answerOf({
  code,
  originalCode,
  responseCode,
  permanent,
  command,
  message,
  response = '',
}: NodemailerError): MailAnswer {
  /** nodemailer itself rejected the address: it is not valid. */
  const isUnsayable = code === 'EENVELOPE' && responseCode === undefined;
  const isAddressRefused = isUnsayable || (command === 'RCPT TO' && isRecipientRefused(response));
  const isTextRefused = permanent === true && command === 'DATA' && responseCode !== 530;
  const parts = [
    originalCode ?? code ?? 'unknown',
    responseCode,
    responseCode === undefined ? undefined : command,
  ];
  return {
    kind: isAddressRefused || isTextRefused ? 'refused' : 'unavailable',
    code: parts.filter((part) => part !== undefined).join(' '),
    detail: message,
    ...(isAddressRefused ? { isAddressRefused } : {}),
    ...(!isUnsayable && isAnswerLost({ code: originalCode ?? code, responseCode, command })
      ? { mayBeTaken: true }
      : {}),
  };
}
