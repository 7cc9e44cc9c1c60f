/**
 * Creates the context of each request and logs it: by route pattern and ids, never by URL, header or body.
 */
import type { Request, RequestHandler } from 'express';
import { newUuid, toTypeId } from '../../db/sql/ids';
import type { ApiDependencies } from '../dependencies';
import type { Caller } from './caller';
import type { RequestContext } from './context';
import type { Route } from './define-route';

type LoggedContext = RequestContext & { route?: Route };

const contexts = new WeakMap<object, LoggedContext>();

/** Throws when the request has not passed `createRequestContext`. */
export function contextOf(request: Request): LoggedContext {
  const context = contexts.get(request);
  if (context === undefined) throw new Error('The request has no context.');
  return context;
}

export const requestIdOf = (request: Request): string => contexts.get(request)?.requestId ?? 'unknown';

export function createRequestContext({ log, metrics, readiness }: ApiDependencies): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const context: LoggedContext = {
      requestId: newUuid(),
      ip: request.ip ?? null,
      caller: undefined,
      session: undefined,
      isStillAllowed: async () => false,
      authenticationMs: 0,
    };
    contexts.set(request, context);
    response.setHeader('X-Request-Id', context.requestId);
    response.setHeader('Cache-Control', 'no-store');
    if (readiness.isDraining()) response.setHeader('Connection', 'close');
    response.once('close', () => {
      const seconds = (performance.now() - startedAt) / 1_000;
      const route = context.route?.path ?? '(none)';
      const { method } = request;
      const status = response.statusCode;
      metrics.observeRequest({ method, route, status, seconds });
      const duration_ms = Math.round(seconds * 1_000);
      const fields = { request_id: context.requestId, method, route, status, duration_ms };
      log.info({ ...fields, ...logFieldsOf(context.caller) }, 'request');
    });
    next();
  };
}

/** Names of people are personal data and are not logged; names of API keys are. */
function logFieldsOf(caller: Caller | undefined): object {
  if (caller === undefined) return {};
  if (caller.kind === 'platform') return { actor: caller.actor };
  return {
    actor: caller.personId === null ? caller.actor : toTypeId('psn', caller.personId),
    tenant_id: caller.tenantId,
  };
}
