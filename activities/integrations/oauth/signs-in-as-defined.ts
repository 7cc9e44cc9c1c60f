/** Whether a definition, and no setting of the tenant, says how the account of a consent is read. */
import type { Connector } from '../../../connectors/connector';
import type { TenantWork } from '../../../db/database';
import type { Integration } from '../../../db/integrations/integrations';
import { findDefinitionVersion } from '../../../db/third-parties/definitions';
import { canonicalJson, type JsonObject } from '../../../domain/json';
import { expand } from '../../../domain/third-parties/definition';
import { lenientConfig } from '../../third-parties/check-settings';

export async function signsInAsDefined(
  work: TenantWork,
  { definitionKey: key, definitionVersion: version, definitionSignIn: signIn, ...own }: Integration,
  connector: Connector,
): Promise<boolean> {
  if (key === null || version === null || signIn === null) return false;
  const { rules } = (await findDefinitionVersion(work, { key, version })) ?? {};
  if (rules === undefined || !Object.hasOwn(rules.signIns, signIn)) return false;
  const use = { signIn, parameters: own.definitionParameters ?? {} };
  // A configuration of a former version lacks the defaults of this one.
  const read = lenientConfig(connector);
  return authOf(expand(rules, use, read).config) === authOf(read(own.config));
}

const authOf = ({ auth = null }: JsonObject): string =>
  canonicalJson(JSON.parse(JSON.stringify(auth)) as JsonObject);
