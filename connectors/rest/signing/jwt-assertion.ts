/** Assertions of RFC 7523: what a private key vouches for, instead of a secret. */
import { type KeyObject, randomUUID } from 'node:crypto';
import { clockMs } from '../../clock';
import type { AuthConfig } from '../config/config-auth';
import { fillText, type Variables } from '../http/templates';
import { KeyProblem, readPrivateKey } from './pem';

export type JwtBearerConfig = Extract<AuthConfig, { type: 'oauth2_jwt_bearer' }>;

/** The clock of a server may be behind: an assertion from its future would be refused. */
const BACKDATED_SECONDS = 30;

const KINDS: Readonly<Record<string, { kind: string; curve?: string; words: string }>> = {
  RS: { kind: 'rsa', words: 'an RSA key' },
  PS: { kind: 'rsa', words: 'an RSA key' },
  ES256: { kind: 'ec', curve: 'prime256v1', words: 'a key of the curve P-256' },
  ES384: { kind: 'ec', curve: 'secp384r1', words: 'a key of the curve P-384' },
  EdDSA: { kind: 'ed25519', words: 'an Ed25519 key' },
};

/** Throws KeyProblem. */
export function assertionKey(algorithm: JwtBearerConfig['algorithm'], text: string): KeyObject {
  const { key } = readPrivateKey(text);
  const wanted = KINDS[algorithm] ?? KINDS[algorithm.slice(0, 2)];
  const isOfKind =
    key.asymmetricKeyType === wanted?.kind &&
    (wanted?.curve === undefined || key.asymmetricKeyDetails?.namedCurve === wanted.curve);
  if (!isOfKind)
    throw new KeyProblem(`${algorithm} needs ${wanted?.words}. This key is of the kind ${kindOf(key)}.`);
  return key;
}

const kindOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string =>
  [asymmetricKeyType, asymmetricKeyDetails?.namedCurve].filter((part) => part !== undefined).join(' ');

/** Throws KeyProblem, and UnusableValue for a credential that a claim cannot hold. */
export async function signAssertion(
  { algorithm, claims, key_id: keyId, lifetime_seconds: lifetime, token_url: tokenUrl }: JwtBearerConfig,
  privateKey: string,
  credential: Variables,
): Promise<string> {
  const key = assertionKey(algorithm, privateKey);
  const { SignJWT } = await import('jose');
  const filled = Object.entries({ aud: tokenUrl, ...claims }).map(([name, value]) => [
    name,
    typeof value === 'string' ? fillText(value, credential) : value,
  ]);
  const issuedAt = Math.floor(clockMs() / 1_000) - BACKDATED_SECONDS;
  return new SignJWT(Object.fromEntries(filled) as Record<string, unknown>)
    .setProtectedHeader({
      alg: algorithm,
      typ: 'JWT',
      ...(keyId === undefined ? {} : { kid: fillText(keyId, credential) }),
    })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetime)
    .setJti(randomUUID())
    .sign(key);
}
