/**
 * The text of an API key: `syncline_live_<8 id>_<43 base62, 256 bit>_<6 crc32>`. Scanners find leaked ones by
 * `syncline_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}`; the checksum rejects mistyped keys without a
 * database query.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PATTERN = /^(syncline_live_([0-9A-Za-z]{8})_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 8;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

/** Creates a key. The text is shown once and never stored. */
export function makeApiKey(): { text: string; publicId: string } {
  const publicId = base62(BigInt(`0x${randomBytes(16).toString('hex')}`), ID_LENGTH);
  const secret = base62(BigInt(`0x${randomBytes(32).toString('hex')}`), SECRET_LENGTH);
  const head = `syncline_live_${publicId}_${secret}`;
  return { text: `${head}_${checksum(head)}`, publicId };
}

/** The public part of a well-formed key; undefined for any other text. */
export function publicIdOf(text: string): string | undefined {
  const [, head, publicId, sum] = PATTERN.exec(text) ?? [];
  return head !== undefined && sum === checksum(head) ? publicId : undefined;
}

export function hashOfKey(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Compares hashes in constant time, so the time reveals neither the length nor the content. */
export function isSameKey(hash: Buffer, otherHash: Buffer): boolean {
  return hash.length === otherHash.length && timingSafeEqual(hash, otherHash);
}

function checksum(head: string): string {
  return base62(BigInt(crc32(head)), CHECKSUM_LENGTH);
}

/** The last `length` digits; 43 digits hold 256 bits. */
function base62(value: bigint, length: number): string {
  let digits = '';
  for (let rest = value; digits.length < length; rest /= 62n)
    digits = `${DIGITS[Number(rest % 62n)]}${digits}`;
  return digits;
}
