/** Time zones as the IANA database spells them: Temporal refuses other spellings, such as europe/berlin. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `update tenants set time_zone = zone.name from pg_timezone_names zone
       where lower(zone.name) = lower(tenants.time_zone) and zone.name <> tenants.time_zone`,
    )
    .execute(db);
}
