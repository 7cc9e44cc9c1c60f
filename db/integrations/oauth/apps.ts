/**
 * OAuth apps: registrations at a provider, of a tenant or (PLATFORM_TENANT_ID) of the platform. Every tenant
 * can use the platform's, and reads all of them but the secret. Secrets arrive and are stored encrypted.
 */
import { type Selectable, sql } from 'kysely';
import type { JsonObject } from '../../../domain/json';
import type { TenantWork } from '../../database';
import { fromTypeId } from '../../sql/ids';
import type { OAuthAppsTable } from '../../tables/oauth';
import { PLATFORM_TENANT_ID } from '../../tables/tenants';

/** Without the secrets, which only `findAppSecret` and `openAppWebhookSecret` read. */
export type OAuthApp = Omit<Selectable<OAuthAppsTable>, 'clientSecret' | 'webhookSecret'> & {
  hasSecret: boolean;
  hasWebhookSecret: boolean;
};

export interface OAuthAppSettings {
  name: string;
  clientId: string;
  /** Encrypted; null = a public client. */
  clientSecret: string | null;
  /** Encrypted; null = each integration has one of its own. */
  webhookSecret?: string | null;
  allowedOrigins: string[];
}

interface AppKey {
  oauthAppId: string;
}

/** The location that an app's secret is encrypted for. */
export const appSecretLocation = (oauthAppId: string) => ({
  table: 'oauth_apps',
  rowId: oauthAppId,
  column: 'client_secret',
});

const COLUMNS = [
  'tenantId',
  'oauthAppId',
  'name',
  'clientId',
  'allowedOrigins',
  'version',
  'createdAt',
  'updatedAt',
] as const;

const selectApps = ({ trx }: Pick<TenantWork, 'trx'>) =>
  trx
    .selectFrom('oauthApps')
    .select(COLUMNS)
    .select(({ eb }) => [
      eb('clientSecret', 'is not', null).$castTo<boolean>().as('hasSecret'),
      eb('webhookSecret', 'is not', null).$castTo<boolean>().as('hasWebhookSecret'),
    ]);

/** In the order of creation: the tenant's own, and those of the platform. */
export async function listApps(
  work: TenantWork,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<OAuthApp[]> {
  let query = selectApps(work).where('tenantId', 'in', [work.tenantId, PLATFORM_TENANT_ID]);
  if (after !== undefined) query = query.where('oauthAppId', '>', after);
  return query.orderBy('oauthAppId').limit(limit).execute();
}

/** An app that the tenant may use. */
export async function findApp(work: TenantWork, { oauthAppId }: AppKey): Promise<OAuthApp | undefined> {
  return selectApps(work)
    .where('tenantId', 'in', [work.tenantId, PLATFORM_TENANT_ID])
    .where('oauthAppId', '=', oauthAppId)
    .executeTakeFirst();
}

/** The app that a configuration names (`oap_…`). */
export async function findAppOf(
  work: TenantWork,
  { appId }: { appId: string },
): Promise<OAuthApp | undefined> {
  const oauthAppId = fromTypeId('oap', appId);
  return oauthAppId === undefined ? undefined : findApp(work, { oauthAppId });
}

/** Thrown if a configuration names an app that was deleted. */
export class OAuthAppDeleted extends Error {}

/** Held until the end of the transaction: shared by those that name the app, and exclusive for a deletion. */
async function lockNames({ trx }: TenantWork, oauthAppId: string, mode: '' | '_shared'): Promise<void> {
  const lock = sql.raw(`pg_advisory_xact_lock${mode}`);
  await sql`select ${lock}(hashtextextended(${`oauth app ${oauthAppId}`}, 0))`.execute(trx);
}

/**
 * Call it where a configuration is written. A simultaneous deletion of the app ends before this transaction,
 * or finds the new configuration. A configuration names its app in `auth.app_id`, or names none.
 * @throws OAuthAppDeleted
 */
export async function nameApp(work: TenantWork, { auth }: JsonObject): Promise<void> {
  const appId = (auth as { app_id?: unknown } | null | undefined)?.app_id;
  const oauthAppId = typeof appId === 'string' ? fromTypeId('oap', appId) : undefined;
  if (oauthAppId === undefined) return;
  await lockNames(work, oauthAppId, '_shared');
  if ((await findApp(work, { oauthAppId })) === undefined) throw new OAuthAppDeleted();
}

/** Until this transaction ends, no other one can write a configuration that names the app. */
export const lockForDeletion = (work: TenantWork, { oauthAppId }: AppKey): Promise<void> =>
  lockNames(work, oauthAppId, '');

/** Only an owner may change an app. Locks the row until this transaction ends. */
export async function lockOwnApp(work: TenantWork, { oauthAppId }: AppKey): Promise<OAuthApp | undefined> {
  return selectApps(work)
    .where('tenantId', '=', work.tenantId)
    .where('oauthAppId', '=', oauthAppId)
    .forUpdate()
    .executeTakeFirst();
}

/** Encrypted. Work in the transaction of the app's owner: no other can decrypt it. */
export async function findAppSecret(
  { trx, tenantId }: TenantWork,
  { oauthAppId }: AppKey,
): Promise<string | null | undefined> {
  const row = await trx
    .selectFrom('oauthApps')
    .select('clientSecret')
    .where('tenantId', '=', tenantId)
    .where('oauthAppId', '=', oauthAppId)
    .executeTakeFirst();
  return row?.clientSecret;
}

export async function createApp(
  { trx, tenantId, now }: TenantWork,
  { oauthAppId, allowedOrigins, ...settings }: OAuthAppSettings & AppKey,
): Promise<void> {
  await trx
    .insertInto('oauthApps')
    .values({
      tenantId,
      oauthAppId,
      ...settings,
      allowedOrigins: JSON.stringify(allowedOrigins),
      createdAt: now,
      updatedAt: now,
    })
    .execute();
}

/** Changes the given settings only. */
export async function changeApp(
  { trx, tenantId, now }: TenantWork,
  { oauthAppId }: AppKey,
  { allowedOrigins, ...change }: Partial<OAuthAppSettings>,
): Promise<void> {
  await trx
    .updateTable('oauthApps')
    .set((eb) => ({
      ...change,
      ...(allowedOrigins === undefined ? {} : { allowedOrigins: JSON.stringify(allowedOrigins) }),
      version: eb('version', '+', 1),
      updatedAt: now,
    }))
    .where('tenantId', '=', tenantId)
    .where('oauthAppId', '=', oauthAppId)
    .execute();
}

const FOREIGN_KEY = '23503';

/** @returns false if an account was connected by the app meanwhile; the transaction is then of no use. */
export async function deleteApp({ trx, tenantId }: TenantWork, { oauthAppId }: AppKey): Promise<boolean> {
  try {
    await trx
      .deleteFrom('oauthApps')
      .where('tenantId', '=', tenantId)
      .where('oauthAppId', '=', oauthAppId)
      .execute();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === FOREIGN_KEY) return false;
    throw error;
  }
}
