/**
 * The text of an API key: `syncline_live_<8 id>_<43 base62, 256 bit>_<6 crc32>`. Scanners find leaked ones by
 * `syncline_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}`; the checksum refuses mistyped ones without a look at the database.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PATTERN = /^(syncline_live_([0-9A-Za-z]{8})_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 8;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

/** A new key. The text is shown once and kept by nobody here. */
export function makeApiKey(): { text: string; publicId: string } {
  const publicId = base62(BigInt(`0x${randomBytes(16).toString('hex')}`), ID_LENGTH);
  const secret = base62(BigInt(`0x${randomBytes(32).toString('hex')}`), SECRET_LENGTH);
  const head = `syncline_live_${publicId}_${secret}`;
  return { text: `${head}_${checksum(head)}`, publicId };
}

/** The public part of a well-formed key, else undefined. */
export function publicIdOf(text: string): string | undefined {
  const [, head, publicId, sum] = PATTERN.exec(text) ?? [];
  return head !== undefined && sum === checksum(head) ? publicId : undefined;
}

export function hashOfKey(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Compares hashes, so neither length nor content shows in the time it takes. */
export function isSameKey(hash: Buffer, otherHash: Buffer): boolean {
  return hash.length === otherHash.length && timingSafeEqual(hash, otherHash);
}

function checksum(head: string): string {
  return base62(BigInt(crc32(head)), CHECKSUM_LENGTH);
}

/** The last `length` digits: 43 hold 256 bits. */
function base62(value: bigint, length: number): string {
  let digits = '';
  for (let rest = value; digits.length < length; rest /= 62n)
    digits = `${DIGITS[Number(rest % 62n)]}${digits}`;
  return digits;
}
