/** The addresses to which third parties send their webhooks: one per integration, known by a secret. */
import type { Selectable } from 'kysely';
import type { TenantWork, Work } from '../../database';
import type { IncomingAddressesTable } from '../../tables/incoming';

export type IncomingAddress = Selectable<IncomingAddressesTable>;

interface Place {
  integrationId: string;
}

/** An address that is called often is written to at most this often. */
export const NOTE_INTERVAL_MS = 10_000;

export const incomingSecretLocation = (integrationId: string) => ({
  table: 'incoming_addresses',
  rowId: integrationId,
  column: 'secret',
});

export const incomingAddressLocation = (integrationId: string) => ({
  ...incomingSecretLocation(integrationId),
  column: 'address',
});

/** Whose address it is. Needs the platform role, because a third party names no tenant. */
export async function locateIncomingAddress(
  { trx }: Work,
  { tokenHash }: { tokenHash: Buffer },
): Promise<{ tenantId: string; integrationId: string } | undefined> {
  return trx
    .selectFrom('incomingAddresses')
    .select(['tenantId', 'integrationId'])
    .where('tokenHash', '=', tokenHash)
    .executeTakeFirst();
}

export async function findIncomingAddress(
  { trx, tenantId }: TenantWork,
  { integrationId }: Place,
): Promise<IncomingAddress | undefined> {
  return trx
    .selectFrom('incomingAddresses')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .executeTakeFirst();
}

/** A new address or secret needs a new subscription. */
const NO_SUBSCRIPTION = { subscriptionIds: null, subscribedUntil: null, subscriptionError: null };

/**
 * A new address. The one before it is refused from now on.
 * @param address encrypted, as is the secret that Syncline has made; both only for subscriptions
 */
export async function replaceIncomingAddress(
  { trx, tenantId, now }: TenantWork,
  {
    integrationId,
    tokenHash,
    address = null,
    ...made
  }: Place & { tokenHash: Buffer; address?: string | null; secret?: string },
): Promise<IncomingAddress> {
  const fresh = {
    tokenHash,
    address,
    createdAt: now,
    receivedAt: null,
    refusedAt: null,
    ...NO_SUBSCRIPTION,
    ...made,
  };
  return trx
    .insertInto('incomingAddresses')
    .values({ tenantId, integrationId, secret: null, ...fresh })
    .onConflict((conflict) => conflict.columns(['tenantId', 'integrationId']).doUpdateSet(fresh))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** @param secret encrypted. @returns undefined if the integration has no address. */
export async function saveIncomingSecret(
  { trx, tenantId }: TenantWork,
  { integrationId, secret }: Place & { secret: string },
): Promise<IncomingAddress | undefined> {
  return trx
    .updateTable('incomingAddresses')
    .set({ secret, ...NO_SUBSCRIPTION })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .returningAll()
    .executeTakeFirst();
}

/** The next run subscribes again: other credentials or settings may need another subscription. */
export async function forgetSubscription(
  { trx, tenantId }: TenantWork,
  { integrationId }: Place,
): Promise<void> {
  await trx
    .updateTable('incomingAddresses')
    .set(NO_SUBSCRIPTION)
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('subscribedUntil', 'is not', null)
    .execute();
}

/** Remembers when the address was called. Several calls within ten seconds count as one. */
export async function noteIncomingCall(
  { trx, tenantId, now }: TenantWork,
  { integrationId, isRefused }: Place & { isRefused: boolean },
): Promise<void> {
  const column = isRefused ? 'refusedAt' : 'receivedAt';
  const before = new Date(now.getTime() - NOTE_INTERVAL_MS);
  await trx
    .updateTable('incomingAddresses')
    .set({ [column]: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where(({ eb, or }) => or([eb(column, 'is', null), eb(column, '<', before)]))
    .execute();
}

/** Stores the subscription, or why it failed. @param secret encrypted, as it was read before */
export async function saveSubscription(
  { trx, tenantId }: TenantWork,
  { integrationId, tokenHash, secret }: Place & { tokenHash: Buffer; secret: string },
  result: { ids: readonly string[]; endsAt: Date; error?: string | undefined } | { error: string },
): Promise<void> {
  const change = {
    subscriptionError: result.error ?? null,
    ...('ids' in result
      ? { subscriptionIds: JSON.stringify(result.ids), subscribedUntil: result.endsAt }
      : {}),
  };
  await trx
    .updateTable('incomingAddresses')
    .set(change)
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    // The address or the secret may have been replaced meanwhile; then the next run subscribes again.
    .where('tokenHash', '=', tokenHash)
    .where('secret', '=', secret)
    .execute();
}
