/**
 * The kinds of e-mails. A new one needs a content type and an entry here, and its pair of templates in
 * `egress/mail/`. Contents contain names, counts and ids as the API shows them: no secrets, no record values,
 * no texts of a third party.
 */
import type { JsonValue } from '../json';
import { describeNotification, isRequired, type NotificationKind } from './notification-kinds';

export type OnboardingContent = {
  integration_id: string;
  app: string;
  account_name: string;
  /** The initial datasets, each in its final state. */
  datasets: { record_type: string; state: 'succeeded' | 'failed' | 'not_supported'; records: number }[];
};

/** A notification that the person has not viewed. The catalogue holds its text (notification-kinds.ts). */
export type NotificationItem = {
  kind: NotificationKind;
  app: string | null;
  account_name: string | null;
  path: string;
};
/** Newest first. Only a digest contains more than one notification. */
export type NotificationContent = { items: NotificationItem[] };

type OperatorItem = {
  finding: string;
  /** What is wrong and what to do. */
  detail: string;
  /** ISO 8601. */
  since: string;
};
/** For the people who run the installation. */
export type OperatorContent = { appeared: OperatorItem[]; over: OperatorItem[] };

export interface EmailContents {
  onboarding_complete: OnboardingContent;
  onboarding_failed: OnboardingContent;
  notification: NotificationContent;
  notification_digest: NotificationContent;
  operator_findings: OperatorContent;
}

export type EmailKind = keyof EmailContents;

interface EmailDescription<Content> {
  subject(content: Content): string;
  /** The path of the linked page, below PUBLIC_URL. The page is read-only and requires a sign-in. */
  path(content: Content): string;
  /** Why the recipient gets the e-mail. */
  why: string;
}

/** Whether the recipient may turn off such e-mails. */
export function canUnsubscribe({ kind, content }: { kind: string; content: JsonValue }): boolean {
  if (kind === 'onboarding_failed') return false;
  const { items } = content as Partial<NotificationContent>;
  return items === undefined || items.some((item) => !isRequired(item.kind));
}

const integrationPath = ({ integration_id }: OnboardingContent): string =>
  `/console/integrations/${encodeURIComponent(integration_id)}`;
const INBOX_PATH = '/console/notifications';

const TO_THE_ORGANIZATION =
  'Syncline sends this to the contact address of your organization and to its administrators.';
const TO_A_PERSON =
  'You get this because you have not looked at it in Syncline. Administrators of your organization can have such e-mails come later, or not at all.';

export const titleOf = ({ kind, app, account_name }: NotificationItem): string =>
  describeNotification(kind).title(app === null ? null : { app, accountName: account_name ?? '' });

export const EMAIL_KINDS: { [Kind in EmailKind]: EmailDescription<EmailContents[Kind]> } = {
  onboarding_complete: {
    subject: ({ app, account_name }) => `${app} (${account_name}) is ready`,
    path: integrationPath,
    why: TO_THE_ORGANIZATION,
  },
  onboarding_failed: {
    subject: ({ app, account_name }) => `${app} (${account_name}) could not be read`,
    path: integrationPath,
    why: TO_THE_ORGANIZATION,
  },
  notification: {
    subject: ({ items: [item] }) => (item === undefined ? 'Syncline' : titleOf(item)),
    path: ({ items: [item] }) => item?.path ?? INBOX_PATH,
    why: TO_A_PERSON,
  },
  notification_digest: {
    subject: ({ items }) =>
      items.length === 1
        ? 'A notification is waiting in Syncline'
        : `${items.length} notifications are waiting in Syncline`,
    path: () => INBOX_PATH,
    why: TO_A_PERSON,
  },
  operator_findings: {
    subject: ({ appeared, over }) =>
      appeared.length > 0
        ? `Syncline needs attention: ${namesOf(appeared)}`
        : `Syncline is well again: ${namesOf(over)}`,
    path: () => '/console/platform',
    why: 'You get this because your address is in OPERATOR_EMAILS.',
  },
};

const namesOf = (items: readonly OperatorItem[]): string => items.map(({ finding }) => finding).join(', ');

export function isEmailKind(kind: string): kind is EmailKind {
  return Object.hasOwn(EMAIL_KINDS, kind);
}
