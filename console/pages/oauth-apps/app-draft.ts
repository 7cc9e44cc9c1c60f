/** The values of the form of an OAuth app. */
import type { Schemas } from '../../api/client';

export interface AppDraft {
  name: string;
  clientId: string;
  /** Empty = none is given. */
  clientSecret: string;
  /** Empty = none is given. */
  webhookSecret: string;
  isWebhookSecretDeleted: boolean;
  /** One per line. */
  origins: string;
}

export const NO_SECRETS = { clientSecret: '', webhookSecret: '', isWebhookSecretDeleted: false };

export const originsOf = ({ origins }: AppDraft): string[] =>
  origins.split(/\s+/).filter((origin) => origin !== '');

export const toDraft = ({
  name,
  client_id: clientId,
  allowed_origins: origins,
}: Schemas['OAuthApp']): AppDraft => ({ ...NO_SECRETS, name, clientId, origins: origins.join('\n') });

/** The API sends a stored secret to further origins only if it is entered again. */
export const needsSecretAgain = (draft: AppDraft, before: Schemas['OAuthApp']): boolean =>
  before.has_client_secret && originsOf(draft).some((origin) => !before.allowed_origins.includes(origin));

export const integrationsOf = ({ uses }: Pick<Schemas['OAuthApp'], 'uses'>): number =>
  uses.reduce((sum, { integrations }) => sum + integrations, 0);
export const connectedOf = ({ uses }: Pick<Schemas['OAuthApp'], 'uses'>): number =>
  uses.reduce((sum, { connected }) => sum + connected, 0);
