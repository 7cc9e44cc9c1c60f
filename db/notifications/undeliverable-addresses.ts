/** Addresses of people of which a mail server said that there is no such one. Another address of the same person has not been refused. */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../database';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { UndeliverableAddressesTable } from '../tables/notifications';

export type RefusedAddress = Pick<Selectable<UndeliverableAddressesTable>, 'email' | 'detail' | 'refusedAt'>;

/** The refusal of the address that the person has now. */
export async function findRefusedAddress(
  { trx, tenantId }: TenantWork,
  { personId }: { personId: string },
): Promise<RefusedAddress | undefined> {
  return trx
    .selectFrom('undeliverableAddresses as refused')
    .innerJoin('people as person', (join) =>
      join
        .onRef('person.tenantId', '=', 'refused.tenantId')
        .onRef('person.personId', '=', 'refused.personId'),
    )
    .select(['refused.email', 'refused.detail', 'refused.refusedAt'])
    .where('refused.tenantId', '=', tenantId)
    .where('refused.personId', '=', personId)
    .whereRef('refused.email', '=', 'person.email')
    .executeTakeFirst();
}

/** No further e-mail is sent to it. */
export async function saveUndeliverableAddress(
  { trx, tenantId, now }: TenantWork,
  { personId, email, detail }: { personId: string; email: string; detail: string },
): Promise<void> {
  const refusal = { email, detail: sanitizeForPostgres(detail).slice(0, 500), refusedAt: now };
  await trx
    .insertInto('undeliverableAddresses')
    .values({ tenantId, personId, ...refusal })
    .onConflict((conflict) => conflict.columns(['tenantId', 'personId']).doUpdateSet(refusal))
    .execute();
}
