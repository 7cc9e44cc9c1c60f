/**
 * Renders an e-mail kind and its content as subject, text and HTML. Names stay text: HTML is escaped and line
 * breaks are removed, so that a name cannot add a header, a paragraph or a line that looks like Syncline's
 * own (rules.md S20).
 */
import { Eta } from 'eta';
import {
  EMAIL_KINDS,
  type EmailContents,
  type EmailKind,
  isEmailKind,
  type NotificationItem,
  type OnboardingContent,
  titleOf,
} from '../../domain/notifications/email-kinds';
import type { JsonValue } from '../../domain/json';
import { describeNotification } from '../../domain/notifications/notification-kinds';
import { layout } from './layout';
import { notification } from './notification';
import { notificationDigest } from './notification-digest';
import { onboardingComplete } from './onboarding-complete';
import { onboardingFailed } from './onboarding-failed';
import { operatorFindings } from './operator-findings';

interface Templates {
  html: string;
  text: string;
}

const TEMPLATES: Record<EmailKind, Templates> = {
  onboarding_complete: onboardingComplete,
  onboarding_failed: onboardingFailed,
  notification,
  notification_digest: notificationDigest,
  operator_findings: operatorFindings,
};

export interface ComposedEmail {
  subject: string;
  text: string;
  html: string;
}

const escaping = new Eta({ autoEscape: true, autoTrim: false });
const plain = new Eta({ autoEscape: false, autoTrim: false });
const compile = ({ html, text }: Templates) => ({ html: escaping.compile(html), text: plain.compile(text) });
const compiledLayout = compile(layout);
const compiled = Object.fromEntries(
  Object.entries(TEMPLATES).map(([kind, templates]) => [kind, compile(templates)]),
) as Record<EmailKind, ReturnType<typeof compile>>;

/** Longer names and longer descriptions of problems are cut. */
const NAME_LENGTH_MAX = 120;
const DETAIL_LENGTH_MAX = 500;

interface Urls {
  publicUrl: string;
  /** Absent if the recipient cannot turn off such e-mails. */
  unsubscribeUrl?: string | undefined;
}

/** @throws if the kind belongs to a newer version, whose worker sends it. */
export function composeEmail({
  kind,
  content,
  ...urls
}: {
  kind: string;
  content: JsonValue;
} & Urls): ComposedEmail {
  if (!isEmailKind(kind))
    throw new Error(
      `This worker does not know the e-mail kind "${kind}". Start a worker of a newer version.`,
    );
  return compose(kind, oneLined(content) as EmailContents[typeof kind], urls);
}

function compose<Kind extends EmailKind>(
  kind: Kind,
  content: EmailContents[Kind],
  { publicUrl, unsubscribeUrl: unsubscribe }: Urls,
): ComposedEmail {
  const { html, text } = compiled[kind];
  const subject = EMAIL_KINDS[kind].subject(content);
  const link = publicUrl + EMAIL_KINDS[kind].path(content);
  const { why } = EMAIL_KINDS[kind];
  const words = {
    ...content,
    wordsOf,
    titleOf,
    explanationOf,
    linkTo: ({ path }: NotificationItem) => publicUrl + path,
  };
  const frame = { subject, link, why, unsubscribe };
  return {
    subject,
    html: escaping.render(compiledLayout.html, { ...frame, body: escaping.render(html, words) }),
    text: plain.render(compiledLayout.text, { ...frame, body: plain.render(text, words).trimEnd() }),
  };
}

const explanationOf = ({ kind }: NotificationItem): string => describeNotification(kind).explanation;

function wordsOf({ state, records }: OnboardingContent['datasets'][number]): string {
  if (state === 'failed') return 'failed';
  if (state === 'not_supported') return 'not supported';
  return records === 1 ? '1 record' : `${records.toLocaleString('en-US')} records`;
}

/** Line breaks, other control characters, and characters that change the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu;

function oneLined(value: JsonValue, lengthMax = NAME_LENGTH_MAX): JsonValue {
  if (typeof value === 'string') return shortened(value.replaceAll(UNPRINTABLE, ' ').trim(), lengthMax);
  if (Array.isArray(value)) return value.map((item) => oneLined(item, lengthMax));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      oneLined(member, key === 'detail' ? DETAIL_LENGTH_MAX : lengthMax),
    ]),
  );
}

function shortened(text: string, lengthMax: number): string {
  const characters = Array.from(text);
  return characters.length > lengthMax ? `${characters.slice(0, lengthMax).join('')}…` : text;
}
