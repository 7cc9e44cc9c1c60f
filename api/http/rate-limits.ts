/**
 * Limits counted by this process alone: requests per key or session, attempts without a valid one per address, and what visitors of the
 * console may call, per address. Valid keys
 * are never locked out by somebody else's bad ones behind the same address.
 */
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import type { ErrorCode } from './error-codes';
import { HttpError } from './http-error';

/** A burst of twice the rate is let through: the limit is counted over two seconds. */
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

/** For what can be called in the console before anybody has signed in. */
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

/** To be run only after an authentication failed: `next` then answers 401. */
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
