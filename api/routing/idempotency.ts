/** Idempotency-Key: a repeated POST gets the stored response of the first one. */
import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { TenantWork } from '../../db/database';
import type { Encryption } from '../../db/platform/encryption';
import { claimIdempotencyKey, storeIdempotentAnswer } from '../../db/platform/idempotency';
import { HttpError } from '../http/http-error';
import type { JsonBody } from '../http/json-body';
import { readIdempotencyKey } from '../http/parse';
import { type Route, type RouteResponse, TenantIdTaken } from './define-route';

export interface Idempotency {
  key: string;
  /** SHA-256 of the request, to detect a key that is reused for another request. */
  fingerprint: Buffer;
  isResponseSecret: boolean;
}

export function readIdempotency(
  route: Route,
  request: Request,
  body: JsonBody | undefined,
): Idempotency | undefined {
  const key = readIdempotencyKey(request.get('idempotency-key'));
  if (key === undefined) return undefined;
  const fingerprint = createHash('sha256')
    .update(`${request.method}\n${request.originalUrl}\n${body?.text ?? ''}`)
    .digest();
  return { key, fingerprint, isResponseSecret: route.isResponseSecret === true };
}

/** Throws `idempotency_key_in_use` or `idempotency_key_reused`. */
export async function findEarlierResponse(
  work: TenantWork,
  { key, fingerprint, isResponseSecret }: Idempotency,
  encryption: Encryption,
): Promise<RouteResponse | undefined> {
  const claim = await claimIdempotencyKey(work, { key, fingerprint });
  switch (claim.kind) {
    case 'first':
      return undefined;
    case 'in_flight':
      throw new HttpError('idempotency_key_in_use', { headers: { 'Retry-After': '1' } });
    case 'other_request':
      throw new HttpError('idempotency_key_reused');
    case 'answered': {
      const { body, headers } = (
        isResponseSecret
          ? JSON.parse(await encryption.open(work, responseLocation(key), claim.response as string))
          : claim.response
      ) as Pick<RouteResponse, 'body' | 'headers'>;
      return { status: claim.status, body, headers: { ...headers, 'Idempotent-Replayed': 'true' } };
    }
  }
}

export async function storeResponse(
  work: TenantWork,
  { key, fingerprint, isResponseSecret }: Idempotency,
  { status, body, headers }: RouteResponse,
  encryption: Encryption,
): Promise<void> {
  const stored = { body, headers: headers ?? {} };
  const response = isResponseSecret
    ? await encryption.encrypt(work, responseLocation(key), JSON.stringify(stored))
    : stored;
  await storeIdempotentAnswer(work, { key, fingerprint, status, response });
}

function responseLocation(key: string) {
  return { table: 'idempotency_keys', rowId: key, column: 'response' };
}

/**
 * Idempotency keys belong to a tenant, and this request creates one, so the id of the tenant is derived from
 * the key. If a tenant was created with the same key more than 24 hours ago, its id is taken and the next
 * derived id is tried.
 */
export async function createWithDerivedTenantId(
  { key }: Idempotency,
  create: (tenantId: string) => Promise<RouteResponse>,
): Promise<RouteResponse> {
  for (let round = 0; ; round += 1) {
    try {
      return await create(tenantIdFrom(key, round));
    } catch (error) {
      if (!(error instanceof TenantIdTaken)) throw error;
    }
  }
}

function tenantIdFrom(key: string, round: number): string {
  const hex = createHash('sha256').update(`tenant ${round} ${key}`).digest('hex');
  const [first, second, third] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16)];
  return `${first}-${second}-8${third}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
