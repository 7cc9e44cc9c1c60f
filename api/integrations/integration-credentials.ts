/** Credentials that are given for the addresses of a configuration, and stay there (rules.md 61). */
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { sealCredentials } from '../../db/integrations/sealed-credentials';
import { findMovedOrigins } from '../../db/integrations/settings-problems';
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
  if (areGivenAgain) return movedOrigins(originsOf(connector, before.config), originsOf(connector, config));
  const { moved, problems } = await findMovedOrigins(work, encryption, { before, connector, config });
  if (problems.length > 0) throw new HttpError('credentials_needed', { errors: problems });
  return moved;
}
