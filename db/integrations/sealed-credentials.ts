/**
 * Credentials, encrypted together with the origins that they were given for. No other setting, not even one
 * that is written to the database directly, can change where they are sent.
 */
import type { Origins } from '../../domain/credential-origins';
import type { JsonObject } from '../../domain/json';
import type { TenantWork } from '../database';
import type { Encryption } from '../platform/encryption';

export interface SealedCredentials {
  credentials: JsonObject;
  /** null: they were stored by a version that did not keep the origins. */
  origins: Origins | null;
  encrypted: string;
}

const locationOf = (integrationId: string) => ({
  table: 'integrations',
  rowId: integrationId,
  column: 'credentials',
});

/** An array, so that credentials of earlier versions, which are objects, cannot be mistaken for it. */
export function sealCredentials(
  work: TenantWork,
  encryption: Encryption,
  integrationId: string,
  { credentials, origins }: { credentials: JsonObject; origins: Origins },
): Promise<string> {
  return encryption.encrypt(work, locationOf(integrationId), JSON.stringify([origins, credentials]));
}

export async function openCredentials(
  work: TenantWork,
  encryption: Encryption,
  integrationId: string,
  encrypted: string,
): Promise<SealedCredentials> {
  const text = await encryption.open(work, locationOf(integrationId), encrypted);
  const opened = JSON.parse(text) as JsonObject | [Origins, JsonObject];
  if (!Array.isArray(opened)) return { credentials: opened, origins: null, encrypted };
  const [origins, credentials] = opened;
  return { credentials, origins, encrypted };
}

/**
 * Binds credentials of an earlier version to the origins that they are used for now, unless they have been
 * replaced meanwhile.
 */
export async function bindCredentials(
  work: TenantWork,
  encryption: Encryption,
  integrationId: string,
  { credentials: opened, encrypted }: SealedCredentials,
  origins: Origins,
): Promise<void> {
  const sealed = { credentials: opened, origins };
  const credentials = await sealCredentials(work, encryption, integrationId, sealed);
  await work.trx
    .updateTable('integrations')
    .set({ credentials })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('credentials', '=', encrypted)
    .execute();
}
