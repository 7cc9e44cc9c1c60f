/** How the webhooks of an OAuth app are verified and read: by the current version of its definition. */
import type { IncomingWebhooks } from '../../connectors/incoming';
import type { TenantWork } from '../../db/database';
import { findDefinition, findDefinitionVersion } from '../../db/third-parties/definitions';
import { fillParameters } from '../../domain/third-parties/parameters';
import type { ApiDependencies } from '../dependencies';

/**
 * Parameters have their examples: they belong to integrations.
 * @returns undefined if there is no such definition, or its webhooks do not name the account of an event
 */
export async function findAppWebhooks(
  work: TenantWork,
  { definitionKey: key }: { definitionKey: string },
  { connectors }: Pick<ApiDependencies, 'connectors'>,
): Promise<IncomingWebhooks | undefined> {
  const version = (await findDefinition(work, { key }))?.currentVersion ?? null;
  const { rules } = (version !== null && (await findDefinitionVersion(work, { key, version }))) || {};
  const connector = rules && connectors[rules.connector];
  if (rules === undefined || connector === undefined) return undefined;
  const examples = Object.fromEntries(
    Object.entries(rules.parameters).map(([name, { example }]) => [name, example]),
  );
  for (const signIn of Object.values(rules.signIns)) {
    const config = connector.configSchema.safeParse(fillParameters({ ...rules.config, ...signIn }, examples));
    const incoming = config.success ? connector.incoming?.(config.data) : undefined;
    if (incoming?.namesAccounts === true) return incoming;
  }
  return undefined;
}
