/**
 * Names and messages of the workflow that exchanges the code of a consent for tokens. Permanent: running
 * workflows carry them. Codes and tokens are in rows, never in the history.
 */
export const OAUTH_CONSENT_WORKFLOW = 'oauthConsentWorkflow';

export interface OAuthConsentInput {
  tenantId: string;
  integrationId: string;
  /** The row of `oauth_consents` (db/integrations/oauth/consents.ts). */
  consentId: string;
}

/** A code is exchanged once. */
export const oauthConsentWorkflowId = ({ consentId }: Pick<OAuthConsentInput, 'consentId'>): string =>
  `oauth-consent:${consentId}`;

/** The words for people are in the row (`result`), and those of the check in `integrations.last_check`. */
export interface OAuthConsentResult {
  ok: boolean;
  /** `account_needed`: nothing is wrong, but the person has to pick an account before the check. */
  kind: 'refused' | 'unavailable' | 'expired' | 'other_account' | 'account_needed' | 'internal' | null;
}
