/**
 * Records how attempts ended: the deliveries, the log of attempts and the endpoint's health, in one
 * transaction.
 *
 * Only rows still held by this claim are changed. A worker that has lost its lease changes nothing, and its
 * attempt is not counted.
 */
import { sql } from 'kysely';
import type { EndpointHealth } from '../../domain/webhooks/endpoint-health';
import type { Work } from '../database';
import { idList, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { recordFailures, recordSuccess } from './endpoint-health';
import type { DeliveringEndpoint } from './endpoint-queue';
import type { AttemptLog, FinishedDelivery } from './finished-delivery';

export interface DeliveryResults {
  endpoint: Pick<DeliveringEndpoint, 'endpointId' | 'tenantId'>;
  claimId: string;
  finished: readonly FinishedDelivery[];
  now: Date;
}

/** @returns the endpoint's health if no attempt succeeded, else null. */
export async function recordDeliveryAttempts(
  work: Pick<Work, 'trx'>,
  { endpoint, claimId, finished, now }: DeliveryResults,
): Promise<EndpointHealth | null> {
  const delivered = finished.filter(({ outcome }) => outcome.kind === 'delivered');
  // Several statements would lock them in another order than a renewal of the lease, and could deadlock.
  const isOneStatement = delivered.length === finished.length && statusesOf(finished).size === 1;
  const held = await lockHeld(work, claimId, isOneStatement ? [] : finished);
  for (const id of await writeDelivered(work, { endpoint, claimId, finished: delivered, now })) held.add(id);
  const mine = finished
    .filter(({ delivery }) => held.has(delivery.deliveryId))
    .map((one) => ({ ...one, attempt: storable(one.attempt) }));
  if (mine.length === 0) return null;
  const failed = mine.filter(({ outcome }) => outcome.kind !== 'delivered');
  // Before the log is written, because the earlier failures of a message are read from it.
  if (failed.length < mine.length) await recordSuccess(work, endpoint);
  const health =
    failed.length < mine.length ? null : await recordFailures(work, { endpoint, failures: failed });
  if (failed.length > 0) await writeDeliveries(work, endpoint.endpointId, failed, now);
  await logAttempts(work, mine);
  return health;
}

/** Only these fields hold texts that the receiver sent. */
const storable = (attempt: AttemptLog): AttemptLog => ({
  ...attempt,
  error: sanitizeForPostgres(attempt.error),
  responseHeaders: sanitizeForPostgres(attempt.responseHeaders),
  responseBody: sanitizeForPostgres(attempt.responseBody),
});

const statusesOf = (finished: readonly FinishedDelivery[]): ReadonlySet<number | null> =>
  new Set(finished.map(({ attempt }) => attempt.status));

/**
 * Nearly all deliveries succeed at the first attempt. They are written by their ids, in one statement for
 * each status. The first and last id limit the partitions that PostgreSQL reads. @returns the ids that the
 * claim still held.
 */
async function writeDelivered(
  { trx }: Pick<Work, 'trx'>,
  { endpoint, claimId, finished, now }: DeliveryResults,
): Promise<string[]> {
  const held: string[] = [];
  for (const status of statusesOf(finished)) {
    const ids = finished
      .filter(({ attempt }) => attempt.status === status)
      .map(({ delivery }) => delivery.deliveryId)
      .toSorted();
    const { rows } = await sql<{ deliveryId: string }>`
      update webhook_deliveries set state = 'delivered', attempts = attempts + 1, next_attempt_at = null,
        last_status = ${status}, last_error = null, finished_at = ${now}, claim_id = null, lease_until = null
      where webhook_endpoint_id = ${opaqueToPlanner(endpoint.endpointId)}
        and webhook_delivery_id = any(${idList(ids)}) and claim_id = ${claimId}
        and webhook_delivery_id between ${ids[0]}::uuid and ${ids.at(-1)}::uuid
      returning webhook_delivery_id as delivery_id`.execute(trx);
    held.push(...rows.map(({ deliveryId }) => deliveryId));
  }
  return held;
}

async function lockHeld(
  { trx }: Pick<Work, 'trx'>,
  claimId: string,
  finished: readonly FinishedDelivery[],
): Promise<Set<string>> {
  if (finished.length === 0) return new Set();
  const keys = finished
    .map(({ delivery }) => ({ tenant_id: delivery.tenantId, delivery_id: delivery.deliveryId }))
    .toSorted(byDeliveryId);
  const { rows } = await sql<{ deliveryId: string }>`
    select held.webhook_delivery_id as delivery_id from ${rowsFrom(keys, 'tenant_id uuid, delivery_id uuid')}
    cross join lateral (
      select webhook_delivery_id from webhook_deliveries
      where tenant_id = row.tenant_id and webhook_delivery_id = row.delivery_id
        and claim_id = ${claimId} for update) held`.execute(trx);
  return new Set(rows.map(({ deliveryId }) => deliveryId));
}

const byDeliveryId = (a: { delivery_id: string }, b: { delivery_id: string }): number =>
  a.delivery_id < b.delivery_id ? -1 : 1;

async function writeDeliveries(
  { trx }: Pick<Work, 'trx'>,
  endpointId: string,
  finished: readonly FinishedDelivery[],
  now: Date,
): Promise<void> {
  const rows = finished.map(({ delivery, attempt, outcome }) => ({
    tenant_id: delivery.tenantId,
    delivery_id: delivery.deliveryId,
    event_id: delivery.eventId,
    created_at: delivery.createdAt,
    state: outcome.kind,
    attempts: delivery.attempts + 1,
    next_attempt_at: outcome.kind === 'retrying' ? outcome.nextAttemptAt : null,
    last_status: attempt.status,
    last_error: attempt.error,
    finished_at: outcome.kind === 'delivered' || outcome.kind === 'failed' ? now : null,
  }));
  const columns = `tenant_id uuid, delivery_id uuid, event_id uuid, created_at timestamptz, state text, attempts int,
      next_attempt_at timestamptz, last_status int, last_error text, finished_at timestamptz`;
  // An update written as an insert, so that each row is found by its key (db/sql/bulk-rows.ts).
  await sql`
    insert into webhook_deliveries as delivery (tenant_id, webhook_delivery_id, webhook_endpoint_id,
      event_id, trigger, created_at, state, attempts, next_attempt_at, last_status, last_error, finished_at)
    select tenant_id, delivery_id, ${endpointId}::uuid, event_id, 'event', created_at, state, attempts,
      next_attempt_at, last_status, last_error, finished_at from ${rowsFrom(rows, columns)}
    on conflict (tenant_id, webhook_delivery_id) do update set
      state = excluded.state, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at,
        last_status = excluded.last_status,
      last_error = excluded.last_error, finished_at = excluded.finished_at, claim_id = null,
        lease_until = null`.execute(trx);
}

async function logAttempts({ trx }: Pick<Work, 'trx'>, finished: readonly FinishedDelivery[]): Promise<void> {
  const rows = finished.map(({ delivery, attempt }) => ({
    tenant_id: delivery.tenantId,
    delivery_id: delivery.deliveryId,
    attempt: delivery.attempts + 1,
    at: attempt.at,
    duration_ms: attempt.durationMs,
    status: attempt.status,
    error: attempt.error,
    request_headers: attempt.requestHeaders,
    response_headers: attempt.responseHeaders,
    response_body: attempt.responseBody,
  }));
  const columns = `tenant_id uuid, delivery_id uuid, attempt int, at timestamptz, duration_ms int, status int, error
      text, request_headers jsonb, response_headers jsonb, response_body text`;
  await sql`
    insert into webhook_attempts (tenant_id, webhook_delivery_id, attempt, at, duration_ms, status, error,
      request_headers, response_headers, response_body)
    select tenant_id, delivery_id, attempt, at, duration_ms, status, error, request_headers,
      response_headers, response_body from ${rowsFrom(rows, columns)}
    on conflict do nothing`.execute(trx);
}
