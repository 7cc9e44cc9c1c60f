/** People of a tenant, as rows: the recipients of notifications. */
import type { Database } from '../../../db/database';
import { newUuid } from '../../../db/sql/ids';
import { createPerson } from '../../../db/tenants/people';
import type { PersonRole } from '../../../db/tables/tenants';

export interface GivenPerson {
  personId: string;
  email: string;
}

/** An admin by default, with a unique address. */
export async function givenPerson(
  database: Database,
  tenantId: string,
  { name = 'Ada', role = 'admin', email }: { name?: string; role?: PersonRole; email?: string } = {},
): Promise<GivenPerson> {
  const personId = newUuid();
  const person = { personId, name, role, email: email ?? `${personId}@example.org` };
  await database.withTenant(tenantId, (work) => createPerson(work, person));
  return { personId, email: person.email };
}
