/** The integrations of a rollout: those of other versions, or those that may adopt the definition. */
import type { TenantWork } from '../../db/database';
import { findIntegration } from '../../db/integrations/integrations';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import { findDefinitionVersion } from '../../db/third-parties/definitions';
import {
  addMove,
  type FoundIntegration,
  listOtherVersions,
  listWithoutDefinition,
} from '../../db/third-parties/rollout-integrations';
import type { Rollout } from '../../db/third-parties/rollouts';
import { type Adopting, findAdoption } from '../../domain/third-parties/adoption';
import type { DefinitionRules } from '../../domain/third-parties/definition';
import type { ActivityDependencies } from '../dependencies';
import { findConnector } from '../integrations/open-connector';
import { lenientConfig } from './check-settings';

type Dependencies = Pick<ActivityDependencies, 'database' | 'oauth'>;
type Part = Pick<Rollout, 'rolloutId' | 'definitionKey' | 'version' | 'isAdoption' | 'listCursor'> & {
  limit: number;
};

interface Found {
  integrations: FoundIntegration[];
  /** Adds one to the rollout, unless it is at another address than the definition. */
  add(work: TenantWork, integration: FoundIntegration): Promise<void>;
}

/** The next integrations that may belong to a rollout. Their settings are seen in their tenant only. */
export async function findPart(dependencies: Dependencies, part: Part): Promise<Found> {
  const { definitionKey: key, version, rolloutId, isAdoption, listCursor: after, limit } = part;
  const { database } = dependencies;
  if (!isAdoption)
    return {
      integrations: await database.withPlatform((work) =>
        listOtherVersions(work, { key, version, limit, after }),
      ),
      add: (work, found) => addFound(work, rolloutId, found),
    };
  const rules = await database.withTenant(PLATFORM_TENANT_ID, (work) => requireRules(work, key, version));
  const adopting = adoptingOf(rules, dependencies);
  return {
    integrations: await database.withPlatform((work) =>
      listWithoutDefinition(work, { connector: rules.connector, limit, after }),
    ),
    async add(work, found) {
      const own = await findIntegration(work, found);
      if (own?.definitionKey === null && findAdoption(adopting, own) !== undefined)
        await addFound(work, rolloutId, found);
    },
  };
}

const addFound = (
  work: TenantWork,
  rolloutId: string,
  { integrationId, definitionVersion }: FoundIntegration,
): Promise<void> => addMove(work, { rolloutId, integrationId, fromVersion: definitionVersion ?? 0 });

export async function requireRules(
  work: Pick<TenantWork, 'trx'>,
  key: string,
  version: number,
): Promise<DefinitionRules> {
  const found = await findDefinitionVersion(work, { key, version });
  if (found === undefined) throw new Error(`Version ${version} of ${key} is missing.`);
  return found.rules;
}

export function adoptingOf(rules: DefinitionRules, { oauth }: Pick<Dependencies, 'oauth'>): Adopting {
  const connector = findConnector(oauth.connectors, rules.connector);
  return { rules, connector, readConfig: lenientConfig(connector) };
}
