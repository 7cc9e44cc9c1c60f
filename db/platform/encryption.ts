/**
 * Envelope encryption of stored secrets. Each tenant has a data key, wrapped by a key of ENCRYPTION_KEYS. A
 * secret is encrypted with the data key and bound to its location: moved to another tenant, row or column it
 * cannot be decrypted.
 * No process re-wraps data keys at its start, because other processes may not know its keys yet. Both keys
 * are rotated by `npm run rotate-keys` (db/rotate-keys.ts).
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, TenantWork, Work } from '../database';
import { databaseNowMs, newUuid, timeOfId, toTypeId } from '../sql/ids';
import { PLATFORM_TENANT_ID } from '../tables/tenants';
import { boundTo, decryptText, type EncryptedLocation, encryptText, keyIdOf } from './encrypted-text';
import { EncryptionError, type EncryptionKey, KEY_BYTES } from './encryption-keys';

export interface Encryption {
  /** @returns the encrypted text. Creates the tenant's data key in this transaction if there is none yet. */
  encrypt(work: TenantWork, location: EncryptedLocation, plaintext: string): Promise<string>;
  /**
   * @throws EncryptionError if the text was encrypted for another tenant or location, or its key is missing.
   */
  open(work: TenantWork, location: EncryptedLocation, encryptedText: string): Promise<string>;
  /** Signs a text for a purpose, for links that work without a sign-in. */
  sign(purpose: string, text: string): string;
  /** Whether one of the keys has signed it. */
  isSigned(purpose: string, text: string, signature: string): boolean;
  /**
   * Call it before serving anything: proves that every data key can be unwrapped.
   * @throws EncryptionError if a key is missing or wrong; the process must not start then.
   */
  verify(database: Database): Promise<void>;
  /** Wraps the data keys that another key has wrapped with the first key of ENCRYPTION_KEYS. */
  rewrap(database: Database): Promise<{ rewrapped: number }>;
  /** From the commit on, every process encrypts this tenant's secrets with a new data key. */
  addDataKey(work: TenantWork): Promise<void>;
  /** @returns the secret under the newest data key; undefined if it is encrypted with that one already. */
  renew(work: TenantWork, location: EncryptedLocation, encryptedText: string): Promise<string | undefined>;
}

