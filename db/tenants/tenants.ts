/** Tenants. Only the platform key creates, lists and changes them. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork, Work } from '../database';
import type { TenantsTable } from '../tables/tenants';

export type Tenant = Selectable<TenantsTable>;
export type TenantSettings = Pick<Tenant, 'name' | 'timeZone' | 'contactEmail'>;
/**
 * Settings that can be changed later. The policy of COMPANY_SYNCHRONIZED applies from the next link on
 * (rules.md 42).
 */
export type TenantChange = Partial<
  TenantSettings & Pick<Tenant, 'companySynchronizedPolicy' | 'integrationsMax' | 'recordsPerTypeMax'>
>;

/** The caller creates the id and opens the tenant's transaction with it. Undefined = the id is taken. */
export async function createTenant(
  { trx, tenantId, now }: TenantWork,
  { name, timeZone, contactEmail }: TenantSettings,
): Promise<Tenant | undefined> {
  return trx
    .insertInto('tenants')
    .values({ tenantId, name, timeZone, contactEmail, createdAt: now, updatedAt: now })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
}

export async function findTenant(
  { trx, tenantId }: TenantWork,
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<Tenant | undefined> {
  return trx
    .selectFrom('tenants')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .$if(forUpdate, (query) => query.forNoKeyUpdate())
    .executeTakeFirst();
}

/** Locks the row until this transaction ends. */
export const lockTenant = (work: TenantWork): Promise<Tenant | undefined> =>
  findTenant(work, { forUpdate: true });

/** See `changeTenant` in db/sync-runs, which also moves the schedules. */
export async function updateTenant(
  { trx, tenantId, now }: TenantWork,
  change: TenantChange,
): Promise<Tenant> {
  return trx
    .updateTable('tenants')
    .set((eb) => ({ ...change, version: eb('version', '+', 1), updatedAt: now }))
    .where('tenantId', '=', tenantId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** All tenants in the order of creation. Needs the platform role. */
export async function listTenants(
  { trx }: Work,
  {
    limit,
    after,
    search,
  }: {
    limit: number;
    after?: { createdAt: string; tenantId: string } | undefined;
    /** A part of the name, in any case. */
    search?: string | undefined;
  },
): Promise<Tenant[]> {
  let query = trx.selectFrom('tenants').selectAll();
  if (after !== undefined)
    query = query.where(
      sql<boolean>`(created_at, tenant_id) > (${after.createdAt}::timestamptz, ${after.tenantId}::uuid)`,
    );
  if (search !== undefined) query = query.where(sql<boolean>`strpos(lower(name), lower(${search})) > 0`);
  return query.orderBy('createdAt').orderBy('tenantId').limit(limit).execute();
}
