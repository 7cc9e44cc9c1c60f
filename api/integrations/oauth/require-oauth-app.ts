/** The OAuth app that a configuration names: one that the tenant may use, and that allows its addresses. */
import type { TenantWork } from '../../../db/database';
import { findOAuthAppProblems } from '../../../db/integrations/settings-problems';
import type { JsonObject } from '../../../domain/json';
import { HttpError } from '../../http/http-error';
import type { DescribedConnector } from '../connector-catalogue';

/** Throws `invalid_config`. Configurations that sign in otherwise need no app. */
export async function requireOAuthApp(
  work: TenantWork,
  connector: DescribedConnector,
  config: JsonObject,
): Promise<void> {
  const errors = await findOAuthAppProblems(work, connector, config);
  if (errors.length > 0) throw new HttpError('invalid_config', { errors });
}
