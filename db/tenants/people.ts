/** People of a tenant: console users and, among them, the admins who get notifications. */
import { type Selectable, sql } from 'kysely';
import { canonicalEmail } from './email-address';
import type { TenantWork, Work } from '../database';
import type { PeopleTable, PersonRole } from '../tables/tenants';

/** A person without the password hash. */
export type Person = Omit<Selectable<PeopleTable>, 'passwordHash' | 'tenantId' | 'canonicalEmail'> & {
  hasPassword: boolean;
  /** When the mail server refused the current address, and its words. */
  emailRefusedAt: Date | null;
  emailRefusedDetail: string | null;
  /** At OpenID providers. */
  identities: readonly { issuer: string; subject: string; linkedAt: string }[];
};

const COLUMNS = [
  'personId',
  'name',
  'email',
  'role',
  'disabledAt',
  'createdAt',
  'updatedAt',
  'lastSignedInAt',
  'isEmailOn',
  'version',
] as const;
const refusal = sql`from undeliverable_addresses refused where refused.tenant_id = people.tenant_id
  and refused.person_id = people.person_id and refused.email = people.email and confirmed_at is not null`;
const DERIVED = [
  sql<boolean>`password_hash is not null`.as('hasPassword'),
  sql<Date | null>`(select refused_at ${refusal})`.as('emailRefusedAt'),
  sql<string | null>`(select detail ${refusal})`.as('emailRefusedDetail'),
  sql<Person['identities']>`(
    select coalesce(json_agg(json_build_object('issuer', issuer, 'subject', subject, 'linkedAt', linked_at)
                             order by linked_at), '[]')
      from person_identities identity
     where identity.tenant_id = people.tenant_id and identity.person_id = people.person_id
  )`.as('identities'),
] as const;

/** Includes disabled people. */
export async function findPerson(
  { trx, tenantId }: TenantWork,
  { personId, forUpdate = false }: { personId: string; forUpdate?: boolean },
): Promise<Person | undefined> {
  return trx
    .selectFrom('people')
    .select([...COLUMNS, ...DERIVED])
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .$if(forUpdate, (query) => query.forNoKeyUpdate())
    .executeTakeFirst();
}

