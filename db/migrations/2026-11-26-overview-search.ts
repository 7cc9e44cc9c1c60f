/** Searching an overview of a hundred thousand changes reads one column that is ready for it; looking at one kind of change reads no other. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Both ids and the values that would change, without the names of their fields.
  `alter table overview_items add column search_text text generated always as (lower(
     coalesce(external_id, '') || E'\\n' || coalesce(remote_id, '') || E'\\n' ||
     coalesce(jsonb_path_query_array(before, '$.*')::text, '') || E'\\n' || coalesce(jsonb_path_query_array(after, '$.*')::text, ''))) stored`,
  `create index overview_items_by_action on overview_items (tenant_id, overview_id, action, overview_item_id)`,
];
