/**
 * `npm run rotate-keys`: wraps the tenants' data keys with the first key of ENCRYPTION_KEYS. With `data-keys`
 * it also gives each tenant a new data key, and encrypts the stored secrets with it.
 *
 * Every process must know the first key before. It can run beside all of them: data keys and secrets are
 * changed in small transactions, only if they are still what was read, and both keys stay readable. It can
 * be interrupted and repeated. A secret that cannot be decrypted is named and left as it is, and the others
 * are renewed; the command then ends with 3.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { Database, type TenantWork, unlessDeleted } from './database';
import { createEncryption, type Encryption, isNoSecretUnderWay, newestKey } from './platform/encryption';
import { EncryptionError, parseEncryptionKeys } from './platform/encryption-keys';
import { erasureKeyLocation } from './platform/erasure-key';
import { toTypeId } from './sql/ids';
import { webhookSecretLocation } from './integrations/incoming/addresses';
import { incomingAddressLocation } from './integrations/incoming/incoming-addresses';
import { OAUTH_SECRETS, renewOAuthSecrets } from './integrations/oauth/renew-secrets';
import { endpointHeadersLocation, endpointSecretsLocation } from './webhooks/endpoints';
import { credentialsLocation } from './integrations/sealed-credentials';

/** A repeated command keeps the data keys that the interrupted one has made. */
const NEW_KEY_AFTER_MS = 3_600_000;
const INCOMING_SECRETS = [
  {
    table: 'incoming_addresses',
    id: 'integration_id',
    column: 'secret',
    locate: (integrationId: string) => webhookSecretLocation({ integrationId }),
  },
  { table: 'incoming_addresses', id: 'integration_id', column: 'address', locate: incomingAddressLocation },
  {
    table: 'oauth_app_webhooks',
    id: 'oauth_app_id',
    column: 'secret',
    locate: (oauthAppId: string) => webhookSecretLocation({ oauthAppId }),
  },
];
const TENANTS_PER_PAGE = 500;
const ROWS_PER_TRANSACTION = 100;
/** One that encrypts a secret lasts milliseconds. */
const TRANSACTION_MAX_MS = 60_000;
/** The exit code; 1 means that the command did not reach its end. */
const SOME_UNREADABLE = 3;

export interface Rotated {
  tenants: number;
  secrets: number;
  /** Secrets that cannot be decrypted. */
  unreadable: number;
}

/**
 * Responses under an Idempotency-Key keep their data key, because they are deleted after a day. Data keys are
 * never deleted: one that encrypts nothing discloses nothing.
 * @param report is called for each secret that cannot be decrypted.
 */
export async function rotateDataKeys(
  database: Database,
  given: Encryption,
  report: (problem: string) => void,
): Promise<Rotated> {
  const rotated: Rotated = { tenants: 0, secrets: 0, unreadable: 0 };
  const encryption = leavingUnreadable(given, (problem) => {
    rotated.unreadable += 1;
    report(problem);
  });
  for await (const tenantId of tenantsWithKeys(database))
    await unlessDeleted(rotateTenant(database, tenantId, encryption, rotated));
  return rotated;
}

/** @throws TenantDeleted */
async function rotateTenant(
  database: Database,
  tenantId: string,
  encryption: Encryption,
  rotated: Rotated,
): Promise<void> {
  const inTenant = async (count: (work: TenantWork) => Promise<number>) =>
    database.withTenant(tenantId, count);
  rotated.tenants += await inTenant((work) => addKeyWhereOld(work, encryption));
  await untilNoSecretIsUnderWay(database, tenantId);
  const renewals = [
    (work: TenantWork, after?: string) => renewCredentials(work, encryption, after),
    (work: TenantWork, after?: string) => renewEndpoints(work, encryption, after),
    ...[...OAUTH_SECRETS, ...INCOMING_SECRETS].map(
      (secret) => (work: TenantWork, after?: string) =>
        renewOAuthSecrets(work, encryption, { secret, after, limit: ROWS_PER_TRANSACTION }),
    ),
  ];
  for (const renew of renewals) rotated.secrets += await renewAll(database, tenantId, renew);
  rotated.secrets += await inTenant((work) => renewErasureKey(work, encryption));
}

