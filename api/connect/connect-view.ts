/** What the hosted page shows. */
import type { TenantWork } from '../../db/database';
import {
  type ConnectSession,
  type ConnectState,
  stateOfConnectSession,
} from '../../db/integrations/connect/connect-sessions';
import { findConnectSettings } from '../../db/integrations/connect/connect-settings';
import { toTypeId } from '../../db/sql/ids';
import { findTenant } from '../../db/tenants/tenants';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { requireConnector } from '../integrations/integration-input';
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
    /** One form is enough. None: the app needs no credentials. */
    forms: { name: string; label: string; help: string | null; is_secret: boolean }[][];
  } | null;
  /** The provider has answered; the exchange is to be asked for. */
  is_consent_given: boolean;
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
    guidance: session.guidance,
    return_url: session.returnUrl,
    frame_ancestors: settings.frameAncestors,
    problem: session.problem?.message ?? null,
    expires_at: session.expiresAt.toISOString(),
  };
}

async function appOf(
  work: TenantWork,
  session: ConnectSession,
  services: ApiDependencies,
): Promise<ConnectView['app']> {
  try {
    const { kind, app, accountName, config, recordTypes } = await readConnectTarget(work, session, services);
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
      forms: credentialForms(connector, config).map((fields) =>
        fields.map(({ name, label, help, isSecret }) => ({ name, label, help, is_secret: isSecret })),
      ),
    };
  } catch (error) {
    if (error instanceof HttpError) return null;
    throw error;
  }
}
