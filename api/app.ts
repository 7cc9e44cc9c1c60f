/**
 * The HTTP application, without a server: what a request passes on its way, in this order: an id and a line in the log,
 * security headers, the URL's guard, the key, the limits, the route, and for whatever was thrown, problem details.
 */
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import { newUuid } from '../db/ids';
import { type Access, ACCESS, includesRole } from './access';
import { answerErrors } from './answer-error';
import { type Authenticator, createAuthenticator } from './authenticator';
import type { Caller } from './context';
import { answerWithin } from './deadline';
import type { ApiDependencies, ApiSettings } from './dependencies';
import { createDocs } from './docs';
import { HttpError } from './http-error';
import { createOpenapi } from './openapi';
import { limitFailedAuthentications, limitRequestsPerKey } from './rate-limits';
import type { Route } from './route';
import { createRoutes } from './routes';
import { type Exchange, serveRoute } from './serve-route';
import { guardUrl } from './url-guard';

/** The version of the API description; additions to v1 raise the second number. */
export const API_VERSION = '1.0.0';

const exchanges = new WeakMap<object, Exchange & { route?: Route }>();

function exchangeOf(request: Request): Exchange & { route?: Route } {
  const exchange = exchanges.get(request);
  if (exchange === undefined) throw new Error('The request did not pass the beginning of the application.');
  return exchange;
}

export function createApp(dependencies: ApiDependencies): Express {
  const { config, log } = dependencies;
  const authenticator = createAuthenticator({ database: dependencies.database, platformKey: config.platformKey, log });
  const routes = createRoutes({ ...dependencies, authenticator, openapi: () => openapi });
  const openapi = createOpenapi(routes, { publicUrl: config.publicUrl, version: API_VERSION });
  checkAccessTable(routes);

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.set('trust proxy', [...config.trustedProxies]);
  app.set('case sensitive routing', true);
  app.set('strict routing', true);

  app.use(beginExchange(dependencies));
  app.use(
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      referrerPolicy: { policy: 'no-referrer' },
    }),
  );
  app.use(guardUrl);
  app.use(['/docs'], createDocs());
  app.get('/', (_request, response) => response.redirect(302, '/docs'));
  app.all('/', refuseMethod(['GET', 'HEAD']));

  const admit = createAdmission(authenticator, config);
  // Each path with all its methods: one that is refused must not fall through to a path with a parameter in its place.
  for (const [path, group] of groupByPath(routes)) {
    for (const route of group) {
      const access = accessOf(route);
      const handlers = [
        noteRoute(route),
        ...(access === 'public' ? [] : admit(access)),
        serveRoute(route, { ...dependencies, answerWithinMs: config.answerWithinMs }, exchangeOf),
      ];
      app[route.method](path, ...handlers);
    }
    app.all(path, refuseMethod(group.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))));
  }
  app.use(() => {
    throw new HttpError('route_not_found');
  });
  app.use(answerErrors({ publicUrl: config.publicUrl, log, requestIdOf: (request) => exchanges.get(request)?.requestId ?? 'unknown' }));
  return app;
}

/** Every route has a row in the table of roles and every row a route; anything else stops the process at start. */
export function checkAccessTable(routes: readonly Route[]): void {
  const served = new Set(routes.map(nameOf));
  const withoutRow = [...served].filter((name) => ACCESS[name] === undefined);
  const withoutRoute = Object.keys(ACCESS).filter((name) => !served.has(name));
  const withoutAction = routes.filter((route) => route.method !== 'get' && route.action === undefined).map(nameOf);
  if (withoutRow.length > 0) throw new Error(`Routes without a row in api/access.ts: ${withoutRow.join(', ')}.`);
  if (withoutRoute.length > 0) throw new Error(`Rows of api/access.ts without a route: ${withoutRoute.join(', ')}.`);
  if (withoutAction.length > 0) throw new Error(`Routes that change something without an action for the audit log: ${withoutAction.join(', ')}.`);
}

const nameOf = (route: Route): string => `${route.method.toUpperCase()} ${route.path}`;
const accessOf = (route: Route): Access => ACCESS[nameOf(route)] as Access;
const toExpressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

function groupByPath(routes: readonly Route[]): Map<string, Route[]> {
  const groups = new Map<string, Route[]>();
  for (const route of routes) groups.set(toExpressPath(route.path), [...(groups.get(toExpressPath(route.path)) ?? []), route]);
  return groups;
}

function refuseMethod(methods: readonly string[]): RequestHandler {
  return () => {
    throw new HttpError('method_not_allowed', { headers: { Allow: methods.join(', ') } });
  };
}

function noteRoute(route: Route): RequestHandler {
  return (request, _response, next) => {
    exchangeOf(request).route = route;
    next();
  };
}

/** Gives the request its id, and the log its line: by pattern and ids only, never by URL, header or body. */
function beginExchange({ log, metrics, readiness }: ApiDependencies): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const exchange: Exchange & { route?: Route } = { requestId: newUuid(), ip: request.ip ?? null, caller: undefined, admittedAfterMs: 0 };
    exchanges.set(request, exchange);
    response.setHeader('X-Request-Id', exchange.requestId);
    response.setHeader('Cache-Control', 'no-store');
    if (readiness.isDraining()) response.setHeader('Connection', 'close');
    response.once('close', () => {
      const seconds = (performance.now() - startedAt) / 1_000;
      const route = exchange.route?.path ?? '(none)';
      metrics.observeRequest({ method: request.method, route, status: response.statusCode, seconds });
      const caller =
        exchange.caller === undefined
          ? {}
          : { actor: exchange.caller.actor, ...(exchange.caller.kind === 'tenant' ? { tenant_id: exchange.caller.tenantId } : {}) };
      log.info(
        { request_id: exchange.requestId, method: request.method, route, status: response.statusCode, duration_ms: Math.round(seconds * 1_000), ...caller },
        'request',
      );
    });
    next();
  };
}

/** Who is it, may they, and not too often. */
function createAdmission(
  authenticator: Authenticator,
  { rateLimitPerSecond, answerWithinMs }: ApiSettings,
): (access: Exclude<Access, 'public'>) => RequestHandler[] {
  const limitPerKey = limitRequestsPerKey(rateLimitPerSecond, (request) => limitKeyOf(exchangeOf(request).caller));
  const limitFailures = limitFailedAuthentications();

  async function authenticate(request: Request, response: Response, next: NextFunction): Promise<void> {
    const startedAt = performance.now();
    const caller = await answerWithin(answerWithinMs, authenticator.authenticate(request.get('authorization')));
    exchangeOf(request).admittedAfterMs = performance.now() - startedAt;
    if (caller !== undefined) {
      exchangeOf(request).caller = caller;
      return next();
    }
    await limitFailures(request, response, (error?: unknown) => {
      next(error ?? new HttpError('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="syncline"' } }));
    });
  }

  return (access) => [authenticate, limitPerKey, (request, _response, next) => next(refusalOf(exchangeOf(request).caller as Caller, access))];
}

const limitKeyOf = (caller: Caller | undefined): string => (caller?.kind === 'tenant' ? caller.publicId : 'platform');

function refusalOf(caller: Caller, access: Exclude<Access, 'public'>): HttpError | undefined {
  if (access === 'platform') return caller.kind === 'platform' ? undefined : new HttpError('platform_key_required');
  if (caller.kind === 'platform') return new HttpError('tenant_key_required');
  return includesRole(caller.role, access)
    ? undefined
    : new HttpError('role_insufficient', { detail: `This route needs a key with the role ${access} or more.` });
}
