/**
 * The outbox: what Temporal has to be told, written in the transaction that makes it true. The dispatcher
 * (worker/outbox-dispatcher.ts) turns rows into one signal per lane; a row may be sent twice, never lost.
 */
import { sql } from 'kysely';
import type { TenantWork, Work } from './database';

export const OUTBOX_CHANNEL = 'syncline_outbox';

/** Makes sure the lane of this integration looks again at `wakeAt` (at once when that is past). */
export async function wakeLane({ trx, tenantId }: TenantWork, { integrationId, wakeAt }: { integrationId: string; wakeAt: Date }): Promise<void> {
  await wakeLanes({ trx, tenantId }, new Map([[integrationId, wakeAt]]));
}

export async function wakeLanes({ trx, tenantId }: Pick<TenantWork, 'trx' | 'tenantId'>, wakeAtByIntegration: ReadonlyMap<string, Date>): Promise<void> {
  if (wakeAtByIntegration.size === 0) return;
  await trx
    .insertInto('outbox')
    .values([...wakeAtByIntegration].map(([subjectId, wakeAt]) => ({ tenantId, lane: 'record_push' as const, subjectId, wakeAt, leasedUntil: null })))
    .execute();
  await sql`select pg_notify(${OUTBOX_CHANNEL}, '')`.execute(trx);
}

export interface OutboxRow {
  outboxId: number;
  tenantId: string;
  subjectId: string;
  wakeAt: Date;
}

/** Takes rows for `leaseSeconds`; a dispatcher that dies leaves them to the next one. */
export async function leaseOutboxRows({ trx }: Work, { limit, leaseSeconds }: { limit: number; leaseSeconds: number }): Promise<OutboxRow[]> {
  const { rows } = await sql<OutboxRow>`
    update outbox set leased_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
    where outbox_id in (
      select outbox_id from outbox where leased_until is null or leased_until < clock_timestamp()
      order by outbox_id limit ${limit} for update skip locked)
    returning outbox_id, tenant_id, subject_id, wake_at`.execute(trx);
  return rows;
}

export async function deleteOutboxRows({ trx }: Work, outboxIds: readonly number[]): Promise<void> {
  if (outboxIds.length > 0)
    await trx
      .deleteFrom('outbox')
      .where('outboxId', 'in', [...outboxIds])
      .execute();
}

/** Gives rows back at once after their signal could not be sent. */
export async function releaseOutboxRows({ trx }: Work, outboxIds: readonly number[]): Promise<void> {
  if (outboxIds.length > 0)
    await trx
      .updateTable('outbox')
      .set({ leasedUntil: null })
      .where('outboxId', 'in', [...outboxIds])
      .execute();
}

/** Lanes with work overdue by more than a minute, whatever became of their workflow (ARCHITECTURE.md). */
export async function findForgottenLanes({ trx }: Work, { overdueSince }: { overdueSince: Date }): Promise<{ tenantId: string; integrationId: string }[]> {
  return trx
    .selectFrom('integrations as integration')
    .select(['integration.tenantId', 'integration.integrationId'])
    .where('integration.deletedAt', 'is', null)
    .where('integration.pausedAt', 'is', null)
    .where('integration.needsReauthorizationAt', 'is', null)
    .where(({ eb, or }) => or([eb('integration.blockedUntil', 'is', null), eb('integration.blockedUntil', '<', overdueSince)]))
    .where(({ eb, or, exists, selectFrom }) =>
      or([
        eb('integration.backfillReason', 'is not', null),
        exists(
          selectFrom('recordSyncs as pair')
            .select(sql`1`.as('one'))
            .whereRef('pair.tenantId', '=', 'integration.tenantId')
            .whereRef('pair.integrationId', '=', 'integration.integrationId')
            .where('pair.wakeAt', '<', overdueSince),
        ),
      ]),
    )
    .execute();
}

/** Rows older than these limits have done their work: an hour of stream events, a day of idempotency keys. */
export async function tidyUp({ trx }: Work): Promise<void> {
  await sql`delete from stream_events where created_at < now() - interval '1 hour'`.execute(trx);
  await sql`delete from idempotency_keys where created_at < now() - interval '24 hours'`.execute(trx);
}
