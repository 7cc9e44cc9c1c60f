/** API keys: their ids and hashes only; a key itself is nowhere kept. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork, Work } from '../database';
import type { ApiKeyRole, ApiKeysTable } from '../tables/tenants';

/** A key without its hash. */
export type ApiKey = Omit<Selectable<ApiKeysTable>, 'secretHash' | 'tenantId'>;
const COLUMNS = [
  'apiKeyId',
  'publicId',
  'name',
  'role',
  'createdBy',
  'createdAt',
  'expiresAt',
  'revokedAt',
  'lastUsedAt',
] as const;

export interface NewApiKey {
  apiKeyId: string;
  publicId: string;
  /** SHA-256 of the whole key. */
  secretHash: Buffer;
  name: string;
  role: ApiKeyRole;
  createdBy: string;
  expiresAt: Date;
}

/** Answers `too_many` when the tenant already has `keysMax` keys that are neither revoked nor expired. */
export async function createApiKey(
  { trx, tenantId, now }: TenantWork,
  key: NewApiKey,
  { keysMax }: { keysMax: number },
): Promise<ApiKey | 'too_many'> {
  // The tenant's row is locked so that two requests cannot both take the last place.
  await trx
    .selectFrom('tenants')
    .select('tenantId')
    .where('tenantId', '=', tenantId)
    .forNoKeyUpdate()
    .execute();
  const { live } = await trx
    .selectFrom('apiKeys')
    .select(({ fn }) => fn.countAll<number>().as('live'))
    .where('tenantId', '=', tenantId)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', now)
    .executeTakeFirstOrThrow();
  if (live >= keysMax) return 'too_many';
  return trx
    .insertInto('apiKeys')
    .values({ ...key, tenantId, createdAt: now, revokedAt: null, lastUsedAt: null })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}

/** Revoked and expired ones included, in the order they were made. */
export async function listApiKeys(
  { trx, tenantId }: TenantWork,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<ApiKey[]> {
  let query = trx.selectFrom('apiKeys').select(COLUMNS).where('tenantId', '=', tenantId);
  if (after !== undefined) query = query.where('apiKeyId', '>', after);
  return query.orderBy('apiKeyId').limit(limit).execute();
}

/** Revoking twice is revoking once: the first instant stays. Undefined when there is no such key. */
export async function revokeApiKey(
  { trx, tenantId, now }: TenantWork,
  { apiKeyId }: { apiKeyId: string },
): Promise<ApiKey | undefined> {
  return trx
    .updateTable('apiKeys')
    .set({ revokedAt: sql`coalesce(revoked_at, ${now})` })
    .where('tenantId', '=', tenantId)
    .where('apiKeyId', '=', apiKeyId)
    .returning(COLUMNS)
    .executeTakeFirst();
}

export interface PresentedKey {
  tenantId: string;
  apiKeyId: string;
  secretHash: Buffer;
  name: string;
  role: ApiKeyRole;
  expiresAt: Date;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

/** Who could be meant by a key with this public part; to be called as the platform. The hash still has to be compared. */
export async function findPresentedKeys(
  { trx }: Work,
  { publicId }: { publicId: string },
): Promise<PresentedKey[]> {
  return trx
    .selectFrom('apiKeys')
    .select(['tenantId', 'apiKeyId', 'secretHash', 'name', 'role', 'expiresAt', 'revokedAt', 'lastUsedAt'])
    .where('publicId', '=', publicId)
    .execute();
}

/** To be called as the platform, at most once a minute per key. */
export async function touchApiKey(
  { trx, now }: Work,
  { tenantId, apiKeyId }: { tenantId: string; apiKeyId: string },
): Promise<void> {
  await trx
    .updateTable('apiKeys')
    .set({ lastUsedAt: now })
    .where('tenantId', '=', tenantId)
    .where('apiKeyId', '=', apiKeyId)
    .execute();
}
