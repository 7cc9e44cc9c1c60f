/** Encrypts secrets of apps and tokens of accounts with the newest data key of their tenant. */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import type { Encryption } from '../../platform/encryption';
import { accountTokenLocation } from './accounts';
import { appWebhookSecretLocation } from './app-webhook-secrets';
import { appSecretLocation } from './apps';

/** Consents are left out: they are deleted after an hour. */
export const OAUTH_SECRETS = [
  { table: 'oauth_apps', id: 'oauth_app_id', column: 'client_secret', locate: appSecretLocation },
  { table: 'oauth_apps', id: 'oauth_app_id', column: 'webhook_secret', locate: appWebhookSecretLocation },
  ...(['access_token', 'refresh_token', 'previous_refresh_token'] as const).map((column) => ({
    table: 'oauth_accounts',
    id: 'integration_id',
    column,
    locate: (id: string) => accountTokenLocation(id, column),
  })),
];

/** A token that is refreshed meanwhile is encrypted with the newest key already. */
export async function renewOAuthSecrets(
  work: TenantWork,
  encryption: Encryption,
  {
    secret: { table, id, column, locate },
    after,
    limit,
  }: { secret: (typeof OAUTH_SECRETS)[number]; after: string | undefined; limit: number },
): Promise<{ secrets: number; lastId: string | undefined }> {
  const { trx, tenantId } = work;
  const [from, key, text] = [sql.table(table), sql.ref(id), sql.ref(column)];
  const { rows } = await sql<{ id: string; sealed: string | null }>`
    select ${key} as id, ${text} as sealed from ${from}
    where tenant_id = ${tenantId} and ${after === undefined ? sql`true` : sql`${key} > ${after}::uuid`}
    order by ${key} limit ${limit}`.execute(trx);
  let secrets = 0;
  for (const row of rows) {
    if (row.sealed === null) continue;
    const renewed = await encryption.renew(work, locate(row.id), row.sealed);
    if (renewed === undefined) continue;
    const { numAffectedRows = 0n } = await sql`
      update ${from} set ${text} = ${renewed}
      where tenant_id = ${tenantId} and ${key} = ${row.id}::uuid and ${text} = ${row.sealed}`.execute(trx);
    secrets += Number(numAffectedRows);
  }
  return { secrets, lastId: rows[limit - 1]?.id };
}
