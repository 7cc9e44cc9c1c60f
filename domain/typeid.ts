/**
 * How an id is written where people and programs see it: TypeID, a prefix that says what it is of and the
 * UUID in Crockford's base 32 (`int_01h455vb4pex5vsknk084sn02q`). The same in the API, in Temporal's UI and
 * in the logs.
 */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * @param uuid in its usual form of 36 characters. Written out here, without a package, because workflow ids
 * are built from it.
 */
export function typeIdOf(prefix: string, uuid: string): string {
  let rest = BigInt(`0x${uuid.replaceAll('-', '')}`);
  let suffix = '';
  for (let position = 0; position < 26; position += 1) {
    suffix = ALPHABET[Number(rest & 31n)] + suffix;
    rest >>= 5n;
  }
  return `${prefix}_${suffix}`;
}
