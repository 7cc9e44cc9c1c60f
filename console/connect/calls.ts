/** What the page asks the API for. The cookie of the session goes with each call. */
import { Problem } from '../api/client';

/** As `api/connect/connect-view.ts` answers. */
export interface ConnectView {
  id: string;
  state: 'open' | 'in_progress' | 'done' | 'failed' | 'expired' | 'cancelled';
  brand: { name: string; color: string | null; logo: string };
  is_reconnection: boolean;
  app: ConnectedApp | null;
  is_consent_given: boolean;
  missing_scopes: string[];
  accounts: PickableAccount[];
  guidance: string[];
  return_url: string | null;
  frame_ancestors: string[];
  problem: string | null;
  expires_at: string;
}

/** An account that the consent is for; the person picks one. */
interface PickableAccount {
  id: string;
  name: string | null;
}

export interface ConnectedApp {
  name: string;
  account_name: string;
  records: { label: string; direction: 'push' | 'pull' | 'both' }[];
  /** Consent at the provider, instead of a form. */
  has_consent: boolean;
  /** What its definition says about the way to sign in. */
  sign_in_help: string[];
  forms: CredentialField[][];
}

export interface CredentialField {
  name: string;
  label: string;
  help: string | null;
  is_secret: boolean;
  is_long: boolean;
}

async function call<Answer = ConnectView>(path: string, body?: object): Promise<Answer> {
  const response = await fetch(`/connect/v1/${path}`, {
    ...(body === undefined
      ? {}
      : {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        }),
    credentials: 'same-origin',
  });
  if (response.ok) return (await response.json()) as Answer;
  throw new Problem(response.status, (await response.json().catch(() => ({}))) as object);
}

export const isEmbedded = window.self !== window.top;

export const openLink = (secret: string): Promise<ConnectView> =>
  call('open', { secret, is_embedded: isEmbedded });

export const readSession = (id: string): Promise<ConnectView> => call(`sessions/${id}`);

export const giveCredentials = (id: string, credentials: Record<string, string>): Promise<ConnectView> =>
  call(`sessions/${id}/credentials`, { credentials });

/** The provider's page. In a frame, an address of Syncline that leads there, for a window of its own. */
export const beginConsent = async (id: string): Promise<string> =>
  (await call<{ url: string }>(`sessions/${id}/consent`, { is_embedded: isEmbedded })).url;

/** Exchanges the consent. Can be called again at any time. */
export const finishConsent = (id: string, accountId?: string): Promise<ConnectView> =>
  call(`sessions/${id}/finish`, accountId === undefined ? {} : { account_id: accountId });

/** Tells the site that shows the page in a frame, and no other. */
export function tellFrame({ id, state, frame_ancestors: sites }: ConnectView): void {
  if (!isEmbedded) return;
  for (const site of sites)
    window.parent.postMessage({ type: 'syncline.connect', connect_session_id: id, state }, site);
}
