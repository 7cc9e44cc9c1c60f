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

export const credentialsLocation = (integrationId: string) => ({
  table: 'integrations',
  rowId: integrationId,
  column: 'credentials',
});

export function sealCredentials(
  work: TenantWork,
  encryption: Encryption,
  integrationId: string,
  { credentials, origins }: { credentials: JsonObject; origins: Origins },
): Promise<string> {
  const text = JSON.stringify(credentials) + toBlanks(JSON.stringify(origins));
  return encryption.encrypt(work, credentialsLocation(integrationId), text);
}

export async function openCredentials(
  work: TenantWork,
  encryption: Encryption,
  integrationId: string,
  encrypted: string,
): Promise<SealedCredentials> {
  const text = await encryption.open(work, credentialsLocation(integrationId), encrypted);
  const json = text.trimEnd();
  const opened = JSON.parse(json) as JsonObject | [Origins, JsonObject];
  if (Array.isArray(opened)) return { credentials: opened[1], origins: opened[0], encrypted };
  const origins = fromBlanks(text.slice(json.length));
  return {
    credentials: opened,
    origins: origins === '' ? null : (JSON.parse(origins) as Origins),
    encrypted,
  };
}

/**
 * An earlier version that runs during an upgrade, or again after it, parses the credentials as JSON and
 * refuses unknown members. It ignores blanks behind them, so the origins are written in these: four a byte.
 */
const BLANKS = ' \t\n\r';

const toBlanks = (text: string): string =>
  Array.from(Buffer.from(text), (byte) =>
    [6, 4, 2, 0].map((shift) => BLANKS.charAt((byte >> shift) & 3)).join(''),
  ).join('');

const fromBlanks = (blanks: string): string =>
  Buffer.from(
    (blanks.match(/[^]{4}/g) ?? []).map((four) =>
      Array.from(four).reduce((byte, blank) => byte * 4 + BLANKS.indexOf(blank), 0),
    ),
  ).toString();

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
