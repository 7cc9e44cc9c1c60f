import { sql } from 'kysely';
import type { TenantWork, Work } from './database';
import { PLATFORM_TENANT_ID } from './tables/tenants';

/**
 * What a transaction of the platform itself does with rows of all tenants, with the rights of `withPlatform`
 * or `withDispatcher`. A second transaction would need a second connection: if all connections are in use,
 * requests would wait for each other until a timeout. An error in `run` must end the transaction.
 */
export async function acrossTenants<T>(
  { trx, now, tenantId }: TenantWork,
  role: 'platform' | 'dispatcher',
  run: (work: Work) => Promise<T>,
): Promise<T> {
  if (tenantId !== PLATFORM_TENANT_ID) throw new Error('Only the platform works with rows of all tenants.');
  await sql`set local role ${sql.ref(`syncline_${role}`)}`.execute(trx);
  const result = await run({ trx, now });
  await sql`set local role syncline_app`.execute(trx);
  return result;
}
