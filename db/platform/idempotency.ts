/**
 * A POST with an Idempotency-Key has one effect however often it is sent: its response is stored for 24
 * hours, in the transaction that had the effect. A failed request had no effect and stores no response.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';

const IDEMPOTENCY_HOURS = 24;

export type IdempotencyClaim =
  | { kind: 'first' }
  | { kind: 'answered'; status: number; response: unknown }
  /** Another transaction is processing this key now. */
  | { kind: 'in_flight' }
  /** The key was used for a request with another fingerprint. */
  | { kind: 'other_request' };

/** Holds the key until the end of the transaction. `fingerprint`: SHA-256 of method, path and body. */
export async function claimIdempotencyKey(
  { trx, tenantId, now }: TenantWork,
  { key, fingerprint }: { key: string; fingerprint: Buffer },
): Promise<IdempotencyClaim> {
  const lock = sql<{
    isMine: boolean;
  }>`select pg_try_advisory_xact_lock(hashtextextended(${`idempotency ${tenantId} ${key}`}, 0)) as "isMine"`;
  const { rows } = await lock.execute(trx);
  if (rows[0]?.isMine !== true) return { kind: 'in_flight' };
  const keptSince = new Date(now.getTime() - IDEMPOTENCY_HOURS * 3_600_000);
  const stored = await trx
    .selectFrom('idempotencyKeys')
    .select(['fingerprint', 'status', 'response'])
    .where('tenantId', '=', tenantId)
    .where('idempotencyKey', '=', key)
    .where('createdAt', '>', keptSince)
    .executeTakeFirst();
  if (stored === undefined) return { kind: 'first' };
  if (!stored.fingerprint.equals(fingerprint)) return { kind: 'other_request' };
  return { kind: 'answered', status: stored.status, response: stored.response };
}

/** Stores the response. A response older than 24 hours that has not been purged yet is replaced. */
export async function storeIdempotentAnswer(
  { trx, tenantId, now }: TenantWork,
  {
    key,
    fingerprint,
    status,
    response,
  }: { key: string; fingerprint: Buffer; status: number; response: unknown },
): Promise<void> {
  const row = { fingerprint, status, response: JSON.stringify(response), createdAt: now };
  await trx
    .insertInto('idempotencyKeys')
    .values({ tenantId, idempotencyKey: key, ...row })
    .onConflict((conflict) => conflict.columns(['tenantId', 'idempotencyKey']).doUpdateSet(row))
    .execute();
}
