/** Reads integrations; integration-lifecycle.ts writes them. Deleted integrations are never found. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import type { IntegrationsTable } from '../tables/integrations';

const COLUMNS = [
  'integrationId',
  'connector',
  'app',
  'accountName',
  'config',
  'recordTypes',
  'typeSettings',
  'mappingVersion',
  'definitionKey',
  'definitionVersion',
  'definitionSignIn',
  'definitionParameters',
  'definitionChosenIn',
  'mappingChangedBy',
  'credentialsUpdatedAt',
  'gracePeriodMs',
  'maxWaitMs',
  'initialPush',
  'companySynchronizedPolicy',
  'pausedAt',
  'needsReauthorizationAt',
  'blockedUntil',
  'blockedReason',
  'blockedDetail',
  'outageSince',
  'retryClockStoppedMs',
  'isWriteOutage',
  'givenUpProbeAt',
  'liftRetriesAfter',
  'lastCheck',
  'onboardingStartedAt',
  'onboardedAt',
  'onboardingFailedAt',
  'unverifiedTypes',
  'isHourlySyncOn',
  'nightlySyncAt',
  'backfillReason',
  'version',
  'createdAt',
  'updatedAt',
] as const;

/**
 * An integration without its credentials. Only code that opens them reads them (`findEncryptedCredentials`).
 */
export type Integration = Pick<Selectable<IntegrationsTable>, (typeof COLUMNS)[number]>;

type TenantQuery = Pick<TenantWork, 'trx' | 'tenantId'>;

export async function findIntegration(
  { trx, tenantId }: TenantQuery,
  { integrationId, forUpdate = false }: { integrationId: string; forUpdate?: boolean },
): Promise<Integration | undefined> {
  return trx
    .selectFrom('integrations')
    .select(COLUMNS)
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('deletedAt', 'is', null)
    .$if(forUpdate, (query) => query.forNoKeyUpdate())
    .executeTakeFirst();
}

/** Locks the row until this transaction ends, so that a decision based on it stays valid. */
export const lockIntegration = (
  work: TenantQuery,
  { integrationId }: { integrationId: string },
): Promise<Integration | undefined> => findIntegration(work, { integrationId, forUpdate: true });

/** In the order of creation, at most `limit`, after `after` (an integration id). */
export async function listIntegrations(
  { trx, tenantId }: TenantQuery,
  {
    limit,
    after,
    isOnboarding = false,
    isPulling = false,
    recordType,
  }: {
    limit: number;
    after?: string | undefined;
    /** Only those whose onboarding is in progress or has failed. */
    isOnboarding?: boolean;
    /** Only those that pull a record type. */
    isPulling?: boolean;
    /** Only those that map it, and these. */
    recordType?: { name: string; or: readonly string[] };
  },
): Promise<Integration[]> {
  let query = trx
    .selectFrom('integrations')
    .select(COLUMNS)
    .where('tenantId', '=', tenantId)
    .where('deletedAt', 'is', null);
  if (after !== undefined) query = query.where('integrationId', '>', after);
  if (isOnboarding)
    query = query.where('onboardingStartedAt', 'is not', null).where('onboardedAt', 'is', null);
  if (isPulling)
    query = query.where(
      sql<boolean>`jsonb_path_exists(record_types, '$.* ? (@.direction == "pull" || @.direction == "both")')`,
    );
  if (recordType !== undefined)
    query = query.where(
      sql<boolean>`(record_types ? ${recordType.name} or integration_id = any(${[...recordType.or]}::uuid[]))`,
    );
  return query.orderBy('integrationId').limit(limit).execute();
}

export async function countIntegrations({ trx, tenantId }: TenantQuery): Promise<number> {
  const { count } = await trx
    .selectFrom('integrations')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenantId', '=', tenantId)
    .where('deletedAt', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** The encrypted text of `sealed-credentials.ts`; null if no credentials were given yet. */
export async function findEncryptedCredentials(
  { trx, tenantId }: TenantQuery,
  { integrationId }: { integrationId: string },
): Promise<string | null> {
  const row = await trx
    .selectFrom('integrations')
    .select('credentials')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .executeTakeFirst();
  return row?.credentials ?? null;
}