/** Finds a person of the tenant by e-mail address and locks the row until this transaction ends. */
export async function findPersonByAddress(
  { trx, tenantId }: TenantWork,
  { email }: { email: string },
): Promise<Person | undefined> {
  return trx
    .selectFrom('people')
    .select([...COLUMNS, ...DERIVED])
    .where('tenantId', '=', tenantId)
    .where('canonicalEmail', '=', canonicalEmail(email))
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** In the order of creation, disabled people included. */
export async function listPeople(
  { trx, tenantId }: TenantWork,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<Person[]> {
  let query = trx
    .selectFrom('people')
    .select([...COLUMNS, ...DERIVED])
    .where('tenantId', '=', tenantId);
  if (after !== undefined) query = query.where('personId', '>', after);
  return query.orderBy('personId').limit(limit).execute();
}

export interface NewPerson {
  personId: string;
  name: string;
  email: string;
  role: PersonRole;
}

/** Undefined = the address is in use, in this or another tenant. */
export async function createPerson(
  { trx, tenantId, now }: TenantWork,
  person: NewPerson,
): Promise<Person | undefined> {
  return trx
    .insertInto('people')
    .values({
      ...person,
      ...addressOf(person.email),
      tenantId,
      passwordHash: null,
      disabledAt: null,
      createdAt: now,
      updatedAt: now,
      lastSignedInAt: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning([...COLUMNS, ...DERIVED])
    .executeTakeFirst();
}

const addressOf = (email: string) => ({
  email: email.normalize('NFC'),
  canonicalEmail: canonicalEmail(email),
});

/** Locks the row until this transaction ends. */
export const lockPerson = (
  work: TenantWork,
  { personId }: { personId: string },
): Promise<Person | undefined> => findPerson(work, { personId, forUpdate: true });

export interface PersonChange {
  name?: string;
  email?: string;
  role?: PersonRole;
  isDisabled?: boolean;
}

/**
 * Disabling a disabled person keeps the first instant. `email_taken`: the address is in use, in this or
 * another tenant.
 */
export async function changePerson(
  { trx, tenantId, now }: TenantWork,
  { personId, change: { isDisabled, email, ...change } }: { personId: string; change: PersonChange },
): Promise<Person | 'email_taken'> {
  const disabledAt =
    isDisabled === undefined
      ? {}
      : { disabledAt: isDisabled ? sql<Date>`coalesce(disabled_at, ${now})` : null };
  try {
    return await trx
      .updateTable('people')
      .set((eb) => ({
        ...change,
        ...(email === undefined ? {} : addressOf(email)),
        ...disabledAt,
        version: eb('version', '+', 1),
        updatedAt: now,
      }))
      .where('tenantId', '=', tenantId)
      .where('personId', '=', personId)
      .returning([...COLUMNS, ...DERIVED])
      .executeTakeFirstOrThrow();
  } catch (error) {
    if ((error as { code?: string }).code === UNIQUE_VIOLATION) return 'email_taken';
    throw error;
  }
}
const UNIQUE_VIOLATION = '23505';

/** @returns false if nothing changed, or if there is no such person. */
export async function changePersonEmails(
  { trx, tenantId, now }: TenantWork,
  { personId, isEmailOn }: { personId: string; isEmailOn: boolean },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('people')
    .set((eb) => ({ isEmailOn, version: eb('version', '+', 1), updatedAt: now }))
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .where('isEmailOn', '!=', isEmailOn)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Locks the tenant, so that two admins cannot disable each other at the same time. */
export async function countPeople({
  trx,
  tenantId,
}: TenantWork): Promise<{ people: number; admins: number }> {
  await trx
    .selectFrom('tenants')
    .select('tenantId')
    .where('tenantId', '=', tenantId)
    .forNoKeyUpdate()
    .execute();
  return trx
    .selectFrom('people')
    .select(({ fn }) => [
      fn.countAll<number>().as('people'),
      fn
        .countAll<number>()
        .filterWhere('role', '=', 'admin')
        .filterWhere('disabledAt', 'is', null)
        .as('admins'),
    ])
    .where('tenantId', '=', tenantId)
    .executeTakeFirstOrThrow();
}

export async function findPasswordHash(
  { trx, tenantId }: TenantWork,
  { personId }: { personId: string },
): Promise<string | null> {
  const row = await trx
    .selectFrom('people')
    .select('passwordHash')
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .executeTakeFirst();
  return row?.passwordHash ?? null;
}

/** Leaves the person's open links alone: `usePersonToken` has marked the one that was used. */
export async function setPassword(
  { trx, tenantId, now }: TenantWork,
  { personId, passwordHash }: { personId: string; passwordHash: string },
): Promise<void> {
  await trx
    .updateTable('people')
    .set({ passwordHash, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .execute();
}

/** False if the person was disabled at the same moment. */
export async function markSignedIn(
  { trx, tenantId, now }: TenantWork,
  { personId }: { personId: string },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('people')
    .set({ lastSignedInAt: now })
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .where('disabledAt', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Finds people by address or id, with what a sign-in has to check. Needs the platform role. */
export type SignInCandidate = Pick<
  Selectable<PeopleTable>,
  'tenantId' | 'personId' | 'name' | 'email' | 'role' | 'passwordHash' | 'disabledAt'
>;
const CANDIDATE = ['tenantId', 'personId', 'name', 'email', 'role', 'passwordHash', 'disabledAt'] as const;

export async function findPersonByEmail(
  { trx }: Work,
  { email }: { email: string },
): Promise<SignInCandidate | undefined> {
  return trx
    .selectFrom('people')
    .select(CANDIDATE)
    .where('canonicalEmail', '=', canonicalEmail(email))
    .executeTakeFirst();
}
