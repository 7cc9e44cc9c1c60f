/** API keys. Only their ids and hashes are stored. */
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

/** `too_many`: the tenant has `keysMax` keys that are neither revoked nor expired. */
export async function createApiKey(
  { trx, tenantId, now }: TenantWork,
  key: NewApiKey,
  { keysMax }: { keysMax: number },
): Promise<ApiKey | 'too_many'> {
  // The tenant's row is locked so that two requests cannot both create the last key.
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

/** In the order of creation, revoked and expired keys included. */
export async function listApiKeys(
  { trx, tenantId }: TenantWork,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<ApiKey[]> {
  let query = trx.selectFrom('apiKeys').select(COLUMNS).where('tenantId', '=', tenantId);
  if (after !== undefined) query = query.where('apiKeyId', '>', after);
  return query.orderBy('apiKeyId').limit(limit).execute();
}

/** Revoking a revoked key keeps the first instant. Undefined = there is no such key. */
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

/** Finds a key by its public part; the caller still has to compare the hash. Needs the platform role. */
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

/** Needs the platform role. Call it at most once a minute per key. */
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
