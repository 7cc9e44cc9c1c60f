/** When each field of a record was last changed (rules.md 55). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // The content is `FieldVersions` of domain/records/field-versions.ts. null: the record's version and
  // occurred_at are those of each field. Records that exist already have null, so no row is rewritten.
  await sql.raw('alter table records add column field_versions jsonb').execute(db);
}
