/** Third-party definitions: rows of the platform that every tenant may read. */
import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import { canonicalJson, type JsonObject } from '../../domain/json';
import type { DefinitionRules } from '../../domain/third-parties/definition';
import type { TenantWork, Work } from '../database';
import { PLATFORM_TENANT_ID } from '../tables/tenants';
import type {
  DefinitionRolloutsTable,
  ThirdPartyDefinitionsTable,
  ThirdPartyDefinitionVersionsTable,
} from '../tables/third-parties';

export type DefinitionRow = Omit<Selectable<ThirdPartyDefinitionsTable>, 'tenantId'>;
export type DefinitionVersion = Omit<Selectable<ThirdPartyDefinitionVersionsTable>, 'tenantId'>;

export interface NewDefinition {
  key: string;
  document: JsonObject;
  rules: DefinitionRules;
  origin: DefinitionVersion['origin'];
  createdBy: string;
}

const HEAD = ['definitionKey', 'currentVersion', 'latestVersion', 'createdAt', 'updatedAt'] as const;
const VERSION = [
  'definitionKey',
  'version',
  'document',
  'rules',
  'hash',
  'origin',
  'createdBy',
  'createdAt',
] as const;

/** `forUpdate`: only for the platform. */
export function findDefinition(
  { trx }: Pick<Work, 'trx'>,
  { key, forUpdate = false }: { key: string; forUpdate?: boolean },
): Promise<DefinitionRow | undefined> {
  return trx
    .selectFrom('thirdPartyDefinitions')
    .select(HEAD)
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('definitionKey', '=', key)
    .$if(forUpdate, (query) => query.forUpdate())
    .executeTakeFirst();
}

export function findDefinitionVersion(
  { trx }: Pick<Work, 'trx'>,
  { key, version }: { key: string; version: number },
): Promise<DefinitionVersion | undefined> {
  return trx
    .selectFrom('thirdPartyDefinitionVersions')
    .select(VERSION)
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('definitionKey', '=', key)
    .where('version', '=', version)
    .executeTakeFirst();
}

