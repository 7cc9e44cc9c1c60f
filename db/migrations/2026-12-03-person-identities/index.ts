/** Identities of people at OpenID providers, by issuer and subject: an e-mail address may change hands. */
import { type Kysely, sql } from 'kysely';
import { allTenants, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table person_identities (
     tenant_id uuid not null,
     person_id uuid not null,
     issuer text not null,
     subject text not null,
     linked_at timestamptz not null,
     primary key (tenant_id, person_id, issuer),
     foreign key (tenant_id, person_id) references people on delete cascade
   )`,
  // Sign-in knows only the identity, so an identity is unique in the whole installation.
  `create unique index person_identities_by_subject on person_identities (issuer, subject)`,
  ...tenantTable('person_identities', 'select, insert, delete'),
  ...allTenants('syncline_platform', 'person_identities', 'select'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
