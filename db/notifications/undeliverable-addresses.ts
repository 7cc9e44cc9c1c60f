/**
 * Addresses of people that the mail server refused. A refusal counts once it is confirmed: refused again
 * after a while, with no e-mail accepted in between and few other addresses refused at that time. It does not
 * count for another address of the same person.
 */
import { type Selectable, sql } from 'kysely';
import type { TenantWork, Work } from '../database';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { UndeliverableAddressesTable } from '../tables/notifications';

export type RefusedAddress = Pick<Selectable<UndeliverableAddressesTable>, 'email' | 'detail' | 'refusedAt'>;

interface PersonKey {
  personId: string;
}

/** A second refusal after this confirms the first one. */
const CONFIRMED_AFTER_MS = 15 * 60_000;
/** Within this time, this many refused addresses of all tenants are a problem of the mail server. */
const WINDOW_MS = 30 * 60_000;
const ADDRESSES_MAX = 2;

/** The confirmed refusal of the person's current address. */
export async function findRefusedAddress(
  { trx, tenantId }: TenantWork,
  { personId }: PersonKey,
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
    .where('refused.confirmedAt', 'is not', null)
    .whereRef('refused.email', '=', 'person.email')
    .executeTakeFirst();
}

/**
 * Stores a refusal. @returns whether it is confirmed: further e-mails to the address are not sent.
 * `isServerAtFault`: from `isRefusingMany`; such a refusal confirms nothing.
 */
export async function saveRefusal(
  { trx, tenantId, now }: TenantWork,
  { personId, email, detail, isServerAtFault }: PersonKey & NewRefusal,
): Promise<boolean> {
  const words = sanitizeForPostgres(detail).slice(0, 500);
  const first = isServerAtFault ? null : now;
  const known = sql`undeliverable_addresses.email = excluded.email and excluded.first_refused_at is not null`;
  const confirmedBefore = new Date(now.getTime() - CONFIRMED_AFTER_MS);
  const { confirmedAt } = await trx
    .insertInto('undeliverableAddresses')
    .values({ tenantId, personId, email, detail: words, refusedAt: now, firstRefusedAt: first })
    .onConflict((conflict) =>
      conflict.columns(['tenantId', 'personId']).doUpdateSet({
        email,
        detail: words,
        refusedAt: now,
        firstRefusedAt: sql`case when ${known}
          then coalesce(undeliverable_addresses.first_refused_at, excluded.first_refused_at)
          else excluded.first_refused_at end`,
        confirmedAt: sql`case when ${known} and undeliverable_addresses.first_refused_at <= ${confirmedBefore}
          then excluded.refused_at end`,
      }),
    )
    .returning('confirmedAt')
    .executeTakeFirstOrThrow();
  return confirmedAt !== null;
}

interface NewRefusal {
  email: string;
  detail: string;
  isServerAtFault: boolean;
}

/** Forgets the refusal: the mail server accepted an e-mail, or an admin says so. */
export async function clearRefusal({ trx, tenantId }: TenantWork, { personId }: PersonKey): Promise<void> {
  await trx
    .deleteFrom('undeliverableAddresses')
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .execute();
}

/**
 * Whether the mail server lately refused so many other addresses, of all tenants, that the server is the
 * cause. Needs the dispatcher role.
 */
export async function isRefusingMany({ trx, now }: Work, { personId }: PersonKey): Promise<boolean> {
  const others = await trx
    .selectFrom('undeliverableAddresses')
    .select('personId')
    .where('refusedAt', '>', new Date(now.getTime() - WINDOW_MS))
    .where('personId', '!=', personId)
    .limit(ADDRESSES_MAX)
    .execute();
  return others.length >= ADDRESSES_MAX;
}
