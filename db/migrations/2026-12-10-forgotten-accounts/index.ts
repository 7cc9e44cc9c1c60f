/**
 * The tokens of a deleted integration go with it, whichever release deletes it: an api of a former one knows
 * neither accounts nor consents. The trigger runs in the role that deletes, under its policies.
 */
import { type Kysely, sql } from 'kysely';

const statements = [
  `create function forget_oauth_account() returns trigger language plpgsql
     set search_path from current as $$ begin
     delete from oauth_accounts where tenant_id = new.tenant_id and integration_id = new.integration_id;
     delete from oauth_consents where tenant_id = new.tenant_id and integration_id = new.integration_id;
     return null;
   end $$`,
  `create trigger forget_oauth_account after update of deleted_at on integrations
     for each row when (old.deleted_at is null and new.deleted_at is not null)
     execute function forget_oauth_account()`,
  ...['oauth_accounts', 'oauth_consents'].map(
    (table) => `delete from ${table} using integrations
      where ${table}.tenant_id = integrations.tenant_id
        and ${table}.integration_id = integrations.integration_id and integrations.deleted_at is not null`,
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
