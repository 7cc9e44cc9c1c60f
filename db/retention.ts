/** Deletes what is kept for a limited time only. */
import { sql } from 'kysely';
import type { Work } from './database';
import { deleteOldEvents } from './webhooks/event-feed';

/**
 * Stream events and trials after an hour, idempotency keys after a day, events with their deliveries after 30
 * days.
 */
export async function purgeExpired(work: Work): Promise<void> {
  const { trx } = work;
  await sql`delete from stream_events where created_at < now() - interval '1 hour'`.execute(trx);
  await sql`delete from integration_trials where created_at < now() - interval '1 hour'`.execute(trx);
  await sql`delete from idempotency_keys where created_at < now() - interval '24 hours'`.execute(trx);
  await deleteOldEvents(work);
}
