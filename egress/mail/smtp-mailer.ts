/**
 * The mail server: the operator's own, so the egress gate does not apply. One call is one attempt of at most
 * 30 s. What the server says or does not say is an answer, never an error; the same e-mail has the same
 * Message-ID however often it is tried.
 */
import { setMaxListeners } from 'node:events';
import { createTransport, type NodemailerError } from 'nodemailer';
import type { JsonValue } from '../../domain/json';
import { typeIdOf } from '../../domain/typeid';
import { composeEmail } from './compose';

export interface MailSettings {
  /** smtp:// or smtps://, with user and password if it wants them. */
  smtpUrl: string;
  /** `Name <address>` or an address. */
  from: string;
  /** Where links lead; its host is the Message-ID's. */
  publicUrl: string;
}

export interface OutgoingEmail {
  emailId: string;
  kind: string;
  recipient: string;
  content: JsonValue;
}

/**
 * `code` is for the log and Temporal's history; `detail`, the server's words, may name people and stays in
 * the tenant's rows.
 */
export type MailAnswer =
  | { kind: 'taken' }
  | {
      kind: 'refused' | 'unavailable';
      code: string;
      detail: string;
      /** The server says that there is no such address. */
      isAddressRefused?: true;
      /** No answer came back: the server may have the e-mail all the same. */
      mayBeTaken?: true;
    };

/** Nobody spoke with us at all. */
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
 * 421 may come at any time: to a text that was sent, it says that the server goes away, not what became of
 * the text.
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

/** RFC 3463: 5.7.x is the server's policy towards us, and says nothing about the address. */
const IS_POLICY = /\b5\.7\.\d/;

function isNoSuchAddress({
  responseCode,
  command,
  message,
}: Pick<NodemailerError, 'responseCode' | 'command' | 'message'>): boolean {
  return (
    command === 'RCPT TO' &&
    (responseCode === 550 || responseCode === 551 || responseCode === 553) &&
    !IS_POLICY.test(message)
  );
}

export interface Mailer {
  /** `signal` ends the attempt. @throws when the e-mail cannot be written, which is a mistake of ours. */
  send(email: OutgoingEmail, signal: AbortSignal): Promise<MailAnswer>;
  /** Ends its connections. */
  close(): void;
}

export const MAIL_TIMEOUTS = { connectMs: 10_000, totalMs: 30_000 };

/** `timeouts` is shortened by tests only. */
export function createMailer({ smtpUrl, from, publicUrl }: MailSettings, timeouts = MAIL_TIMEOUTS): Mailer {
  const { username, password } = new URL(smtpUrl);
  const transport = createTransport({
    // What its query says counts over the rest: `?tls.rejectUnauthorized=false`, `?requireTLS=false`.
    url: smtpUrl,
    pool: true,
    // Attempts are ours to count and to space: the pool makes none of its own when a connection closes.
    maxRequeues: 0,
    idleTimeout: 30_000,
    // Whoever stands between us and the server must not get a password by hiding STARTTLS.
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
    async send({ emailId, kind, recipient, content }, signal) {
      const composed = composeEmail({ kind, content, publicUrl });
      setMaxListeners(0, signal);
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(timeouts.totalMs)]);
      try {
        await transport.sendMail({
          ...composed,
          from,
          // As an object it is one address, whatever stands in it.
          to: { name: '', address: recipient },
          messageId: `<${typeIdOf('eml', emailId)}@${host}>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
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

/**
 * For good is what the server says about this e-mail: 5xx to its sender, its recipient or its text. 5xx to
 * our greeting or our password, or before we gave one (530), is the operator's to mend, and no reason to lose
 * what waits.
 */
function answerOf({
  code,
  originalCode,
  responseCode,
  permanent,
  command,
  message,
}: NodemailerError): MailAnswer {
  const isAboutIt = command === 'MAIL FROM' || command === 'RCPT TO' || command === 'DATA';
  const isRefused = permanent === true && isAboutIt && responseCode !== 530;
  /** Refused by nodemailer itself: an address that no server could be told. */
  const isUnsayable = code === 'EENVELOPE' && responseCode === undefined;
  const parts = [
    originalCode ?? code ?? 'unknown',
    responseCode,
    responseCode === undefined ? undefined : command,
  ];
  return {
    kind: isRefused || isUnsayable ? 'refused' : 'unavailable',
    code: parts.filter((part) => part !== undefined).join(' '),
    detail: message,
    ...(isUnsayable || isNoSuchAddress({ responseCode, command, message }) ? { isAddressRefused: true } : {}),
    ...(!isUnsayable && isAnswerLost({ code: originalCode ?? code, responseCode, command })
      ? { mayBeTaken: true }
      : {}),
  };
}
