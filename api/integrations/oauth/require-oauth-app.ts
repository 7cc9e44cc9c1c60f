/** The OAuth app that a configuration names: one that the tenant may use, and that allows its addresses. */
import type { TenantWork } from '../../../db/database';
import { findAppOf } from '../../../db/integrations/oauth/apps';
import { originsOf } from '../../../domain/credential-origins';
import type { JsonObject } from '../../../domain/json';
import { isAllowedOrigin } from '../../../domain/oauth/allowed-origins';
import { HttpError } from '../../http/http-error';
import type { DescribedConnector } from '../connector-catalogue';

/** Throws `invalid_config`. Configurations that sign in otherwise need no app. */
export async function requireOAuthApp(
  work: TenantWork,
  connector: DescribedConnector,
  config: JsonObject,
): Promise<void> {
  const settings = connector.oauth?.(config);
  if (settings === undefined) return;
  const app = await findAppOf(work, settings);
  const errors =
    app === undefined
      ? [{ pointer: '/config/auth/app_id', code: 'unknown', message: 'There is no such OAuth app.' }]
      : Object.entries(originsOf(connector, config))
          .filter(([, origin]) => !isAllowedOrigin(app.allowedOrigins, origin))
          .map(([pointer, origin]) => ({
            pointer,
            code: 'origin_not_allowed',
            message: `The OAuth app "${app.name}" does not allow ${origin}.`,
          }));
  if (errors.length > 0) throw new HttpError('invalid_config', { errors });
}
