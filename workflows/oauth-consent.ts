/** Exchanges the code of a consent for tokens, then checks the connection with them. */
import type { OAuthConsentInput, OAuthConsentResult } from '../contract/oauth-consent';
import { integrationCheckActivities, oauthConsentActivities } from './activities';

export async function oauthConsentWorkflow(input: OAuthConsentInput): Promise<OAuthConsentResult> {
  const { tenantId, integrationId } = input;
  const exchanged = await oauthConsentActivities(tenantId).exchangeCode(input);
  if (exchanged.ok) await integrationCheckActivities(tenantId).checkIntegration({ tenantId, integrationId });
  return exchanged;
}
