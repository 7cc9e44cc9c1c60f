/**
 * Signatures by Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, one for each active secret (rules.md
 * 44).
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';

export interface SignedMessage {
  /** The event's id, the same on every attempt. Contains no full stop. */
  id: string;
  /** The time of this attempt, in seconds since 1970. */
  timestamp: number;
  body: string;
}

/** The keys of `secrets`, `whsec_` and base64, for many signatures. */
export function signingKeys(secrets: readonly string[]): KeyObject[] {
  return secrets.map((secret) =>
    createSecretKey(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret, 'base64'),
  );
}

/** The value of `webhook-signature`. `keys`: of the newest secret first. */
export function signWebhook(keys: readonly KeyObject[], { id, timestamp, body }: SignedMessage): string {
  const signed = `${id}.${timestamp}.${body}`;
  return keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`).join(' ');
}
