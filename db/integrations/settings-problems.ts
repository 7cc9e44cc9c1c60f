/** Problems of new settings with rows of the tenant: credentials for other addresses, and OAuth apps. */
import { type MovedOrigin, movedOrigins, type Origins, originsOf } from '../../domain/credential-origins';
import type { JsonObject } from '../../domain/json';
import { isAllowedOrigin } from '../../domain/oauth/allowed-origins';
import type { OAuthSettings } from '../../domain/oauth/authorization';
import type { ProblemDetail } from '../../domain/problem-detail';
import type { TenantWork } from '../database';
import type { Encryption } from '../platform/encryption';
import { findEncryptedCredentials, type Integration } from './integrations';
import { findAppOf } from './oauth/apps';
import { openCredentials } from './sealed-credentials';

interface WithOrigins {
  origins?(config: unknown): Origins;
  hosts(config: unknown): string[];
}

interface MovedSettings {
  before: Pick<Integration, 'integrationId' | 'config'>;
  connector: WithOrigins;
  config: JsonObject;
}

/**
 * The addresses that a new configuration moves, and a problem for each to which stored credentials would be
 * sent although they were not given for it (rules.md 61).
 */
export async function findMovedOrigins(
  work: TenantWork,
  encryption: Encryption,
  { before, connector, config }: MovedSettings,
): Promise<{ moved: MovedOrigin[]; problems: ProblemDetail[] }> {
  const after = originsOf(connector, config);
  const moved = movedOrigins(originsOf(connector, before.config), after);
  const encrypted = await findEncryptedCredentials(work, before);
  if (encrypted === null) return { moved, problems: [] };
  const sealed = await openCredentials(work, encryption, before.integrationId, encrypted);
  if (Object.keys(sealed.credentials).length === 0) return { moved, problems: [] };
  const problems = (sealed.origins === null ? moved : movedOrigins(sealed.origins, after)).map(
    ({ pointer, from, to }) => ({
      pointer,
      code: 'credentials_needed',
      message:
        to === null
          ? `The credentials were given for ${from}, which this configuration does not name.`
          : `The credentials were not given for ${to}.`,
    }),
  );
  return { moved, problems };
}

export const UNKNOWN_APP: ProblemDetail = {
  pointer: '/config/auth/app_id',
  code: 'unknown',
  message: 'There is no such OAuth app.',
};

/** The OAuth app that a configuration names is one that the tenant may use, and allows its addresses. */
export async function findOAuthAppProblems(
  work: TenantWork,
  connector: WithOrigins & { oauth?(config: unknown): OAuthSettings | undefined },
  config: JsonObject,
): Promise<ProblemDetail[]> {
  const settings = connector.oauth?.(config);
  if (settings === undefined) return [];
  const app = await findAppOf(work, settings);
  return app === undefined
    ? [UNKNOWN_APP]
    : Object.entries(originsOf(connector, config))
        .filter(([, origin]) => !isAllowedOrigin(app.allowedOrigins, origin))
        .map(([pointer, origin]) => ({
          pointer,
          code: 'origin_not_allowed',
          message: `The OAuth app "${app.name}" does not allow ${origin}.`,
        }));
}
