/** Private keys and certificates in PEM form, as people paste them: also in one line, or with `\n` in it. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** Why a key cannot be used, for people. Names no part of it. */
export class KeyProblem extends Error {}

const RSA_BITS_MIN = 2_048;
/** Beyond this a single signature takes seconds. */
const RSA_BITS_MAX = 8_192;

interface Block {
  label: string;
  pem: string;
}

/** The blocks of a text. Throws KeyProblem if one cannot be read. */
function blocksOf(text: string): Block[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----/gs)].map(
    ([, label = '', body = '']) => {
      if (label.startsWith('ENCRYPTED') || body.includes('Proc-Type'))
        throw new KeyProblem('The private key is protected by a password. Save it without one.');
      const base64 = body.replaceAll(/\\[rn]|\s/g, '');
      if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
        throw new KeyProblem(`The part "${label}" cannot be read. Copy the whole file again.`);
      const lines = base64.replaceAll(/.{64}(?=.)/g, '$&\n');
      return { label, pem: `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n` };
    },
  );
}

/** @returns the key and its PEM form. Throws KeyProblem. */
export function readPrivateKey(text: string): { key: KeyObject; pem: string } {
  const blocks = blocksOf(text);
  const block = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) {
    const [other] = blocks;
    const found = other === undefined ? '' : ` This is "${other.label}".`;
    throw new KeyProblem(`Enter a private key that begins with "-----BEGIN PRIVATE KEY-----".${found}`);
  }
  const key = parsed(() => createPrivateKey(block.pem));
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX))
    throw new KeyProblem(`The key has ${bits} bits. Use one of ${RSA_BITS_MIN} to ${RSA_BITS_MAX}.`);
  return { key, pem: block.pem };
}

/**
 * @returns the certificates, the one of the key first. Throws KeyProblem: unreadable, expired, or of another
 * key.
 */
export function readCertificate(text: string, key: KeyObject, now: Date): string {
  const blocks = blocksOf(text).filter(({ label }) => label === 'CERTIFICATE');
  const [first] = blocks;
  if (first === undefined)
    throw new KeyProblem('Enter a certificate that begins with "-----BEGIN CERTIFICATE-----".');
  const certificates = blocks.map(({ pem }) => parsed(() => new X509Certificate(pem)));
  const [own] = certificates as [X509Certificate];
  if (!own.checkPrivateKey(key))
    throw new KeyProblem('The certificate is of another private key. Enter both of the same pair.');
  if (new Date(own.validTo) < now) throw new KeyProblem(`The certificate has expired on ${own.validTo}.`);
  return blocks.map(({ pem }) => pem).join('');
}

function parsed<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch {
    // OpenSSL's own words name its files.
    throw new KeyProblem('It cannot be read. Copy the whole file again, with its first and last line.');
  }
}