/** Leaves a secret that was altered, or whose data key is missing, as it is. */
const leavingUnreadable = (encryption: Encryption, report: (problem: string) => void): Encryption => ({
  ...encryption,
  async renew(work, location, encryptedText) {
    try {
      return await encryption.renew(work, location, encryptedText);
    } catch (error) {
      if (!(error instanceof EncryptionError)) throw error;
      report(`${toTypeId('ten', work.tenantId)}, row ${location.rowId}: ${error.message}`);
      return undefined;
    }
  },
});

async function* tenantsWithKeys(database: Database): AsyncGenerator<string> {
  let last: string | undefined;
  for (;;) {
    const rows = await database.withPlatform(({ trx }) => {
      const page = trx.selectFrom('tenantKeys').select('tenantId').distinct().orderBy('tenantId');
      const next = last === undefined ? page : page.where('tenantId', '>', last);
      return next.limit(TENANTS_PER_PAGE).execute();
    });
    last = rows.at(-1)?.tenantId;
    if (last === undefined) return;
    for (const { tenantId } of rows) yield tenantId;
  }
}

async function addKeyWhereOld(work: TenantWork, encryption: Encryption): Promise<number> {
  const newest = await newestKey(work);
  const ageMs = newest === undefined ? Infinity : work.now.getTime() - newest.createdAt.getTime();
  // One from the future was made before the clock was set back.
  if (ageMs >= 0 && ageMs < NEW_KEY_AFTER_MS) return 0;
  await encryption.addDataKey(work);
  return 1;
}

/**
 * What a transaction has encrypted before it sees the new data key is renewed once it is stored.
 * @throws if a transaction stays open.
 */
async function untilNoSecretIsUnderWay(database: Database, tenantId: string): Promise<void> {
  const since = performance.now();
  while (!(await database.withTenant(tenantId, isNoSecretUnderWay))) {
    if (performance.now() - since > TRANSACTION_MAX_MS)
      throw new Error(`A transaction of ${toTypeId('ten', tenantId)} does not end. Repeat the command.`);
    await sleep(20);
  }
}

interface RenewedRows {
  secrets: number;
  /** The id of the last row of a full page; undefined = the end. */
  lastId: string | undefined;
}

async function renewAll(
  database: Database,
  tenantId: string,
  renewPage: (work: TenantWork, after: string | undefined) => Promise<RenewedRows>,
): Promise<number> {
  let secrets = 0;
  let after: string | undefined;
  do {
    const page = await database.withTenant(tenantId, (work) => renewPage(work, after));
    secrets += page.secrets;
    after = page.lastId;
  } while (after !== undefined);
  return secrets;
}

async function renewCredentials(
  work: TenantWork,
  encryption: Encryption,
  after: string | undefined,
): Promise<RenewedRows> {
  const { trx, tenantId } = work;
  const page = trx
    .selectFrom('integrations')
    .select(['integrationId', 'credentials'])
    .where('tenantId', '=', tenantId);
  const next = after === undefined ? page : page.where('integrationId', '>', after);
  const rows = await next.orderBy('integrationId').limit(ROWS_PER_TRANSACTION).execute();
  let secrets = 0;
  for (const { integrationId, credentials: before } of rows) {
    if (before === null) continue;
    const credentials = await encryption.renew(work, credentialsLocation(integrationId), before);
    if (credentials === undefined) continue;
    const { numUpdatedRows } = await trx
      .updateTable('integrations')
      .set({ credentials })
      .where('tenantId', '=', tenantId)
      .where('integrationId', '=', integrationId)
      .where('credentials', '=', before)
      .executeTakeFirst();
    secrets += Number(numUpdatedRows);
  }
  return { secrets, lastId: rows[ROWS_PER_TRANSACTION - 1]?.integrationId };
}