/** The current versions in the order of their keys, at most `limit`, after the key `after`. */
export function listDefinitions(
  { trx }: Pick<Work, 'trx'>,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<DefinitionVersion[]> {
  return trx
    .selectFrom('thirdPartyDefinitions as definition')
    .innerJoin('thirdPartyDefinitionVersions as version', (join) =>
      join
        .onRef('version.tenantId', '=', 'definition.tenantId')
        .onRef('version.definitionKey', '=', 'definition.definitionKey')
        .onRef('version.version', '=', 'definition.currentVersion'),
    )
    .select(VERSION.map((column) => `version.${column}` as const))
    .where('definition.tenantId', '=', PLATFORM_TENANT_ID)
    .$if(after !== undefined, (query) => query.where('definition.definitionKey', '>', after ?? ''))
    .orderBy('definition.definitionKey')
    .limit(limit)
    .execute();
}

/** The newest first. */
export function listDefinitionVersions(
  { trx }: Pick<Work, 'trx'>,
  { key, limit, before }: { key: string; limit: number; before?: number | undefined },
): Promise<DefinitionVersion[]> {
  return trx
    .selectFrom('thirdPartyDefinitionVersions')
    .select(VERSION)
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('definitionKey', '=', key)
    .$if(before !== undefined, (query) => query.where('version', '<', before ?? 0))
    .orderBy('version', 'desc')
    .limit(limit)
    .execute();
}

/**
 * All definitions by key, with the rollout that is under way and why it is paused: at most `limit`, after the
 * key `after`.
 */
export function listDefinitionHeads(
  { trx }: Pick<Work, 'trx'>,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<
  (DefinitionRow & { rolloutId: string | null; pausedBecause: DefinitionRolloutsTable['pausedBecause'] })[]
> {
  return trx
    .selectFrom('thirdPartyDefinitions as definition')
    .leftJoin('definitionRollouts as rollout', (join) =>
      join
        .onRef('rollout.tenantId', '=', 'definition.tenantId')
        .onRef('rollout.definitionKey', '=', 'definition.definitionKey')
        .on('rollout.finishedAt', 'is', null),
    )
    .select(HEAD.map((column) => `definition.${column}` as const))
    .select(['rollout.rolloutId', 'rollout.pausedBecause'])
    .where('definition.tenantId', '=', PLATFORM_TENANT_ID)
    .$if(after !== undefined, (query) => query.where('definition.definitionKey', '>', after ?? ''))
    .orderBy('definition.definitionKey')
    .limit(limit)
    .execute();
}

/**
 * Adds a version, which no integration uses yet. A document that some version of the key has already adds
 * none.
 */
export async function addDefinitionVersion(
  work: TenantWork,
  { key, document, rules, origin, createdBy }: NewDefinition,
): Promise<{ version: DefinitionVersion; isNew: boolean }> {
  const { trx, now } = work;
  const hash = createHash('sha256').update(canonicalJson(document)).digest('hex');
  await trx
    .insertInto('thirdPartyDefinitions')
    .values({
      tenantId: PLATFORM_TENANT_ID,
      definitionKey: key,
      currentVersion: null,
      latestVersion: 0,
      createdAt: now,
      updatedAt: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const head = await findDefinition(work, { key, forUpdate: true });
  if (head === undefined) throw new Error(`The definition ${key} was not inserted.`);
  const known = await trx
    .selectFrom('thirdPartyDefinitionVersions')
    .select(VERSION)
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('definitionKey', '=', key)
    .where('hash', '=', hash)
    .executeTakeFirst();
  if (known !== undefined) return { version: known, isNew: false };
  const version = await trx
    .insertInto('thirdPartyDefinitionVersions')
    .values({
      tenantId: PLATFORM_TENANT_ID,
      definitionKey: key,
      version: head.latestVersion + 1,
      document: JSON.stringify(document),
      rules: JSON.stringify(rules),
      hash,
      origin,
      createdBy,
      createdAt: now,
    })
    .returning(VERSION)
    .executeTakeFirstOrThrow();
  await updateDefinition(work, { key, change: { latestVersion: version.version } });
  return { version, isNew: true };
}

/** New integrations use this version from now on. */
export const setCurrentVersion = (
  work: TenantWork,
  { key, version }: { key: string; version: number },
): Promise<void> => updateDefinition(work, { key, change: { currentVersion: version } });

async function updateDefinition(
  { trx, now }: TenantWork,
  { key, change }: { key: string; change: { currentVersion: number } | { latestVersion: number } },
): Promise<void> {
  await trx
    .updateTable('thirdPartyDefinitions')
    .set({ ...change, updatedAt: now })
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('definitionKey', '=', key)
    .execute();
}

export interface UsingIntegration {
  tenantId: string;
  integrationId: string;
  definitionVersion: number;
}

/** The integrations of all tenants that use a definition, by tenant and id, at most `limit` after `after`. */
export async function listUsingIntegrations(
  { trx }: Pick<Work, 'trx'>,
  {
    key,
    version,
    limit,
    after,
  }: {
    key: string;
    version?: number | undefined;
    limit: number;
    after?: { tenantId: string; integrationId: string } | undefined;
  },
): Promise<UsingIntegration[]> {
  return trx
    .selectFrom('integrations')
    .select(['tenantId', 'integrationId'])
    .select(({ ref }) => ref('definitionVersion').$castTo<number>().as('definitionVersion'))
    .where('definitionKey', '=', key)
    .where('deletedAt', 'is', null)
    .$if(version !== undefined, (query) => query.where('definitionVersion', '=', version ?? 0))
    .$if(after !== undefined, (query) =>
      query.where(({ refTuple, tuple, eb }) =>
        eb(
          refTuple('tenantId', 'integrationId'),
          '>',
          tuple(after?.tenantId ?? '', after?.integrationId ?? ''),
        ),
      ),
    )
    .orderBy('tenantId')
    .orderBy('integrationId')
    .limit(limit)
    .execute();
}
