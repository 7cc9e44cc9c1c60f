/** Which integrations use an OAuth app: those whose configuration names it or whose account it connected. */
import { sql } from 'kysely';
import type { Work } from '../../database';
import { toTypeId } from '../../sql/ids';
import type { OAuthApp } from './apps';

/** The integrations that use an app by one definition. */
export interface AppUse {
  oauthAppId: string;
  /** null = they follow no definition. */
  definitionKey: string | null;
  integrations: number;
  /** Of these, those with an account that the app has connected. */
  connected: number;
  tenants: number;
}

/**
 * In the transaction of a tenant, only of its own integrations. With the platform role, of those of all
 * tenants.
 */
export async function listAppUses(
  { trx }: Pick<Work, 'trx'>,
  apps: readonly Pick<OAuthApp, 'tenantId' | 'oauthAppId'>[],
): Promise<AppUse[]> {
  if (apps.length === 0) return [];
  const ids = apps.map(({ oauthAppId }) => oauthAppId);
  const names = ids.map((id) => toTypeId('oap', id));
  const owners = apps.map(({ tenantId }) => tenantId);
  const { rows } = await sql<AppUse>`
    with app as (
      select * from unnest(${ids}::uuid[], ${names}::text[], ${owners}::uuid[]) as app (id, name, owner_id)
    ), used as (
      select app.id, integration.tenant_id, integration.integration_id
      from app join integrations integration on integration.config_app_id = app.name
      where integration.deleted_at is null
      union
      select app.id, account.tenant_id, account.integration_id
      from app join oauth_accounts account
        on account.app_tenant_id = app.owner_id and account.oauth_app_id = app.id
    )
    select used.id as oauth_app_id, integration.definition_key, count(*)::int as integrations,
      count(account.integration_id)::int as connected, count(distinct used.tenant_id)::int as tenants
    from used
    join integrations integration on integration.tenant_id = used.tenant_id
      and integration.integration_id = used.integration_id
    left join oauth_accounts account on account.tenant_id = used.tenant_id
      and account.integration_id = used.integration_id and account.oauth_app_id = used.id
    group by used.id, integration.definition_key
    order by used.id, integrations desc, integration.definition_key`.execute(trx);
  return rows;
}