/** The rows are locked, because a rotation of an endpoint's secrets replaces the whole list. */
async function renewEndpoints(
  work: TenantWork,
  encryption: Encryption,
  after: string | undefined,
): Promise<RenewedRows> {
  const { trx, tenantId } = work;
  const page = trx
    .selectFrom('webhookEndpoints')
    .select(['webhookEndpointId', 'secrets', 'headers'])
    .where('tenantId', '=', tenantId);
  const next = after === undefined ? page : page.where('webhookEndpointId', '>', after);
  const rows = await next.orderBy('webhookEndpointId').limit(ROWS_PER_TRANSACTION).forNoKeyUpdate().execute();
  let renewed = 0;
  for (const { webhookEndpointId: endpointId, ...before } of rows) {
    const renew = async (location: Parameters<Encryption['renew']>[1], encrypted: string) => {
      const again = await encryption.renew(work, location, encrypted);
      if (again !== undefined) renewed += 1;
      return again ?? encrypted;
    };
    const earlier = renewed;
    const secrets = [];
    for (const secret of before.secrets)
      secrets.push({
        ...secret,
        encrypted: await renew(endpointSecretsLocation({ endpointId }), secret.encrypted),
      });
    const headers =
      before.headers === null ? null : await renew(endpointHeadersLocation({ endpointId }), before.headers);
    if (renewed === earlier) continue;
    await sql`
      update webhook_endpoints set secrets = ${JSON.stringify(secrets)}::jsonb, headers = ${headers}
      where tenant_id = ${tenantId} and webhook_endpoint_id = ${endpointId}`.execute(trx);
  }
  return { secrets: renewed, lastId: rows[ROWS_PER_TRANSACTION - 1]?.webhookEndpointId };
}

async function renewErasureKey(work: TenantWork, encryption: Encryption): Promise<number> {
  const { trx, tenantId } = work;
  const keys = trx.selectFrom('erasureKeys').select('secret').where('tenantId', '=', tenantId);
  const before = (await keys.executeTakeFirst())?.secret;
  if (before === undefined) return 0;
  const secret = await encryption.renew(work, erasureKeyLocation(tenantId), before);
  if (secret === undefined) return 0;
  const { numUpdatedRows } = await trx
    .updateTable('erasureKeys')
    .set({ secret })
    .where('tenantId', '=', tenantId)
    .where('secret', '=', before)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** @returns the exit code. */
async function main(url: string, keys: string, kind: string | undefined): Promise<number> {
  const encryption = createEncryption({ keys: parseEncryptionKeys(keys) });
  const database = new Database({ url, poolSize: 1, statementTimeoutMs: 60_000 });
  try {
    await encryption.verify(database);
    const { rewrapped } = await encryption.rewrap(database);
    console.log(`Data keys wrapped with the first key of ENCRYPTION_KEYS: ${rewrapped}.`);
    if (kind === undefined) return 0;
    const { tenants, secrets, unreadable } = await rotateDataKeys(database, encryption, console.error);
    console.log(`New data keys: ${tenants}. Secrets encrypted with them: ${secrets}.`);
    if (unreadable === 0) return 0;
    console.error(`Secrets that cannot be decrypted: ${unreadable}. Enter or create each of them again.`);
    return SOME_UNREADABLE;
  } finally {
    await database.close();
  }
}

if (require.main === module) {
  const { DATABASE_URL: url, ENCRYPTION_KEYS: keys } = process.env;
  const [kind, ...more] = process.argv.slice(2);
  if (url === undefined || keys === undefined || more.length > 0 || (kind ?? 'data-keys') !== 'data-keys') {
    console.error('Set DATABASE_URL and ENCRYPTION_KEYS: npm run rotate-keys [-- data-keys]');
    process.exit(2);
  }
  main(url, keys, kind).then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
      console.error((error as Error).message);
      process.exit(1);
    },
  );
}
