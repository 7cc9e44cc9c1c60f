/**
 * Consents for several accounts, such as the companies of an accountant: the person picks one, and its id
 * becomes a parameter of the definition.
 */
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import { findConnectSession, type ConnectSessionPlace } from '../../db/integrations/connect/connect-sessions';
import { findAccount, nameAccount } from '../../db/integrations/oauth/accounts';
import { findConsent, saveConsentAccount } from '../../db/integrations/oauth/consents';
import { changeIntegration } from '../../db/sync-runs/integration-lifecycle';
import type { TenantWork } from '../../db/database';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { requireConnector } from '../integrations/integration-input';
import { readChangedUse, useOf } from '../third-parties/definition-use';
import { CONNECT_ACTOR } from './connect-app';

export type Picked =
  /** The configuration asks for no account. */
  | 'nothing'
  /** The person has to pick one. */
  | 'open'
  /** The integration has the account, and can be checked. */
  | 'picked';

/** Idempotent: what was picked stays. Throws `connection_refused` for an account that was not offered. */
export async function pickAccount(
  place: ConnectSessionPlace,
  { consentId, accountId }: { consentId: string; accountId: string | undefined },
  services: ApiDependencies,
): Promise<Picked> {
  return services.database.withTenant(place.tenantId, async (work) => {
    const session = await findConnectSession(work, { ...place, isLocked: true });
    const result = (await findConsent(work, { consentId }))?.result ?? null;
    if (session?.oauthConsentId !== consentId || result?.ok !== true || result.accounts === undefined)
      return 'nothing';
    if (result.account_id != null) return 'picked';
    const { accounts } = result;
    const chosen =
      accountId === undefined && accounts.length === 1
        ? accounts[0]
        : accounts.find(({ id }) => id === accountId);
    if (chosen === undefined && accountId === undefined) return 'open';
    const { integrationId } = session;
    const integration = integrationId === null ? undefined : await findIntegration(work, { integrationId });
    if (chosen === undefined || integration === undefined)
      throw new HttpError('connection_refused', {
        detail: 'This account is not offered. Pick one of the list.',
      });
    await takeParameter(work, integration, chosen.id, services);
    const account = { accountId: chosen.id, accountName: chosen.name };
    const connected = await findAccount(work, services.encryption, integration);
    if (connected !== undefined) await nameAccount(work, connected, account);
    await saveConsentAccount(work, { consentId, ...account });
    return 'picked';
  });
}

async function takeParameter(
  work: TenantWork,
  integration: Integration,
  accountId: string,
  services: ApiDependencies,
): Promise<void> {
  const use = useOf(integration);
  const connector = requireConnector(services.connectors, integration.connector);
  const parameter = connector.oauth?.(integration.config)?.accounts?.parameter;
  if (use === null || parameter === undefined) return;
  const parameters = { ...use.parameters, [parameter]: accountId };
  const changed = await readChangedUse(work, integration, { parameters }, services).catch(
    (error: unknown) => {
      if (!(error instanceof HttpError)) throw error;
      const [problem] = error.errors ?? [];
      throw new HttpError('connection_refused', {
        detail: `The id of this account cannot be used. ${problem?.message ?? ''}`.trim(),
      });
    },
  );
  const { integrationId } = integration;
  await changeIntegration(work, {
    integrationId,
    change: { definition: changed.use, ...changed.settings },
    by: CONNECT_ACTOR,
  });
}
