/**
 * Secrets at rest. Each tenant has a data key of its own, kept wrapped by a key of ENCRYPTION_KEYS;
 * a secret is sealed by the data key and bound to its place, so that a sealed text moved to another tenant,
 * row or column does not open. Changing the first key of ENCRYPTION_KEYS rewraps the data keys at the next
 * start; the secrets stay as they are.
 *
 * Sealed text: `v1.<key id>.<iv>.<ciphertext>.<tag>`, AES-256-GCM, the last three in base64url.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Database, TenantWork } from '../database';
import { newUuid } from '../sql/ids';

/** Where a secret lives. What was sealed for one place opens in no other. */
export interface EncryptedLocation {
  table: string;
  rowId: string;
  column: string;
}

export interface EncryptionKey {
  keyId: string;
  /** 32 bytes. */
  secret: Buffer;
}

export interface Encryption {
  /** Answers the sealed text. Makes the tenant's data key in the same transaction if there is none yet. */
  encrypt(work: TenantWork, place: EncryptedLocation, plaintext: string): Promise<string>;
  /**
   * Throws `EncryptionError` when the text was not sealed for this tenant and place, or its key is missing.
   */
  open(work: TenantWork, place: EncryptedLocation, encryptedText: string): Promise<string>;
  /**
   * To be called before anything is served: proves that every tenant's data key opens, and rewraps those that
   * an older key wrapped. Throws `EncryptionError` when a key is missing or wrong; then the process must not
   * start.
   */
  prepare(database: Database): Promise<{ rewrapped: number }>;
}

/** A secret cannot be opened, or the keys given cannot open what is stored. The message holds no secret. */
export class EncryptionError extends Error {}

const FORMAT = 'v1';
const IV_BYTES = 12;
const KEY_BYTES = 32;

/**
 * Reads `kid:base64of32bytes[,kid2:…]`; the first key is the current one, the others only open.
 * @throws EncryptionError that says what is wrong with which key.
 */
export function parseEncryptionKeys(text: string): EncryptionKey[] {
  const keys = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parseEncryptionKey);
  if (keys.length === 0)
    throw new EncryptionError(
      'ENCRYPTION_KEYS holds no key. Give at least one: k1:<32 random bytes in base64>.',
    );
  const repeated = keys.find((key, index) => keys.findIndex((other) => other.keyId === key.keyId) !== index);
  if (repeated !== undefined)
    throw new EncryptionError(
      `ENCRYPTION_KEYS names the key "${repeated.keyId}" twice. Give each key an id of its own.`,
    );
  return keys;
}

function parseEncryptionKey(entry: string): EncryptionKey {
  const [, keyId, encoded] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/_-]+={0,2})$/.exec(entry) ?? [];
  if (keyId === undefined || encoded === undefined) {
    throw new EncryptionError(
      'ENCRYPTION_KEYS cannot be read. Write it as id:base64[,id2:base64], ids of letters, digits, "_" and "-".',
    );
  }
  const secret = Buffer.from(encoded, 'base64');
  if (secret.length !== KEY_BYTES)
    throw new EncryptionError(
      `The key "${keyId}" of ENCRYPTION_KEYS has ${secret.length} bytes; 32 are needed (openssl rand -base64 32).`,
    );
  return { keyId, secret };
}

