/**
 * The addresses to which third parties send their webhooks: of an integration, or of an OAuth app for all its
 * accounts. An address is known by the secret in it.
 */
import type { Selectable } from 'kysely';
import type { TenantWork, Work } from '../../database';
import type { IncomingAddressesTable } from '../../tables/incoming';
import type { OAuthAppWebhooksTable } from '../../tables/oauth';
import { NO_SUBSCRIPTION } from './incoming-addresses';

export type AddressOwner = { integrationId: string } | { oauthAppId: string };
/** `tenantId`: of an app, its owner: a tenant, or the platform. */
export type AddressPlace = AddressOwner & { tenantId: string };
export type AddressOf<Owner extends AddressOwner> = Selectable<
  Owner extends { integrationId: string } ? IncomingAddressesTable : OAuthAppWebhooksTable
>;

const keyOf = (owner: AddressOwner) =>
  'integrationId' in owner
    ? ({ table: 'incomingAddresses', column: 'integrationId', id: owner.integrationId } as const)
    : ({ table: 'oauthAppWebhooks', column: 'oauthAppId', id: owner.oauthAppId } as const);

export const webhookSecretLocation = (owner: AddressOwner) => ({
  table: 'integrationId' in owner ? 'incoming_addresses' : 'oauth_app_webhooks',
  rowId: keyOf(owner).id,
  column: 'secret',
});

/** Whose address it is. Needs the platform role, because a third party names no tenant. */
export async function locateAddress(
  { trx }: Work,
  { tokenHash }: { tokenHash: Buffer },
): Promise<AddressPlace | undefined> {
  const ofIntegration = await trx
    .selectFrom('incomingAddresses')
    .select(['tenantId', 'integrationId'])
    .where('tokenHash', '=', tokenHash)
    .executeTakeFirst();
  return (
    ofIntegration ??
    trx
      .selectFrom('oauthAppWebhooks')
      .select(['tenantId', 'oauthAppId'])
      .where('tokenHash', '=', tokenHash)
      .executeTakeFirst()
  );
}

/** Of an integration or an app of the tenant itself. */
export async function findAddress<Owner extends AddressOwner>(
  { trx, tenantId }: TenantWork,
  owner: Owner,
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<AddressOf<Owner> | undefined> {
  const { table, column, id } = keyOf(owner);
  const row = await trx
    .selectFrom(table)
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where(column, '=', id)
    .$if(forUpdate, (query) => query.forNoKeyUpdate())
    .executeTakeFirst();
  return row as AddressOf<Owner> | undefined;
}

/** @param secret encrypted. @returns undefined if there is no address. */
export async function saveWebhookSecret<Owner extends AddressOwner>(
  { trx, tenantId }: TenantWork,
  owner: Owner,
  { secret }: { secret: string },
): Promise<AddressOf<Owner> | undefined> {
  const { table, column, id } = keyOf(owner);
  const row = await trx
    .updateTable(table)
    .set({ secret, ...('integrationId' in owner && NO_SUBSCRIPTION) })
    .where('tenantId', '=', tenantId)
    .where(column, '=', id)
    .returningAll()
    .executeTakeFirst();
  return row as AddressOf<Owner> | undefined;
}

/** An address that is called often is written to at most this often. */
const NOTE_INTERVAL_MS = 10_000;

/** Remembers when the address was called. Several calls within ten seconds count as one. */
export async function noteCall(
  { trx, tenantId, now }: TenantWork,
  owner: AddressOwner,
  { isRefused }: { isRefused: boolean },
): Promise<void> {
  const { table, column, id } = keyOf(owner);
  const noted = isRefused ? 'refusedAt' : 'receivedAt';
  const before = new Date(now.getTime() - NOTE_INTERVAL_MS);
  await trx
    .updateTable(table)
    .set({ [noted]: now })
    .where('tenantId', '=', tenantId)
    .where(column, '=', id)
    .where(({ eb, or }) => or([eb(noted, 'is', null), eb(noted, '<', before)]))
    .execute();
}
