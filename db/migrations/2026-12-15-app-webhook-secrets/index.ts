/**
 * The secret with which a provider signs the webhooks of an app, if each integration has its own address.
 * Encrypted for the owner of the app; null = each integration has a secret of its own.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table oauth_apps add column webhook_secret text`.execute(db);
}
