/** Which responses to RCPT TO make an address refused (B50, B51). */
import { isRecipientRefused } from '../../egress/mail/recipient-refusal';

it.each([
  '550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown in local recipient table',
  '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
  '550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking\n550 5.1.1 https://support.example',
  '550 5.1.2 Host or domain name not found',
  '553 5.1.3 Bad recipient address syntax',
  '551 5.1.6 Recipient no longer on server',
  '550 5.2.1 The e-mail account is disabled',
  '554 5.2.1 Mailbox disabled, not accepting messages',
  '550 No such user here',
  '550 Unknown user',
  '550 User unknown',
  '550 <ada@example.org>: invalid mailbox',
  '550 Mailbox unavailable',
  '550 The account does not exist',
])('an answer about the recipient: %s', (response) => {
  expect(isRecipientRefused(response)).toBe(true);
});

it.each([
  '550-Verification failed for <syncline@example.com>\n550-No such user here\n550 Sender verify failed',
  '550 Sender verify failed',
  '550 5.1.8 Sender address rejected: Domain not found',
  '550 5.1.7 Sender address rejected: undeliverable address: user unknown',
  '550 relay not permitted',
  '550 Relaying to unknown user denied',
  '550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)',
  '550 SMTP AUTH is required for this account',
  '550 5.7.1 Unknown user policy',
  '550 5.7.1 Service unavailable; client host [5.1.1.9] blocked',
  '550 host 5.1.1 is on a block list',
  '554 5.7.1 <ada@example.org>: Relay access denied',
  '550 5.4.1 Recipient address rejected: Access denied',
  '552 5.2.2 Mailbox full',
  '550 Requested action not taken',
  '550 From address is not a known account: unknown user',
  '550 5.1.1 No such user\n550 5.7.1 Sender not allowed',
  '450 4.1.1 User unknown',
  '451 No such user here, try later',
  '',
])('an answer about another matter: %s', (response) => {
  expect(isRecipientRefused(response)).toBe(false);
});
