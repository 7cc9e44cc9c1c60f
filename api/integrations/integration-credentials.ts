/** Credentials that are given for the addresses of a configuration, and stay there (rules.md 61). */
import type { TenantWork } from '../../db/database';
import { findEncryptedCredentials, type Integration } from '../../db/integrations/integrations';
import { openCredentials, sealCredentials } from '../../db/integrations/sealed-credentials';
import { type MovedOrigin, movedOrigins, originsOf } from '../../domain/credential-origins';
import type { JsonObject } from '../../domain/json';
import type { RouteServices } from '../dependencies';
import { HttpError } from '../http/http-error';
import type { DescribedConnector } from './connector-catalogue';

type Services = Pick<RouteServices, 'encryption'>;

export function encryptCredentials(
  work: TenantWork,
  { encryption }: Services,
  {
    integrationId,
    connector,
    config,
    credentials,
  }: { integrationId: string; connector: DescribedConnector; config: JsonObject; credentials: JsonObject },
): Promise<string> {
  return sealCredentials(work, encryption, integrationId, {
    credentials,
    origins: originsOf(connector, config),
  });
}

/**
 * The addresses that a new configuration moves. Throws `credentials_needed` if credentials are stored that
 * would be sent there.
 */
export async function checkMovedOrigins(
  work: TenantWork,
  { encryption }: Services,
  {
    before,
    connector,
    config,
    areGivenAgain,
  }: { before: Integration; connector: DescribedConnector; config: JsonObject; areGivenAgain: boolean },
): Promise<MovedOrigin[]> {
  const after = originsOf(connector, config);
  const moved = movedOrigins(originsOf(connector, before.config), after);
  if (areGivenAgain) return moved;
  const encrypted = await findEncryptedCredentials(work, before);
  if (encrypted === null) return moved;
  const sealed = await openCredentials(work, encryption, before.integrationId, encrypted);
  if (Object.keys(sealed.credentials).length === 0) return moved;
  const errors = (sealed.origins === null ? moved : movedOrigins(sealed.origins, after)).map(
    ({ pointer, from, to }) => ({
      pointer,
      code: 'credentials_needed',
      message:
        to === null
          ? `The credentials were given for ${from}, which this configuration does not name.`
          : `The credentials were not given for ${to}.`,
    }),
  );
  if (errors.length > 0) throw new HttpError('credentials_needed', { errors });
  return moved;
}
