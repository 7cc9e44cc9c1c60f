/**
 * Subscriptions of Syncline to webhooks of a third party: their ids, when they end, and why the last attempt
 * failed. null = the app needs no subscription, or there is none yet.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table incoming_addresses
         -- The address, encrypted, for subscriptions.
         add column address text,
         add column subscription_ids jsonb,
         add column subscribed_until timestamptz,
         add column subscription_error text`,
    )
    .execute(db);
}
