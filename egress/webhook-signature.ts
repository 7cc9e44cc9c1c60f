/**
 * Signatures by Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, one for each active secret (rules.md
 * 44).
 */
import { createHmac } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';

export interface SignedMessage {
  /** The event's id, the same on every attempt. Contains no full stop. */
  id: string;
  /** The time of this attempt, in seconds since 1970. */
  timestamp: number;
  body: string;
}

/** The value of `webhook-signature`. `secrets`: `whsec_` and base64, the newest first. */
export function signWebhook(secrets: readonly string[], { id, timestamp, body }: SignedMessage): string {
  return secrets
    .map(
      (secret) =>
        `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest('base64')}`,
    )
    .join(' ');
}

function keyOf(secret: string): Buffer {
  return Buffer.from(
    secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret,
    'base64',
  );
}
