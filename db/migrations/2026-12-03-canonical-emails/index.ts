/** The canonical form of a person's e-mail address. `npm run migrate` fills it at its end. */
import { type Kysely, sql } from 'kysely';

const statements = [
  // Null: another person has the address in another notation, and only that person signs in with it.
  `alter table people add column canonical_email text`,
  `create unique index people_by_canonical_email on people (canonical_email)`,
  `grant select (canonical_email), update (canonical_email) on people to syncline_platform`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