export function createEncryption({ keys }: { keys: readonly EncryptionKey[] }): Encryption {
  const dataKeys = new DataKeys(keys);
  const open: Encryption['open'] = async (work, location, encryptedText) => {
    const secret = await dataKeys.read(work, keyIdOf(encryptedText));
    try {
      return decryptText(secret, boundTo(work.tenantId, location), encryptedText).toString('utf8');
    } catch {
      throw new EncryptionError(
        `The secret in ${location.table}.${location.column} was altered, or encrypted for another row.`,
      );
    }
  };
  return {
    async encrypt(work, location, plaintext) {
      await sql`select pg_advisory_xact_lock_shared(${encryptingLock(work)})`.execute(work.trx);
      const key = await dataKeys.readOrCreate(work);
      return encryptText(key, boundTo(work.tenantId, location), Buffer.from(plaintext, 'utf8'));
    },

    open,

    sign: (purpose, text) => signatureBy(keys[0], purpose, text).toString('base64url'),

    isSigned(purpose, text, signature) {
      const given = Buffer.from(signature, 'base64url');
      return keys.some((key) => {
        const expected = signatureBy(key, purpose, text);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
    },

    verify: (database) => dataKeys.verifyAll(database),
    rewrap: (database) => dataKeys.rewrapAll(database),
    addDataKey: (work) => dataKeys.replace(work),

    async renew(work, location, encryptedText) {
      const key = await dataKeys.readOrCreate(work);
      if (keyIdOf(encryptedText) === key.keyId) return undefined;
      const plaintext = await open(work, location, encryptedText);
      return encryptText(key, boundTo(work.tenantId, location), Buffer.from(plaintext, 'utf8'));
    },
  };
}

const encryptingLock = ({ tenantId }: TenantWork) => sql`hashtextextended(${`encrypting ${tenantId}`}, 0)`;

/** False while a transaction is open that has encrypted a secret, maybe with a data key that was replaced. */
export async function isNoSecretUnderWay(work: TenantWork): Promise<boolean> {
  const { rows } = await sql<{ isNone: boolean }>`
    select pg_try_advisory_xact_lock(${encryptingLock(work)}) as is_none`.execute(work.trx);
  return rows[0]?.isNone === true;
}

function signatureBy(key: EncryptionKey | undefined, purpose: string, text: string): Buffer {
  if (key === undefined) throw new EncryptionError('There is no encryption key. Set ENCRYPTION_KEYS.');
  // A key of its own for each purpose, so that the encryption key itself signs nothing.
  const derived = createHmac('sha256', key.secret).update(`signature ${purpose}`).digest();
  return createHmac('sha256', derived).update(text).digest();
}

interface StoredKey {
  tenantKeyId: string;
  wrappedKey: string;
}

type KeyOfTenant = StoredKey & { tenantId: string };

/** Data keys that one statement reads and one transaction re-wraps. */
const CHUNK = 500;

/**
 * Data keys by tenant. They are read from the database each time: unwrapping takes microseconds, and a cached
 * key whose transaction was rolled back would encrypt secrets that can never be decrypted.
 */
class DataKeys {
  readonly #current: EncryptionKey;
  readonly #secrets: ReadonlyMap<string, Buffer>;

  constructor(keys: readonly EncryptionKey[]) {
    const [current] = keys;
    if (current === undefined) throw new EncryptionError('There is no encryption key. Set ENCRYPTION_KEYS.');
    this.#current = current;
    this.#secrets = new Map(keys.map(({ keyId, secret }) => [keyId, secret]));
  }

  async readOrCreate(work: TenantWork): Promise<EncryptionKey> {
    const stored = await newestKey(work);
    if (stored === undefined) return this.create(work);
    return { keyId: stored.tenantKeyId, secret: this.#unwrap(work.tenantId, stored) };
  }

  /** The newest key has the highest id, also if the clock was set back since the last one was made. */
  async replace(work: TenantWork): Promise<void> {
    const newest = await newestKey(work);
    const after = newest === undefined ? 0 : timeOfId(newest.tenantKeyId);
    await this.create(work, newUuid(Math.max(databaseNowMs(), after + 1)));
  }

  async create({ trx, tenantId, now }: TenantWork, keyId = newUuid()): Promise<EncryptionKey> {
    const created = { keyId, secret: randomBytes(KEY_BYTES) };
    const wrappedKey = this.#wrap(tenantId, created.keyId, created.secret);
    await trx
      .insertInto('tenantKeys')
      .values({ tenantId, tenantKeyId: created.keyId, wrappedKey, createdAt: now })
      .execute();
    return created;
  }

  async read({ trx, tenantId }: TenantWork, tenantKeyId: string): Promise<Buffer> {
    const stored = await trx
      .selectFrom('tenantKeys')
      .select(['tenantKeyId', 'wrappedKey'])
      .where('tenantId', '=', tenantId)
      .where('tenantKeyId', '=', tenantKeyId)
      .executeTakeFirst();
    if (stored === undefined)
      throw new EncryptionError('The secret was encrypted with a data key that this tenant does not have.');
    return this.#unwrap(tenantId, stored);
  }

  async verifyAll(database: Database): Promise<void> {
    for await (const rows of this.#chunks(database)) for (const row of rows) this.#unwrap(row.tenantId, row);
  }

  /** A transaction per chunk. A key that another command has re-wrapped meanwhile is left as it is. */
  async rewrapAll(database: Database): Promise<{ rewrapped: number }> {
    let rewrapped = 0;
    for await (const rows of this.#chunks(database)) {
      const others = rows.filter(({ wrappedKey }) => keyIdOf(wrappedKey) !== this.#current.keyId);
      rewrapped += await database.withPlatform((work) => this.#rewrap(work, others));
    }
    return { rewrapped };
  }

  async #rewrap({ trx }: Work, rows: readonly KeyOfTenant[]): Promise<number> {
    let rewrapped = 0;
    for (const { tenantId, tenantKeyId, wrappedKey } of rows) {
      const secret = this.#unwrap(tenantId, { tenantKeyId, wrappedKey });
      const { numUpdatedRows } = await trx
        .updateTable('tenantKeys')
        .set({ wrappedKey: this.#wrap(tenantId, tenantKeyId, secret) })
        .where('tenantId', '=', tenantId)
        .where('tenantKeyId', '=', tenantKeyId)
        .where('wrappedKey', '=', wrappedKey)
        .executeTakeFirst();
      rewrapped += Number(numUpdatedRows);
    }
    return rewrapped;
  }

  /** All data keys in the order of the primary key, so that two commands cannot deadlock. */
  async *#chunks(database: Database): AsyncGenerator<KeyOfTenant[]> {
    let last = { tenantId: PLATFORM_TENANT_ID, tenantKeyId: PLATFORM_TENANT_ID };
    for (;;) {
      const after = sql`(${last.tenantId}::uuid, ${last.tenantKeyId}::uuid)`;
      const rows = await database.withPlatform(({ trx }) =>
        trx
          .selectFrom('tenantKeys')
          .select(['tenantId', 'tenantKeyId', 'wrappedKey'])
          .where(sql<boolean>`(tenant_id, tenant_key_id) > ${after}`)
          .orderBy('tenantId')
          .orderBy('tenantKeyId')
          .limit(CHUNK)
          .execute(),
      );
      const end = rows.at(-1);
      if (end === undefined) return;
      yield rows;
      last = end;
    }
  }

  #wrap(tenantId: string, tenantKeyId: string, secret: Buffer): string {
    return encryptText(this.#current, boundTo(tenantId, locationOfKey(tenantKeyId)), secret);
  }

  #unwrap(tenantId: string, { tenantKeyId, wrappedKey }: StoredKey): Buffer {
    const keyId = keyIdOf(wrappedKey);
    const secret = this.#secrets.get(keyId);
    if (secret === undefined)
      throw new EncryptionError(
        `ENCRYPTION_KEYS lacks the key "${keyId}" that stored data keys were wrapped with. ` +
          'Add it back, after the current one. `npm run rotate-keys` makes it dispensable.',
      );
    try {
      return decryptText(secret, boundTo(tenantId, locationOfKey(tenantKeyId)), wrappedKey);
    } catch {
      throw new EncryptionError(
        `The key "${keyId}" of ENCRYPTION_KEYS is not the one that stored data keys were wrapped with. ` +
          'Restore the original key. If other tenants have no such error, the data key of ' +
          `${toTypeId('ten', tenantId)} was altered.`,
      );
    }
  }
}

/** Secrets are encrypted with it. */
export const newestKey = ({ trx, tenantId }: TenantWork) =>
  trx
    .selectFrom('tenantKeys')
    .select(['tenantKeyId', 'wrappedKey', 'createdAt'])
    .where('tenantId', '=', tenantId)
    .orderBy('tenantKeyId', 'desc')
    .limit(1)
    .executeTakeFirst();

const locationOfKey = (tenantKeyId: string): EncryptedLocation => ({
  table: 'tenant_keys',
  rowId: tenantKeyId,
  column: 'wrapped_key',
});
