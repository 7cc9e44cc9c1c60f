/**
 * Consents for several accounts, such as the companies of an accountant: the person picks one, and its id
 * becomes a parameter of the definition. The tokens are used from then on.
 */
import { lockIntegration, type Integration } from '../../db/integrations/integrations';
import { findConnectSession, type ConnectSessionPlace } from '../../db/integrations/connect/connect-sessions';
import { findAccount, nameAccount } from '../../db/integrations/oauth/accounts';
import { findConsent, saveConsentAccount } from '../../db/integrations/oauth/consents';
import { changeIntegration, replaceCredentials } from '../../db/sync-runs/integration-lifecycle';
import type { ConsentResult } from '../../db/tables/oauth';
import type { DefinitionColumns } from '../../db/third-parties/definition-columns';
import { findDefinitionVersion } from '../../db/third-parties/definitions';
import { ACCOUNT_CREDENTIAL } from '../../domain/oauth/authorization';
import type { TenantWork } from '../../db/database';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { encryptCredentials } from '../integrations/integration-credentials';
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
    const { integrationId } = session;
    // Locked before it is read: its new settings are worked out from those that it has.
    const integration = integrationId === null ? undefined : await lockIntegration(work, { integrationId });
    if (integration === undefined) return 'nothing';
    const parameter = await findParameter(work, integration, services);
    const chosen = choose(result.accounts, accountId, parameter?.given);
    if (chosen === undefined) return 'open';
    const changed =
      parameter === undefined
        ? integration
        : await takeParameter(work, integration, { ...parameter, value: chosen.id }, services);
    const account = { accountId: chosen.id, accountName: chosen.name };
    await connectPicked(work, changed, account, services);
    await saveConsentAccount(work, { consentId, ...account });
    return 'picked';
  });
}

/** @param given the account that was set before: it is taken without a question, and no other in silence */
function choose(
  accounts: NonNullable<ConsentResult['accounts']>,
  accountId: string | undefined,
  given: string | undefined,
): { id: string; name: string | null } | undefined {
  const known = accounts.find(({ id }) => id === given);
  if (known !== undefined) return known;
  if (accountId !== undefined) {
    const picked = accounts.find(({ id }) => id === accountId);
    if (picked === undefined) throw refused('This account is not offered. Pick one of the list.');
    return picked;
  }
  if (accounts.length > 1) return undefined;
  if (given === undefined) return accounts[0];
  throw refused(`The person who agreed has no access to the account ${given}. Let another one agree.`);
}

interface AccountParameter {
  use: DefinitionColumns;
  name: string;
  /** undefined: it has its example until an account is picked. */
  given: string | undefined;
}

async function findParameter(
  work: TenantWork,
  integration: Integration,
  services: ApiDependencies,
): Promise<AccountParameter | undefined> {
  const use = useOf(integration);
  const connector = requireConnector(services.connectors, integration.connector);
  const name = connector.oauth?.(integration.config)?.accounts?.parameter;
  if (use === null || name === undefined) return undefined;
  const parameters = (await findDefinitionVersion(work, use))?.rules.parameters ?? {};
  const example = Object.hasOwn(parameters, name) ? parameters[name]?.example : undefined;
  const value = Object.hasOwn(use.parameters, name) ? use.parameters[name] : undefined;
  return { use, name, given: value === example ? undefined : value };
}

async function takeParameter(
  work: TenantWork,
  integration: Integration,
  { use, name, value }: AccountParameter & { value: string },
  services: ApiDependencies,
): Promise<Integration> {
  const parameters = { ...use.parameters, [name]: value };
  const changed = await readChangedUse(work, integration, { parameters }, services).catch(
    (error: unknown) => {
      if (!(error instanceof HttpError)) throw error;
      const [problem] = error.errors ?? [];
      throw refused(`The id of this account cannot be used. ${problem?.message ?? ''}`.trim());
    },
  );
  const { integrationId } = integration;
  return changeIntegration(work, {
    integrationId,
    change: { definition: changed.use, ...changed.settings },
    by: CONNECT_ACTOR,
  });
}

/** Only now may the tokens be used, at the addresses that the account has led to. */
async function connectPicked(
  work: TenantWork,
  { integrationId, connector: kind, config }: Integration,
  account: { accountId: string; accountName: string | null },
  services: ApiDependencies,
): Promise<void> {
  const connected = await findAccount(work, services.encryption, { integrationId });
  if (connected === undefined) return;
  await nameAccount(work, connected, account);
  const connector = requireConnector(services.connectors, kind);
  const credentials = { [ACCOUNT_CREDENTIAL]: connected.connectionId };
  const encryptedCredentials = await encryptCredentials(work, services, {
    integrationId,
    connector,
    config,
    credentials,
  });
  await replaceCredentials(work, { integrationId, encryptedCredentials });
}

const refused = (detail: string): HttpError => new HttpError('connection_refused', { detail });
