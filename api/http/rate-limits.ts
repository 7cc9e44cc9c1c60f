/**
 * Rate limits of this process: requests per key or session and per tenant, failed authentications per
 * address, and requests of visitors of the console per address. Failed authentications never affect a valid
 * key behind the same address.
 */
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import type { ErrorCode } from '../errors/error-codes';
import { HttpError } from './http-error';

/** Requests are counted over two seconds, so a burst of twice the rate passes. */
const WINDOW_SECONDS = 2;
const FAILURES_PER_MINUTE = 100;
const VISITS_PER_MINUTE = 600;

export function limitRequestsPerKey(perSecond: number, keyOf: (request: Request) => string): RequestHandler {
  return rateLimit({
    windowMs: WINDOW_SECONDS * 1_000,
    limit: perSecond * WINDOW_SECONDS,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'per-key',
    keyGenerator: keyOf,
    handler: refuse('too_many_requests'),
    validate: false,
  });
}

/** A tenant with many keys or sessions has this many times the rate of one. */
const KEYS_OF_A_TENANT = 4;

export function limitRequestsPerTenant(
  perSecond: number,
  tenantOf: (request: Request) => string,
): RequestHandler {
  return rateLimit({
    windowMs: WINDOW_SECONDS * 1_000,
    limit: perSecond * WINDOW_SECONDS * KEYS_OF_A_TENANT,
    // The headers of the response are about the key.
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: tenantOf,
    handler: refuse('too_many_requests'),
    validate: false,
  });
}

/** For console routes that need no session. */
export function limitVisitors(): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: VISITS_PER_MINUTE,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'visitors',
    keyGenerator: (request) => ipKeyGenerator(request.ip ?? ''),
    handler: refuse('too_many_requests'),
    validate: false,
  });
}

/** Runs only after a failed authentication; `next` then responds with 401. */
export function limitFailedAuthentications(): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: FAILURES_PER_MINUTE,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'failed-authentications',
    keyGenerator: (request) => ipKeyGenerator(request.ip ?? ''),
    handler: refuse('too_many_failed_authentications'),
    validate: false,
  });
}

function refuse(code: ErrorCode): RequestHandler {
  return (_request, response, next) =>
    next(
      new HttpError(code, {
        headers: { 'Retry-After': String(response.getHeader('Retry-After') ?? WINDOW_SECONDS) },
      }),
    );
}
