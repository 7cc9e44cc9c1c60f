/**
 * Envelope encryption of stored secrets. Each tenant has a data key, wrapped by a key of ENCRYPTION_KEYS. A
 * secret is encrypted with the data key and bound to its location: moved to another tenant, row or column it
 * cannot be decrypted.
 * A new first key of ENCRYPTION_KEYS re-wraps the data keys at the next start; the secrets are not touched.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Database, TenantWork, Work } from '../database';
import { newUuid } from '../sql/ids';
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
   * Call it before serving anything: proves that every data key can be unwrapped, and re-wraps those that an
   * older key wrapped. @throws EncryptionError if a key is missing or wrong; the process must not start then.
   */
  prepare(database: Database): Promise<{ rewrapped: number }>;
}

export function createEncryption({ keys }: { keys: readonly EncryptionKey[] }): Encryption {
  const dataKeys = new DataKeys(keys);
  return {
    async encrypt(work, location, plaintext) {
      const key = await dataKeys.readOrCreate(work);
      return encryptText(key, boundTo(work.tenantId, location), Buffer.from(plaintext, 'utf8'));
    },

    async open(work, location, encryptedText) {
      const secret = await dataKeys.read(work, keyIdOf(encryptedText));
      try {
        return decryptText(secret, boundTo(work.tenantId, location), encryptedText).toString('utf8');
      } catch {
        throw new EncryptionError(
          `The secret in ${location.table}.${location.column} was altered, or encrypted for another row.`,
        );
      }
    },

    sign: (purpose, text) => signatureBy(keys[0], purpose, text).toString('base64url'),

    isSigned(purpose, text, signature) {
      const given = Buffer.from(signature, 'base64url');
      return keys.some((key) => {
        const expected = signatureBy(key, purpose, text);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
    },

    prepare: (database) => database.withPlatform((work) => dataKeys.rewrapAll(work)),
  };
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

  async readOrCreate({ trx, tenantId, now }: TenantWork): Promise<EncryptionKey> {
    const stored = await trx
      .selectFrom('tenantKeys')
      .select(['tenantKeyId', 'wrappedKey'])
      .where('tenantId', '=', tenantId)
      .orderBy('tenantKeyId', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (stored !== undefined) return { keyId: stored.tenantKeyId, secret: this.#unwrap(tenantId, stored) };
    const created = { keyId: newUuid(), secret: randomBytes(KEY_BYTES) };
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

  /** In the order of the primary key, so that two processes that start together cannot deadlock. */
  async rewrapAll({ trx }: Work): Promise<{ rewrapped: number }> {
    let rewrapped = 0;
    const stored = await trx
      .selectFrom('tenantKeys')
      .select(['tenantId', 'tenantKeyId', 'wrappedKey'])
      .orderBy('tenantId')
      .orderBy('tenantKeyId')
      .execute();
    for (const row of stored) {
      const secret = this.#unwrap(row.tenantId, row);
      if (keyIdOf(row.wrappedKey) === this.#current.keyId) continue;
      const wrappedKey = this.#wrap(row.tenantId, row.tenantKeyId, secret);
      await trx
        .updateTable('tenantKeys')
        .set({ wrappedKey })
        .where('tenantId', '=', row.tenantId)
        .where('tenantKeyId', '=', row.tenantKeyId)
        .execute();
      rewrapped += 1;
    }
    return { rewrapped };
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
          'Add it back, after the current one.',
      );
    try {
      return decryptText(secret, boundTo(tenantId, locationOfKey(tenantKeyId)), wrappedKey);
    } catch {
      throw new EncryptionError(
        `The key "${keyId}" of ENCRYPTION_KEYS is not the one that stored data keys were wrapped with. ` +
          'Restore the original key.',
      );
    }
  }
}

const locationOfKey = (tenantKeyId: string): EncryptedLocation => ({
  table: 'tenant_keys',
  rowId: tenantKeyId,
  column: 'wrapped_key',
});
