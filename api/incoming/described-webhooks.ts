/**
 * How webhooks are verified and read: those of an integration by its configuration, those of an OAuth app by
 * the current version of its definition.
 */
import type { IncomingWebhooks } from '../../connectors/incoming';
import type { TenantWork } from '../../db/database';
import {
  type DefinitionVersion,
  findDefinition,
  findDefinitionVersion,
  listDefinitions,
} from '../../db/third-parties/definitions';
import { faultIn, isConnectorFault } from '../../domain/connector-fault';
import type { DefinitionRules } from '../../domain/third-parties/definition';
import { examplesOf, fillParameters } from '../../domain/third-parties/parameters';
import type { ApiDependencies } from '../dependencies';
import { documentOf } from '../third-parties/definition-use';
import type { DescribedConnector } from '../integrations/connector-catalogue';

/**
 * Another version of the connector may have accepted a configuration that this one cannot read.
 * @throws ConnectorFault of a schema: an app that is answered 401 may stop its webhooks for good
 */
export function webhooksIn(
  connector: DescribedConnector | undefined,
  given: unknown,
): IncomingWebhooks | undefined {
  const config = connector?.configSchema.safeParse(given);
  if (config?.success) return connector?.incoming?.(config.data);
  const fault = config && faultIn(config.error);
  if (fault !== undefined) throw fault;
  return undefined;
}

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
  return knownWebhooks(current, connectors);
}

const PAGE = 100;

/** The definitions whose current version describes webhooks of an app. A faulty package describes none. */
export async function listAppWebhookDefinitions(
  work: TenantWork,
  { connectors }: Pick<ApiDependencies, 'connectors'>,
): Promise<{ key: string; name: string }[]> {
  const found: { key: string; name: string }[] = [];
  for (let after: string | undefined, isMore = true; isMore;) {
    const page = await listDefinitions(work, { limit: PAGE, after });
    for (const version of page)
      if (describesApps(version, connectors))
        found.push({ key: version.definitionKey, name: documentOf(version).name });
    after = page.at(-1)?.definitionKey;
    isMore = page.length === PAGE;
  }
  return found;
}

function describesApps(version: DefinitionVersion, connectors: ApiDependencies['connectors']): boolean {
  try {
    return knownWebhooks(version, connectors) !== undefined;
  } catch (error) {
    if (isConnectorFault(error)) return false;
    throw error;
  }
}

function knownWebhooks(
  { definitionKey: key, hash, rules }: DefinitionVersion,
  connectors: ApiDependencies['connectors'],
): IncomingWebhooks | undefined {
  const ofConnectors = known.get(connectors) ?? new Map<string, Known>();
  known.set(connectors, ofConnectors);
  const before = ofConnectors.get(key);
  if (before?.hash === hash) return before.webhooks;
  const webhooks = webhooksOf(rules, connectors);
  ofConnectors.set(key, { hash, webhooks });
  return webhooks;
}

/** Parameters have their examples: they belong to integrations. */
function webhooksOf(
  rules: DefinitionRules,
  connectors: ApiDependencies['connectors'],
): IncomingWebhooks | undefined {
  const connector = connectors[rules.connector];
  const examples = examplesOf(rules.parameters);
  for (const signIn of Object.values(rules.signIns)) {
    const incoming = webhooksIn(connector, fillParameters({ ...rules.config, ...signIn }, examples));
    if (incoming?.namesAccounts === true) return incoming;
  }
  return undefined;
}
