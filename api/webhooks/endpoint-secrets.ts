/**
 * Secrets of webhook endpoints: those that sign deliveries, rotated with an overlap (rules.md 44), and
 * headers for the receiver.
 */
import { randomBytes } from 'node:crypto';
import type { TenantWork } from '../../db/database';
import { type Endpoint, endpointHeadersLocation, endpointSecretsLocation } from '../../db/webhooks/endpoints';
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

/** Headers by lower-case name, for the row; null removes them all. */
export async function sealHeaders(
  work: TenantWork,
  endpointId: string,
  headers: Readonly<Record<string, string>> | null,
  { encryption }: Services,
): Promise<Pick<Endpoint, 'headers' | 'headerNames'>> {
  const headerNames = Object.keys(headers ?? {}).toSorted();
  if (headerNames.length === 0) return { headers: null, headerNames };
  const location = endpointHeadersLocation({ endpointId });
  return { headers: await encryption.encrypt(work, location, JSON.stringify(headers)), headerNames };
}

/** Headers are secrets of one receiver: another scheme, host or port does not get them. */
export function requireHeadersForNewHost(
  { url, headerNames }: Pick<Endpoint, 'url' | 'headerNames'>,
  change: { url?: string | undefined; headers?: object | null | undefined },
): void {
  if (headerNames.length === 0 || change.url === undefined || change.headers !== undefined) return;
  if (new URL(url).origin !== new URL(change.url).origin) throw new HttpError('endpoint_headers_required');
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
