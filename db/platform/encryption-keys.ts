/** The keys of ENCRYPTION_KEYS. */
export interface EncryptionKey {
  keyId: string;
  /** 32 bytes. */
  secret: Buffer;
}

/**
 * A secret cannot be decrypted, or the keys are not the ones of the stored data. The message contains no
 * secret.
 */
export class EncryptionError extends Error {}

export const KEY_BYTES = 32;

/**
 * Reads `kid:base64of32bytes[,kid2:…]`; the first key is the current one, the others only decrypt.
 * @throws EncryptionError that names the wrong key.
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
      'ENCRYPTION_KEYS is malformed. Write it as id:base64[,id2:base64], ' +
        'with ids of letters, digits, "_" and "-".',
    );
  }
  const secret = Buffer.from(encoded, 'base64');
  if (secret.length !== KEY_BYTES)
    throw new EncryptionError(
      `The key "${keyId}" of ENCRYPTION_KEYS has ${secret.length} bytes instead of 32. ` +
        'Create one with openssl rand -base64 32.',
    );
  return { keyId, secret };
}
