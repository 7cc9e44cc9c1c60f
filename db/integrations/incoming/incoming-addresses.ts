/** The addresses of integrations for webhooks, and the subscriptions that Syncline makes with them. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../../database';
import type { IncomingAddressesTable } from '../../tables/incoming';

export type IncomingAddress = Selectable<IncomingAddressesTable>;

interface Place {
  integrationId: string;
}

export const incomingAddressLocation = (integrationId: string) => ({
  table: 'incoming_addresses',
  rowId: integrationId,
  column: 'address',
});

/** A new address or secret needs a new subscription. The ids of the former one stay: a run cancels it. */
export const NO_SUBSCRIPTION = { subscribedUntil: null, subscriptionError: null };

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

/**
 * Stores the subscription, that there is none (`endsAt` null), or why it failed.
 * @param secret encrypted, as it was read before
 */
export async function saveSubscription(
  { trx, tenantId }: TenantWork,
  { integrationId, tokenHash, secret }: Place & { tokenHash: Buffer; secret: string | null },
  result: { ids: readonly string[]; endsAt: Date | null; error?: string | undefined } | { error: string },
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
    .where('secret', 'is not distinct from', secret)
    .execute();
}

/** More subscriptions than this are not canceled in the time that an operator waits. */
const SUBSCRIBED_MAX = 1_000;

/** Integrations that have subscriptions at their third parties. */
const subscribed = ({ trx, tenantId }: TenantWork) =>
  trx
    .selectFrom('incomingAddresses as address')
    .innerJoin('integrations as integration', (join) =>
      join
        .onRef('integration.tenantId', '=', 'address.tenantId')
        .onRef('integration.integrationId', '=', 'address.integrationId'),
    )
    .where('address.tenantId', '=', tenantId)
    .where('integration.deletedAt', 'is', null)
    .where('address.subscriptionIds', 'is not', null)
    .where(sql<boolean>`address.subscription_ids <> '[]'`);

export async function listSubscribed(work: TenantWork): Promise<string[]> {
  const rows = await subscribed(work).select('address.integrationId').limit(SUBSCRIBED_MAX).execute();
  return rows.map(({ integrationId }) => integrationId);
}

export async function countSubscribed(work: TenantWork): Promise<number> {
  const { count } = await subscribed(work)
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}
