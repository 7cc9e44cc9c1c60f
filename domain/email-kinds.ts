/**
 * What e-mails there are. A new one takes a content and an entry here, and its pair of templates in `delivery/mail/`.
 * Contents hold names, counts and ids as the API shows them: never a secret, nothing of a record, no words of a third party.
 */
export type OnboardingContent = {
  integration_id: string;
  app: string;
  account_name: string;
  /** The initial datasets, each in its final state. */
  datasets: { record_type: string; state: 'succeeded' | 'failed' | 'not_supported'; records: number }[];
};

export interface EmailContents {
  onboarding_complete: OnboardingContent;
  onboarding_failed: OnboardingContent;
}

export type EmailKind = keyof EmailContents;

interface EmailDescription<Content> {
  subject(content: Content): string;
  /** What its link leads to, below PUBLIC_URL. It only reads. */
  path(content: Content): string;
}

const integrationPath = ({ integration_id }: OnboardingContent): string => `/v1/integrations/${encodeURIComponent(integration_id)}`;

export const EMAIL_KINDS: { [Kind in EmailKind]: EmailDescription<EmailContents[Kind]> } = {
  onboarding_complete: {
    subject: ({ app, account_name }) => `${app} (${account_name}) is ready`,
    path: integrationPath,
  },
  onboarding_failed: {
    subject: ({ app, account_name }) => `${app} (${account_name}) could not be read`,
    path: integrationPath,
  },
};

export function isEmailKind(kind: string): kind is EmailKind {
  return Object.hasOwn(EMAIL_KINDS, kind);
}
