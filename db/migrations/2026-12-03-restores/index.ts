/** A restore from a backup is detected, and all records are compared with their apps. */
import { type Kysely, sql } from 'kysely';
import { allTenants, protect } from '../2026-11-28-baseline/access';

const statements = [
  // One row, made by the first worker: databases that are copies of one template are different installations.
  `create table installations (
     installation_id uuid primary key,
     -- Only grows, and Temporal has a copy: a database behind the copy was restored.
     marked_at timestamptz not null,
     -- Of the server that ran the database then; null = not known.
     server text
   )`,
  `create unique index installations_is_one_row on installations ((true))`,
  ...protect('installations'),
  ...allTenants('syncline_dispatcher', 'installations', 'select', 'insert', 'update'),
  // Record types of which the records may be older than in the app, and since when.
  `alter table integrations add column unverified_types jsonb not null default '{}'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
