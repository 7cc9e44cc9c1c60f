/** What the hosted page shows. */
import type { TenantWork } from '../../db/database';
import {
  type ConnectSession,
  type ConnectState,
  stateOfConnectSession,
} from '../../db/integrations/connect/connect-sessions';
import { findConnectSettings } from '../../db/integrations/connect/connect-settings';
import { findConsent } from '../../db/integrations/oauth/consents';
import { toTypeId } from '../../db/sql/ids';
import { findTenant } from '../../db/tenants/tenants';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { requireConnector } from '../integrations/integration-input';
import { findSignIn } from '../third-parties/definition-use';
import { readConnectTarget } from './connect-target';
import { credentialForms } from './credential-forms';

/** `console/connect` has the same type. */
export interface ConnectView {
  id: string;
  state: ConnectState;
  brand: { name: string; color: string | null; logo: string };
  is_reconnection: boolean;
  /** Null if the integration is gone. */
  app: {
    name: string;
    account_name: string;
    records: { label: string; direction: 'push' | 'pull' | 'both' }[];
    /** Consent at the provider, instead of a form. */
    has_consent: boolean;
    /** What its definition says about the way to sign in. */
    sign_in_help: string[];
    /** One form is enough. None: the app needs no credentials. */
    forms: { name: string; label: string; help: string | null; is_secret: boolean; is_long: boolean }[][];
  } | null;
  /** The provider has answered; the exchange is to be asked for. */
  is_consent_given: boolean;
  /** Scopes that the provider did not grant, though it was asked for them. */
  missing_scopes: string[];
  /** The consent is for all of them: the person picks one. */
  accounts: { id: string; name: string | null }[];
  guidance: string[];
  return_url: string | null;
  /** Sites that may show the page in a frame: they are told when it is done. */
  frame_ancestors: string[];
  problem: string | null;
  expires_at: string;
}

export async function viewOf(
  work: TenantWork,
  session: ConnectSession,
  services: ApiDependencies,
): Promise<ConnectView> {
  const settings = await findConnectSettings(work);
  const name = settings.name ?? (await findTenant(work))?.name ?? '';
  return {
    id: toTypeId('cns', session.connectSessionId),
    state: stateOfConnectSession(session, work.now),
    brand: { name, color: settings.color, logo: settings.logoText ?? Array.from(name)[0] ?? '' },
    is_reconnection: session.settings === null,
    app: await appOf(work, session, services),
    is_consent_given: session.oauthConsentId !== null && session.stateHash === null,
    ...(await consentOf(work, session)),
    guidance: session.guidance,
    return_url: session.returnUrl,
    frame_ancestors: settings.frameAncestors,
    problem: session.problem?.message ?? null,
    expires_at: session.expiresAt.toISOString(),
  };
}

async function consentOf(
  work: TenantWork,
  { oauthConsentId: consentId }: ConnectSession,
): Promise<Pick<ConnectView, 'missing_scopes' | 'accounts'>> {
  const result = consentId === null ? null : (await findConsent(work, { consentId }))?.result;
  return {
    missing_scopes: result?.missing_scopes ?? [],
    accounts: result?.ok === true && result.account_id == null ? (result.accounts ?? []) : [],
  };
}

async function appOf(
  work: TenantWork,
  session: ConnectSession,
  services: ApiDependencies,
): Promise<ConnectView['app']> {
  try {
    const target = await readConnectTarget(work, session, services);
    const { kind, app, accountName, config, recordTypes } = target;
    const signIn = await findSignIn(work, target.use);
    const connector = requireConnector(services.connectors, kind);
    const labels = new Map(connector.recordTypes(config).map(({ name, label }) => [name, label]));
    return {
      name: app,
      account_name: accountName,
      records: Object.entries(recordTypes).map(([type, { direction }]) => ({
        label: labels.get(type) ?? type,
        direction,
      })),
      has_consent: connector.oauth?.(config) !== undefined,
      sign_in_help: signIn?.help ?? [],
      forms: credentialForms(connector, config, signIn?.credentials).map((fields) =>
        fields.map(({ isSecret, isLong, ...field }) => ({ ...field, is_secret: isSecret, is_long: isLong })),
      ),
    };
  } catch (error) {
    if (error instanceof HttpError) return null;
    throw error;
  }
}
