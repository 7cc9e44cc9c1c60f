/**
 * Fills canonical_email where it is missing or of another address: for people of an earlier version, and for
 * people whom a process of that version added or changed during an upgrade.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { toTypeId } from './sql/ids';
import { canonicalEmail, isWrittenPlainly } from './tenants/email-address';

interface Row {
  tenantId: string;
  personId: string;
  email: string;
}

/**
 * If several people have one address, it belongs to the person whose address is written plainly, or to the
 * oldest one.
 * @returns one message for each of the others, which stay without a canonical address.
 */
export async function fillCanonicalEmails(db: Kysely<unknown>, schema: string): Promise<string[]> {
  // The owner of the table sees no row. With another role, `$user` in the search path is another schema.
  await sql`set local role syncline_platform`.execute(db);
  const people = sql.id(schema, 'people');
  await clearFormerAddresses(db, people);
  const missing = await withoutCanonicalEmail(db, people);
  const plainFirst = [
    ...missing.filter(({ email }) => isWrittenPlainly(email)),
    ...missing.filter(({ email }) => !isWrittenPlainly(email)),
  ];
  const owners = new Map<string, Row>();
  for (const row of plainFirst) {
    const address = canonicalEmail(row.email);
    if (!owners.has(address)) owners.set(address, row);
  }
  await sql`
    update ${people} person set canonical_email = owner.address
      from unnest(${[...owners.values()].map(({ tenantId }) => tenantId)}::uuid[],
                  ${[...owners.values()].map(({ personId }) => personId)}::uuid[],
                  ${[...owners.keys()]}::text[]) as owner (tenant_id, person_id, address)
     where person.tenant_id = owner.tenant_id and person.person_id = owner.person_id
       and not exists (select from ${people} other where other.canonical_email = owner.address)`.execute(db);
  const messages: string[] = [];
  for (const row of await withoutCanonicalEmail(db, people))
    messages.push(...(await describeCollision(db, people, row)));
  await sql`reset role`.execute(db);
  return messages;
}

/** A process of an earlier version changes the address only. */
async function clearFormerAddresses(db: Kysely<unknown>, people: RawBuilder<unknown>): Promise<void> {
  const { rows } = await sql<Row & { canonicalEmail: string }>`
    select tenant_id as "tenantId", person_id as "personId", email, canonical_email as "canonicalEmail"
      from ${people} where canonical_email is not null`.execute(db);
  for (const { tenantId, personId, email, canonicalEmail: stored } of rows)
    if (stored !== canonicalEmail(email))
      await sql`update ${people} set canonical_email = null
        where tenant_id = ${tenantId} and person_id = ${personId} and email = ${email}`.execute(db);
}

/** In the order of creation. */
async function withoutCanonicalEmail(db: Kysely<unknown>, people: RawBuilder<unknown>): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select tenant_id as "tenantId", person_id as "personId", email from ${people}
     where canonical_email is null order by person_id`.execute(db);
  return rows;
}

async function describeCollision(
  db: Kysely<unknown>,
  people: RawBuilder<unknown>,
  { tenantId, personId, email }: Row,
): Promise<string[]> {
  const { rows } = await sql<Row>`
    select tenant_id as "tenantId", person_id as "personId", email from ${people}
     where canonical_email = ${canonicalEmail(email)}`.execute(db);
  const [owner] = rows;
  if (owner === undefined) return []; // added since by an earlier version: the next run fills it
  const name = (person: Row) => `${toTypeId('psn', person.personId)} of ${toTypeId('ten', person.tenantId)}`;
  return [
    `The e-mail address of ${name({ tenantId, personId, email })} is that of ${name(owner)} in another ` +
      'notation, so that person cannot sign in until an admin gives them another address ' +
      '(PATCH /v1/people/{person_id}).',
  ];
}
