/**
 * Addresses of people that a mail server refused as unknown. The refusal does not count for another address
 * of the same person.
 */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../database';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { UndeliverableAddressesTable } from '../tables/notifications';

export type RefusedAddress = Pick<Selectable<UndeliverableAddressesTable>, 'email' | 'detail' | 'refusedAt'>;

/** The refusal of the person's current address. */
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

/** Stops further e-mails to the address. */
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
