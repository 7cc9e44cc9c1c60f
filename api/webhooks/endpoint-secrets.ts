/** Secrets that sign webhook deliveries: created, and rotated with an overlap (rules.md 44). */
import { randomBytes } from 'node:crypto';
import type { TenantWork } from '../../db/database';
import { type Endpoint, endpointSecretsLocation } from '../../db/webhooks/endpoints';
import type { RouteServices } from '../dependencies';
import { HttpError } from '../http/http-error';

const ACTIVE_SECRETS_MAX = 3;
const SECRET_BYTES = 32;
const OVERLAP_MS = 24 * 3_600_000;

type Services = Pick<RouteServices, 'encryption'>;

export async function createEndpointSecret(
  work: TenantWork,
  endpointId: string,
  { encryption }: Services,
): Promise<{ secret: string; encrypted: string }> {
  const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
  const encrypted = await encryption.encrypt(work, endpointSecretsLocation({ endpointId }), secret);
  return { secret, encrypted };
}

/** Old secrets stay active for 24 hours. Throws `too_many_secrets`. */
export async function rotateSecrets(work: TenantWork, endpoint: Endpoint, services: Services) {
  const active = endpoint.secrets.filter(
    ({ expiresAt }) => expiresAt === null || new Date(expiresAt) > work.now,
  );
  if (active.length >= ACTIVE_SECRETS_MAX) throw new HttpError('too_many_secrets');
  const { secret, encrypted } = await createEndpointSecret(work, endpoint.webhookEndpointId, services);
  const until = new Date(work.now.getTime() + OVERLAP_MS).toISOString();
  const old = active.map((earlier) => ({ ...earlier, expiresAt: earlier.expiresAt ?? until }));
  return { secret, secrets: [{ encrypted, expiresAt: null }, ...old] };
}
