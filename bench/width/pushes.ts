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
  const ids = tenants.map(({ integrationId }) => integrationId);
  await until('all are pushed', 300_000, async () => {
    const { rows } = await pool.query<{ is_done: boolean }>(
      `select not exists (
         select from record_syncs where integration_id = any($1) and status is distinct from 'synced'
       ) as is_done`,
      [ids],
    );
    return rows[0]?.is_done === true ? true : undefined;
  });
  return (count / (performance.now() - startedAt)) * 1_000;
}
