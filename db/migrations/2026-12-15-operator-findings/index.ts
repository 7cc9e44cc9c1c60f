/**
 * The present problems of the installation, as its processes find them, and what operators were told about
 * them by e-mail.
 */
import { type Kysely, sql } from 'kysely';
import { allTenants, protect } from '../2026-11-28-baseline/access';

const statements = [
  `create table operator_findings (
     finding text primary key,
     detail text not null,
     appeared_at timestamptz not null,
     -- When a process found it last, or will look for it again if that is later.
     seen_at timestamptz not null,
     -- null: it lasts.
     ended_at timestamptz,
     -- The last e-mail about it, and what it said.
     told text check (told in ('appeared', 'over')),
     told_at timestamptz
   )`,
  ...protect('operator_findings'),
  ...allTenants('syncline_dispatcher', 'operator_findings', 'select', 'insert', 'update', 'delete'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
