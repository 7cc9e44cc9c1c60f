/** How a tenant's connect pages look, where they may be embedded, and where they may lead back to. */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../../database';
import type { ConnectSettingsTable } from '../../tables/connect';

export type ConnectSettings = Omit<Selectable<ConnectSettingsTable>, 'tenantId' | 'updatedAt'>;

/** The settings until an admin changes them. */
const DEFAULTS: ConnectSettings = {
  name: null,
  color: null,
  logoText: null,
  returnOrigins: [],
  frameAncestors: [],
  version: 1,
};

export async function findConnectSettings(
  { trx, tenantId }: TenantWork,
  { isLocked = false }: { isLocked?: boolean } = {},
): Promise<ConnectSettings> {
  return (
    (await trx
      .selectFrom('connectSettings')
      .select(['name', 'color', 'logoText', 'returnOrigins', 'frameAncestors', 'version'])
      .where('tenantId', '=', tenantId)
      .$if(isLocked, (query) => query.forNoKeyUpdate())
      .executeTakeFirst()) ?? DEFAULTS
  );
}

/** Locks the row until this transaction ends. */
export async function lockConnectSettings(work: TenantWork): Promise<ConnectSettings> {
  const { trx, tenantId, now } = work;
  await trx
    .insertInto('connectSettings')
    .values({ tenantId, updatedAt: now, ...DEFAULTS, ...toText(DEFAULTS) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return findConnectSettings(work, { isLocked: true });
}

/** The row must be locked. */
export async function changeConnectSettings(
  work: TenantWork,
  settings: Omit<ConnectSettings, 'version'>,
): Promise<ConnectSettings> {
  await work.trx
    .updateTable('connectSettings')
    .set((eb) => ({
      ...settings,
      ...toText(settings),
      version: eb('version', '+', 1),
      updatedAt: work.now,
    }))
    .where('tenantId', '=', work.tenantId)
    .execute();
  return findConnectSettings(work);
}

const toText = ({
  returnOrigins,
  frameAncestors,
}: Pick<ConnectSettings, 'returnOrigins' | 'frameAncestors'>) => ({
  returnOrigins: JSON.stringify(returnOrigins),
  frameAncestors: JSON.stringify(frameAncestors),
});
