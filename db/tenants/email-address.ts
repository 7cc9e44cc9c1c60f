/**
 * The one form in which e-mail addresses are compared: for look-ups, for counters of failed sign-ins, and for
 * addresses of identity providers. It is made here and stored. PostgreSQL never makes it: its lower() and
 * toLowerCase() differ (İ).
 */
import { domainToASCII, domainToUnicode } from 'node:url';

const ADDRESS_BYTES_MAX = 254;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^(?:${LABEL}\\.)+(?!\\d+$)${LABEL}$`);
/** RFC 5321 without quotes, and letters, marks and digits of any script (RFC 6531). */
const LOCAL_PART = /^(?!\.)(?!.*\.\.)(?!.*\.$)[\w!#$%&'*+/=?^`{|}~.\-\p{L}\p{M}\p{N}]{1,64}$/u;

/** The domain is in Punycode. Letters that lower case or NFKC make the same are the same. */
export function canonicalEmail(address: string): string {
  const { local, domain } = splitAddress(address);
  const folded = local.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ').normalize('NFKC');
  if (domain === undefined) return folded;
  return `${folded}@${domainToASCII(domain) || domain.normalize('NFKC').toLowerCase()}`;
}

/** False for an address that only looks like its canonical form, such as one with full-width letters. */
export function isWrittenPlainly(address: string): boolean {
  const { local, domain = '' } = splitAddress(address);
  const ascii = domainToASCII(domain);
  return (
    isNormalized(local) &&
    isNormalized(domain) &&
    [ascii, domainToUnicode(ascii)].includes(domain.normalize('NFC').toLowerCase())
  );
}

/** Composed or decomposed. The Kelvin sign is neither: both forms replace it by a K. */
const isNormalized = (text: string): boolean =>
  text.normalize('NFKC') === text.normalize('NFC') &&
  (text === text.normalize('NFC') || text === text.normalize('NFD'));

/** An address to which e-mail can be sent, internationalized ones included, and that is written plainly. */
export function isEmailAddress(address: string): boolean {
  const { local, domain } = splitAddress(canonicalEmail(address));
  return (
    domain !== undefined &&
    LOCAL_PART.test(local) &&
    DOMAIN.test(domain) &&
    isWrittenPlainly(address) &&
    Buffer.byteLength(address) <= ADDRESS_BYTES_MAX
  );
}

function splitAddress(address: string): { local: string; domain: string | undefined } {
  const at = address.lastIndexOf('@');
  return at < 0
    ? { local: address, domain: undefined }
    : { local: address.slice(0, at), domain: address.slice(at + 1) };
}
