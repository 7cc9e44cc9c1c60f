/** How the webhooks of an OAuth app are verified and read: by the current version of its definition. */
import type { IncomingWebhooks } from '../../connectors/incoming';
import type { TenantWork } from '../../db/database';
import { findDefinition, findDefinitionVersion } from '../../db/third-parties/definitions';
import type { DefinitionRules } from '../../domain/third-parties/definition';
import { examplesOf, fillParameters } from '../../domain/third-parties/parameters';
import type { ApiDependencies } from '../dependencies';

/** Of the current version of a definition: an app calls a thousand times a second, and it rarely changes. */
interface Known {
  hash: string;
  webhooks: IncomingWebhooks | undefined;
}

const known = new WeakMap<ApiDependencies['connectors'], Map<string, Known>>();

/**
 * @returns undefined if there is no such definition, or its webhooks do not name the account of an event
 */
export async function findAppWebhooks(
  work: TenantWork,
  { definitionKey: key }: { definitionKey: string },
  { connectors }: Pick<ApiDependencies, 'connectors'>,
): Promise<IncomingWebhooks | undefined> {
  const version = (await findDefinition(work, { key }))?.currentVersion ?? null;
  const current = version === null ? undefined : await findDefinitionVersion(work, { key, version });
  if (current === undefined) return undefined;
  const ofConnectors = known.get(connectors) ?? new Map<string, Known>();
  known.set(connectors, ofConnectors);
  const before = ofConnectors.get(key);
  if (before?.hash === current.hash) return before.webhooks;
  const webhooks = webhooksOf(current.rules, connectors);
  ofConnectors.set(key, { hash: current.hash, webhooks });
  return webhooks;
}

/** Parameters have their examples: they belong to integrations. */
function webhooksOf(
  rules: DefinitionRules,
  connectors: ApiDependencies['connectors'],
): IncomingWebhooks | undefined {
  const connector = connectors[rules.connector];
  if (connector === undefined) return undefined;
  const examples = examplesOf(rules.parameters);
  for (const signIn of Object.values(rules.signIns)) {
    const config = connector.configSchema.safeParse(fillParameters({ ...rules.config, ...signIn }, examples));
    const incoming = config.success ? connector.incoming?.(config.data) : undefined;
    if (incoming?.namesAccounts === true) return incoming;
  }
  return undefined;
}
