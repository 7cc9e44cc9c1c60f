/**
 * Whether a mail server's response to RCPT TO says that the recipient's address takes no e-mail. Servers use
 * 550 for much else: an unknown sender, a forbidden relay, a block list. Those are not the recipient's fault.
 */

/**
 * RFC 3463 and its registry: bad mailbox, bad domain, bad syntax, moved without a new address, null MX,
 * mailbox disabled.
 */
const RECIPIENT_CODES = new Set(['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1']);

/** The status of a line, and its enhanced code. An address such as 5.1.1.9 elsewhere in the text is none. */
const LINE = /^(?<status>\d{3})[ -]+(?:(?<code>[245]\.\d{1,3}\.\d{1,3})(?![.\d]))?/gm;

const SUBJECT = '(?:users?|mailbox(?:es)?|recipients?|accounts?|addressee|address)';
const MISSING =
  '(?:unknown|not found|no such|non-?existent|invalid|disabled|inactive|unavailable|not known|not exist)';
const ABOUT_THE_RECIPIENT = new RegExp(
  `\\b${MISSING}\\b.{0,40}\\b${SUBJECT}\\b|\\b${SUBJECT}\\b.{0,80}\\b${MISSING}\\b|\\bno (?:mailbox|user) here\\b`,
  'is',
);
/** Words that name another reason, however the rest reads. */
const ABOUT_ANOTHER_MATTER =
  /\b(?:sender|from|relay\w*|helo|ehlo|auth\w*|log ?in|spf|dkim|dmarc|rdns|ptr|verif\w*|polic\w*|spam|block\w*|\w*list(?:ed)?|denied|prohibited|permitted|reputation|client|host|quota|full)\b/i;

export function isRecipientRefused(response: string): boolean {
  const lines = [...response.matchAll(LINE)].map(({ groups }) => groups ?? {});
  const status = lines.at(-1)?.['status'] ?? '';
  if (!status.startsWith('5')) return false;
  const codes = lines.flatMap(({ code }) => (code === undefined ? [] : [code]));
  if (codes.length > 0) return codes.every((code) => RECIPIENT_CODES.has(code));
  return (
    ['550', '551', '553'].includes(status) &&
    ABOUT_THE_RECIPIENT.test(response) &&
    !ABOUT_ANOTHER_MATTER.test(response)
  );
}
