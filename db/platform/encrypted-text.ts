/** AES-256-GCM texts: `v1.<key id>.<iv>.<ciphertext>.<tag>`, the last three in base64url. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { EncryptionError, type EncryptionKey } from './encryption-keys';

/** Where a secret is stored. A text encrypted for one location cannot be decrypted for another. */
export interface EncryptedLocation {
  table: string;
  rowId: string;
  column: string;
}

const FORMAT = 'v1';
const IV_BYTES = 12;

/** The additional authenticated data that binds a text to its tenant and location. */
export function boundTo(tenantId: string, { table, rowId, column }: EncryptedLocation): Buffer {
  return Buffer.from([FORMAT, tenantId, table, rowId, column].join('|'), 'utf8');
}

export function encryptText(key: EncryptionKey, additionalData: Buffer, plaintext: Buffer): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.secret, iv).setAAD(additionalData);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const parts = [iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'));
  return [FORMAT, key.keyId, ...parts].join('.');
}

/** @throws if the key, the location or the text is not the one it was encrypted with. */
export function decryptText(secret: Buffer, additionalData: Buffer, text: string): Buffer {
  const { iv, ciphertext, tag } = parse(text);
  const decipher = createDecipheriv('aes-256-gcm', secret, iv, { authTagLength: 16 })
    .setAAD(additionalData)
    .setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

/** The id of the key that a text was encrypted with. */
export const keyIdOf = (text: string): string => parse(text).keyId;

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
    throw new EncryptionError(
      'An encrypted text does not have the form v1.<key id>.<iv>.<ciphertext>.<tag>.',
    );
  }
  return {
    keyId,
    iv: Buffer.from(iv, 'base64url'),
    ciphertext: Buffer.from(ciphertext, 'base64url'),
    tag: Buffer.from(tag, 'base64url'),
  };
}
