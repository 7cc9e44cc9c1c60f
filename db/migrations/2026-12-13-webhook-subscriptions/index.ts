/**
 * Webhooks that Syncline orders at a third party for a time: what was ordered, until when, and why the last
 * order failed. null = the app does not need an order, or none was made.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table incoming_addresses
         -- The address, encrypted, for orders.
         add column address text,
         add column subscription_ids jsonb,
         add column subscribed_until timestamptz,
         add column subscription_error text`,
    )
    .execute(db);
}
