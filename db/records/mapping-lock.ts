/**
 * Keeps acceptances and mapping changes apart: a record that is being created is not visible yet, so a new
 * integration or mapping could miss it. Acceptances share the lock; linking and editing a mapping take it
 * exclusively.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';

/**
 * Held until the end of the transaction. Take it before reading integrations, but after the lock of an
 * integration's row or of a job: the same order everywhere prevents deadlocks.
 */
export async function lockMappings({ trx, tenantId }: TenantWork, mode: 'shared' | 'alone'): Promise<void> {
  const key = sql`hashtextextended(${`mappings ${tenantId}`}, 0)`;
  if (mode === 'shared') await sql`select pg_advisory_xact_lock_shared(${key})`.execute(trx);
  else await sql`select pg_advisory_xact_lock(${key})`.execute(trx);
}
