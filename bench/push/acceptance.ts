/** Changes through `POST /v1/records/batch`, and what became of them in the tables. */
import type { Pool } from 'pg';
import { type Employee, inBatches } from '../employees';
import { eachOf } from '../measure';
import type { LinkedTenant, Product } from '../product';

export const BATCH = 500;
export const REQUESTS_AT_ONCE = 4;

export interface Acceptance {
  /** Milliseconds since 1970: before the first request. */
  startedAt: number;
  perSecond: number;
}

/**
 * Bodies are made beforehand: the clock runs for the service, not for its client. Throws when a change is not
 * accepted.
 */
export async function acceptThroughApi(
  product: Product,
  tenant: LinkedTenant,
  changes: readonly Employee[],
): Promise<Acceptance> {
  const bodies = inBatches(changes, BATCH).map((records) => JSON.stringify({ records }));
  const startedAt = Date.now();
  await eachOf(bodies, REQUESTS_AT_ONCE, async (body) => {
    const response = await fetch(`${product.url}/v1/records/batch`, {
      method: 'POST',
      headers: tenant.headers,
      body,
    });
    const text = await response.text();
    if (response.status !== 202 || !/"refused":\s*0\b/.test(text))
      throw new Error(`The API answered ${response.status}: ${text.slice(0, 1_000)}`);
  });
  return { startedAt, perSecond: (changes.length / (Date.now() - startedAt)) * 1_000 };
}

/** The due time of the change that is due last. */
export async function lastDueAt(pool: Pool, { integrationId }: LinkedTenant): Promise<number> {
  const { rows } = await pool.query<{ due_at: Date }>(
    'select max(due_at) as due_at from record_syncs where integration_id = $1',
    [integrationId],
  );
  return rows[0]?.due_at.getTime() ?? Number.NaN;
}

/** Throws unless each of `count` records was pushed exactly once, and well. */
export async function checkAllPushedOnce(pool: Pool, integrationId: string, count: number): Promise<void> {
  const { rows } = await pool.query<{ synced: number; pushes: number; succeeded: number }>(
    `select (select count(*)::int from record_syncs where integration_id = $1 and status = 'synced') as synced,
            count(*)::int as pushes, count(*) filter (where result = 'succeeded')::int as succeeded from pushes where integration_id = $1`,
    [integrationId],
  );
  const seen = JSON.stringify(rows[0]);
  if (seen !== JSON.stringify({ synced: count, pushes: count, succeeded: count }))
    throw new Error(`${count} records were to be pushed once each; the tables say ${seen}`);
}
