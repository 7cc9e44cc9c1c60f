/**
 * How an id is written where people and programs see it: TypeID, a prefix that says what it is of and the
 * UUID in Crockford's base 32 (`int_01h455vb4pex5vsknk084sn02q`). The same in the API, in Temporal's UI and
 * in the logs.
 */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Ten bits each: two digits. */
const PAIRS = Array.from({ length: 1_024 }, (_, bits) => `${ALPHABET[bits >> 5]}${ALPHABET[bits & 31]}`);

/**
 * @param uuid in its usual form of 36 characters. Written out here, without a package, because workflow ids
 * are built from it.
 */
export function typeIdOf(prefix: string, uuid: string): string {
  const hex = uuid.replaceAll('-', '');
  // 128 bits are 26 digits: the first eight bits, then twenty at a time.
  let suffix = PAIRS[Number.parseInt(hex.slice(0, 2), 16)] as string;
  for (let at = 2; at < 32; at += 5) {
    const bits = Number.parseInt(hex.slice(at, at + 5), 16);
    suffix += `${PAIRS[bits >> 10]}${PAIRS[bits & 1_023]}`;
  }
  return `${prefix}_${suffix}`;
}
