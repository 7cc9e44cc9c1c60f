/** Rules for adding and changing people: limits, unique addresses, and at least one admin per tenant. */
import type { TenantWork } from '../../db/database';
import { newUuid } from '../../db/sql/ids';
import { endConsoleSessions } from '../../db/tenants/console-sessions';
import {
  changePerson,
  countPeople,
  createPerson,
  type Person,
  type PersonChange,
} from '../../db/tenants/people';
import { endPersonTokens } from '../../db/tenants/person-tokens';
import { HttpError } from '../http/http-error';

const PEOPLE_MAX = 1_000;

/** Throws `too_many_people` and `email_taken`. */
export async function insertPerson(
  work: TenantWork,
  wanted: { name: string; email: string; role: Person['role'] },
): Promise<Person> {
  if ((await countPeople(work)).people >= PEOPLE_MAX) throw new HttpError('too_many_people');
  const created = await createPerson(work, { ...wanted, personId: newUuid() });
  if (created === undefined) throw emailTaken();
  return created;
}

/** Throws `last_admin` and `email_taken`. Disabling ends the person's sessions and links. */
export async function updatePerson(work: TenantWork, before: Person, wanted: PersonChange): Promise<Person> {
  const isAdmin = before.role === 'admin' && before.disabledAt === null;
  const staysAdmin = (wanted.role ?? 'admin') === 'admin' && wanted.isDisabled !== true;
  if (isAdmin && !staysAdmin && (await countPeople(work)).admins <= 1) throw new HttpError('last_admin');
  const after = await changePerson(work, { personId: before.personId, change: wanted });
  if (after === 'email_taken') throw emailTaken();
  if (after.disabledAt !== null) {
    await endConsoleSessions(work, before);
    await endPersonTokens(work, before);
  }
  return after;
}

function emailTaken(): HttpError {
  return new HttpError('email_taken', {
    errors: [{ pointer: '/email', code: 'taken', message: 'This e-mail address is already in use.' }],
  });
}