export function createEncryption({ keys }: { keys: readonly EncryptionKey[] }): Encryption {
  const current = keys[0];
  if (current === undefined) throw new EncryptionError('There is no encryption key. Set ENCRYPTION_KEYS.');
  const ring = new Map(keys.map((key) => [key.keyId, key.secret]));

  function unwrap(tenantId: string, row: { tenantKeyId: string; wrappedKey: string }): Buffer {
    const { keyId } = parse(row.wrappedKey);
    const secret = ring.get(keyId);
    if (secret === undefined)
      throw new EncryptionError(
        `ENCRYPTION_KEYS lacks the key "${keyId}" that stored data keys were wrapped with. Add it back, after the current one.`,
      );
    try {
      return decrypt(secret, aad(tenantId, placeOfKey(row.tenantKeyId)), row.wrappedKey);
    } catch {
      throw new EncryptionError(
        `The key "${keyId}" of ENCRYPTION_KEYS is not the one that stored data keys were wrapped with. Restore the original key.`,
      );
    }
  }

  function wrap(tenantId: string, tenantKeyId: string, secret: Buffer): string {
    return encrypt(current as EncryptionKey, aad(tenantId, placeOfKey(tenantKeyId)), secret);
  }

  // Data keys are read anew each time: unwrapping costs microseconds, and a remembered key whose transaction
  // was rolled back would seal secrets that nobody can ever open.
  async function currentDataKey({ trx, tenantId, now }: TenantWork): Promise<EncryptionKey> {
    const stored = await trx
      .selectFrom('tenantKeys')
      .select(['tenantKeyId', 'wrappedKey'])
      .where('tenantId', '=', tenantId)
      .orderBy('tenantKeyId', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (stored !== undefined) return { keyId: stored.tenantKeyId, secret: unwrap(tenantId, stored) };
    const made = { keyId: newUuid(), secret: randomBytes(KEY_BYTES) };
    const wrappedKey = wrap(tenantId, made.keyId, made.secret);
    await trx
      .insertInto('tenantKeys')
      .values({ tenantId, tenantKeyId: made.keyId, wrappedKey, createdAt: now })
      .execute();
    return made;
  }

  async function dataKey({ trx, tenantId }: TenantWork, tenantKeyId: string): Promise<Buffer> {
    const stored = await trx
      .selectFrom('tenantKeys')
      .select(['tenantKeyId', 'wrappedKey'])
      .where('tenantId', '=', tenantId)
      .where('tenantKeyId', '=', tenantKeyId)
      .executeTakeFirst();
    if (stored === undefined)
      throw new EncryptionError('The secret was sealed with a data key that this tenant does not have.');
    return unwrap(tenantId, stored);
  }

  return {
    async encrypt(work, place, plaintext) {
      return encrypt(await currentDataKey(work), aad(work.tenantId, place), Buffer.from(plaintext, 'utf8'));
    },

    async open(work, place, encryptedText) {
      const secret = await dataKey(work, parse(encryptedText).keyId);
      try {
        return decrypt(secret, aad(work.tenantId, place), encryptedText).toString('utf8');
      } catch {
        throw new EncryptionError(
          `The secret in ${place.table}.${place.column} was altered, or sealed for another row.`,
        );
      }
    },

    async prepare(database) {
      return database.withPlatform(async ({ trx }) => {
        let rewrapped = 0;
        // In the order of the primary key, so that two processes starting together do not wait for each other
        // in a circle.
        const stored = await trx
          .selectFrom('tenantKeys')
          .select(['tenantId', 'tenantKeyId', 'wrappedKey'])
          .orderBy('tenantId')
          .orderBy('tenantKeyId')
          .execute();
        for (const row of stored) {
          const secret = unwrap(row.tenantId, row);
          if (parse(row.wrappedKey).keyId === current.keyId) continue;
          const wrappedKey = wrap(row.tenantId, row.tenantKeyId, secret);
          await trx
            .updateTable('tenantKeys')
            .set({ wrappedKey })
            .where('tenantId', '=', row.tenantId)
            .where('tenantKeyId', '=', row.tenantKeyId)
            .execute();
          rewrapped += 1;
        }
        return { rewrapped };
      });
    },
  };
}

function placeOfKey(tenantKeyId: string): EncryptedLocation {
  return { table: 'tenant_keys', rowId: tenantKeyId, column: 'wrapped_key' };
}

function aad(tenantId: string, place: EncryptedLocation): Buffer {
  return Buffer.from([FORMAT, tenantId, place.table, place.rowId, place.column].join('|'), 'utf8');
}

function encrypt(key: EncryptionKey, additionalData: Buffer, plaintext: Buffer): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.secret, iv).setAAD(additionalData);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [
    FORMAT,
    key.keyId,
    ...[iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url')),
  ].join('.');
}

function decrypt(secret: Buffer, additionalData: Buffer, text: string): Buffer {
  const { iv, ciphertext, tag } = parse(text);
  const decipher = createDecipheriv('aes-256-gcm', secret, iv, { authTagLength: 16 })
    .setAAD(additionalData)
    .setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function parse(text: string): { keyId: string; iv: Buffer; ciphertext: Buffer; tag: Buffer } {
  const [format, keyId, iv, ciphertext, tag, ...rest] = text.split('.');
  if (
    format !== FORMAT ||
    keyId === undefined ||
    iv === undefined ||
    ciphertext === undefined ||
    tag === undefined ||
    rest.length > 0
  ) {
    throw new EncryptionError('A sealed text is not of the known form v1.<key id>.<iv>.<ciphertext>.<tag>.');
  }
  return {
    keyId,
    iv: Buffer.from(iv, 'base64url'),
    ciphertext: Buffer.from(ciphertext, 'base64url'),
    tag: Buffer.from(tag, 'base64url'),
  };
}
