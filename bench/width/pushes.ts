/** The time in which what is due at paused integrations is pushed once they are resumed. */
import type { Pool } from 'pg';
import { employees } from '../employees';
import { until } from '../measure';
import { linkTenant, type LinkedTenant, type Product } from '../product';
import { acceptThroughApi } from '../push/acceptance';

export interface Around {
  product: Product;
  pool: Pool;
}

export interface Pushes {
  integration: Omit<Parameters<typeof linkTenant>[1], 'graceMs'>;
  /** The number of integrations, each of a tenant of its own. */
  integrations: number;
  /** The number of pushes of all integrations together. */
  count: number;
}

/** @returns pushes per second, from the first resume to the last result */
export async function timePushes({ product, pool }: Around, pushes: Pushes): Promise<number> {
  const { integration, integrations, count } = pushes;
  const tenants: LinkedTenant[] = [];
  for (let index = 0; index < integrations; index += 1) {
    const tenant = await linkTenant(product, { graceMs: 1, ...integration });
    await tenant.call(`/integrations/${tenant.integration}/pause`, {});
    await acceptThroughApi(product, tenant, employees(count / integrations));
    tenants.push(tenant);
  }
  const startedAt = performance.now();
  for (const tenant of tenants) await tenant.call(`/integrations/${tenant.integration}/resume`, {});
  const idsOf = (name: 'tenantId' | 'integrationId') => tenants.map((tenant) => tenant[name]);
  const ids = [idsOf('tenantId'), idsOf('integrationId')];
  // By an index, because PostgreSQL shares the processors with the workers.
  await until('all are pushed', 600_000, async () => {
    const { rows } = await pool.query(
      `select from record_syncs where tenant_id = any($1) and integration_id = any($2) and
         status = any('{sync_pending,syncing,sync_failed}') limit 1`,
      ids,
    );
    return rows.length === 0 ? true : undefined;
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const { rows } = await pool.query<{ synced: number }>(
    `select count(*)::int as synced from record_syncs
     where tenant_id = any($1) and integration_id = any($2) and status = 'synced'`,
    ids,
  );
  if (rows[0]?.synced !== count) throw new Error(`${rows[0]?.synced} of ${count} records are synced.`);
  return count / seconds;
}
