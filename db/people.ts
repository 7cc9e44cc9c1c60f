/** People of a tenant: who may sign in to the console, and who admins are where somebody has to be told. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork, Work } from './database';
import type { PeopleTable, PersonRole } from './tables';

/** A person without the password's hash. */
export type Person = Omit<Selectable<PeopleTable>, 'passwordHash' | 'tenantId'> & { hasPassword: boolean };

const COLUMNS = ['personId', 'name', 'email', 'role', 'disabledAt', 'createdAt', 'updatedAt', 'lastSignedInAt', 'version'] as const;
const hasPassword = sql<boolean>`password_hash is not null`.as('hasPassword');

/** Disabled ones included. */
export async function findPerson({ trx, tenantId }: TenantWork, { personId }: { personId: string }): Promise<Person | undefined> {
  return trx
    .selectFrom('people')
    .select([...COLUMNS, hasPassword])
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .executeTakeFirst();
}

/** Disabled ones included, in the order they were made. */
export async function listPeople({ trx, tenantId }: TenantWork, { limit, after }: { limit: number; after?: string | undefined }): Promise<Person[]> {
  let query = trx
    .selectFrom('people')
    .select([...COLUMNS, hasPassword])
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

/** Undefined when the address is somebody's already, of whatever tenant. */
export async function createPerson({ trx, tenantId, now }: TenantWork, person: NewPerson): Promise<Person | undefined> {
  return trx
    .insertInto('people')
    .values({ ...person, tenantId, passwordHash: null, disabledAt: null, createdAt: now, updatedAt: now, lastSignedInAt: null })
    .onConflict((conflict) => conflict.expression(sql`lower(email)`).doNothing())
    .returning([...COLUMNS, hasPassword])
    .executeTakeFirst();
}

/** Who could be meant by an address or an id, with what a sign-in is checked by; to be called as the platform. */
export type SignInCandidate = Pick<Selectable<PeopleTable>, 'tenantId' | 'personId' | 'name' | 'email' | 'role' | 'passwordHash' | 'disabledAt'>;
const CANDIDATE = ['tenantId', 'personId', 'name', 'email', 'role', 'passwordHash', 'disabledAt'] as const;

export async function findPersonByEmail({ trx }: Work, { email }: { email: string }): Promise<SignInCandidate | undefined> {
  return trx
    .selectFrom('people')
    .select(CANDIDATE)
    .where(sql<string>`lower(email)`, '=', sql<string>`lower(${email})`)
    .executeTakeFirst();
}
