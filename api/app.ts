/**
 * The HTTP application, without a server: what a request passes on its way, in this order: an id and a line in the log,
 * security headers, the URL's guard, the key or the session, the limits, the route, and for whatever was thrown, problem details.
 */
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import helmet from 'helmet';
import { newUuid, toTypeId } from '../db/sql/ids';
import { type Access, ACCESS, includesRole, isConsoleOnly } from './routing/route-permissions';
import { answerErrors } from './http/error-handler';
import { type Authenticator, createAuthenticator } from './auth/api-key-auth';
import { serveConsole } from './http/console-files';
import { type ConsoleSessions, createConsoleSessions } from './auth/console-sessions';
import type { Caller } from './routing/context';
import { refuseCrossSite } from './auth/csrf';
import { answerWithin } from './http/deadline';
import type { ApiDependencies, ApiSettings } from './dependencies';
import { createDocs } from './http/docs';
import { HttpError } from './http/http-error';
import { createOpenapi } from './routing/openapi';
import { limitFailedAuthentications, limitRequestsPerKey, limitVisitors } from './http/rate-limits';
import type { Route } from './routing/define-route';
import { createRoutes } from './routes';
import { type Exchange, serveRoute } from './routing/route-handler';
import { guardUrl } from './http/url-guard';

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
  const authenticator = createAuthenticator({
    database: dependencies.database,
    platformKey: config.platformKey,
    log,
  });
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
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      },
      referrerPolicy: { policy: 'no-referrer' },
    }),
  );
  app.use(guardUrl);
  app.use(['/docs'], createDocs());
  app.get('/', (_request, response) => response.redirect(302, '/docs'));
  app.all('/', refuseMethod(['GET', 'HEAD']));

  const sessions = createConsoleSessions({
    database: dependencies.database,
    publicUrl: config.publicUrl,
    platformKey: config.platformKey,
    log,
  });
  app.use(CONSOLE, refuseCrossSite(config), sessions.read, rememberSession(sessions));
  const serving = {
    ...dependencies,
    isDraining: () => dependencies.readiness.isDraining(),
    answerWithinMs: config.answerWithinMs,
  };
  const doors = createAuthSchemes(authenticator, sessions, config);
  const visitors = limitVisitors();
  // Each path with all its methods: one that is refused must not fall through to a path with a parameter in its place.
  for (const [path, group] of groupByPath(routes)) {
    for (const { route, door } of group) {
      const access = accessOf(route);
      const admission = access !== 'public' ? doors[door](access) : door === 'session' ? [visitors] : [];
      const handlers = [rememberRoute(route), ...admission, serveRoute(route, serving, exchangeOf)];
      app[route.method](path, ...handlers);
    }
    app.all(
      path,
      refuseMethod(
        group.flatMap(({ route: { method } }) =>
          method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
        ),
      ),
    );
  }
  app.use(CONSOLE, refuseUnknown);
  app.use('/console', serveConsole(config.consoleFolder));
  app.use(refuseUnknown);
  app.use(
    answerErrors({
      publicUrl: config.publicUrl,
      log,
      requestIdOf: (request) => exchanges.get(request)?.requestId ?? 'unknown',
    }),
  );
  return app;
}

/** Every route has a row in the table of roles and every row a route; anything else stops the process at start. */
export function checkAccessTable(routes: readonly Route[]): void {
  const served = new Set(routes.map(nameOf));
  const withoutRow = [...served].filter((name) => ACCESS[name] === undefined);
  const withoutRoute = Object.keys(ACCESS).filter((name) => !served.has(name));
  const withoutAction = routes
    .filter((route) => route.method !== 'get' && route.action === undefined)
    .map(nameOf);
  if (withoutRow.length > 0)
    throw new Error(`Routes without a row in api/routing/route-permissions.ts: ${withoutRow.join(', ')}.`);
  if (withoutRoute.length > 0)
    throw new Error(`Rows of api/routing/route-permissions.ts without a route: ${withoutRoute.join(', ')}.`);
  if (withoutAction.length > 0)
    throw new Error(
      `Routes that change something without an action for the audit log: ${withoutAction.join(', ')}.`,
    );
}

const nameOf = (route: Route): string => `${route.method.toUpperCase()} ${route.path}`;
const accessOf = (route: Route): Access => ACCESS[nameOf(route)] as Access;
const toExpressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

/** Where the console's calls begin. */
const CONSOLE = '/console/v1';
interface Served {
  route: Route;
  door: 'key' | 'session';
}

/** A tenant's routes are there twice: for keys, and for who is signed in. */
function groupByPath(routes: readonly Route[]): Map<string, Served[]> {
  const groups = new Map<string, Served[]>();
  const add = (path: string, served: Served) =>
    groups.set(toExpressPath(path), [...(groups.get(toExpressPath(path)) ?? []), served]);
  for (const route of routes) {
    const access = accessOf(route);
    if (isConsoleOnly(route.path)) add(route.path, { route, door: 'session' });
    else add(route.path, { route, door: 'key' });
    if (!isConsoleOnly(route.path) && access !== 'public' && access !== 'platform')
      add(`/console${route.path}`, { route, door: 'session' });
  }
  return groups;
}

const refuseUnknown: RequestHandler = () => {
  throw new HttpError('route_not_found');
};

function rememberSession(sessions: ConsoleSessions): RequestHandler {
  return (request, _response, next) => {
    exchangeOf(request).session = sessions.of(request);
    next();
  };
}

function refuseMethod(methods: readonly string[]): RequestHandler {
  return () => {
    throw new HttpError('method_not_allowed', { headers: { Allow: methods.join(', ') } });
  };
}

function rememberRoute(route: Route): RequestHandler {
  return (request, _response, next) => {
    exchangeOf(request).route = route;
    next();
  };
}

/** Gives the request its id, and the log its line: by pattern and ids only, never by URL, header or body. */
function beginExchange({ log, metrics, readiness }: ApiDependencies): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const exchange: Exchange & { route?: Route } = {
      requestId: newUuid(),
      ip: request.ip ?? null,
      caller: undefined,
      session: undefined,
      isStillAllowed: async () => false,
      admittedAfterMs: 0,
    };
    exchanges.set(request, exchange);
    response.setHeader('X-Request-Id', exchange.requestId);
    response.setHeader('Cache-Control', 'no-store');
    if (readiness.isDraining()) response.setHeader('Connection', 'close');
    response.once('close', () => {
      const seconds = (performance.now() - startedAt) / 1_000;
      const route = exchange.route?.path ?? '(none)';
      metrics.observeRequest({ method: request.method, route, status: response.statusCode, seconds });
      const duration = { duration_ms: Math.round(seconds * 1_000) };
      log.info(
        {
          request_id: exchange.requestId,
          method: request.method,
          route,
          status: response.statusCode,
          ...duration,
          ...logged(exchange.caller),
        },
        'request',
      );
    });
    next();
  };
}

/** Keys have names that somebody gave them; people have a name of their own, which is nothing for a log. */
function logged(caller: Caller | undefined): object {
  if (caller === undefined) return {};
  if (caller.kind === 'platform') return { actor: caller.actor };
  return {
    actor: caller.personId === null ? caller.actor : toTypeId('psn', caller.personId),
    tenant_id: caller.tenantId,
  };
}

type Admission = (access: Exclude<Access, 'public'>) => RequestHandler[];

/** Who is it, may they, and not too often: by key, or by the session's cookie. */
function createAuthSchemes(
  authenticator: Authenticator,
  sessions: ConsoleSessions,
  { rateLimitPerSecond, answerWithinMs }: ApiSettings,
): Record<Served['door'], Admission> {
  const limitPerCaller = limitRequestsPerKey(rateLimitPerSecond, (request) =>
    limitKeyOf(exchangeOf(request).caller),
  );
  const limitFailures = limitFailedAuthentications();
  const byKey = (request: Request) =>
    authenticator.authenticate(request.get('authorization'), request.get('syncline-acting-as'));

  const authenticate = (find: (request: Request) => Promise<Caller | undefined>, refusal: () => HttpError) =>
    async function (request: Request, response: Response, next: NextFunction): Promise<void> {
      const startedAt = performance.now();
      const caller = await answerWithin(answerWithinMs, find(request));
      exchangeOf(request).admittedAfterMs = performance.now() - startedAt;
      if (caller !== undefined) {
        exchangeOf(request).caller = caller;
        return next();
      }
      await limitFailures(request, response, (error?: unknown) => next(error ?? refusal()));
    };
  const stayAllowed =
    (isStillAllowed: (request: Request) => Promise<boolean>): RequestHandler =>
    (request, _response, next) => {
      exchangeOf(request).isStillAllowed = () => isStillAllowed(request);
      next();
    };
  const admission =
    (authentication: RequestHandler, isStillAllowed: (request: Request) => Promise<boolean>): Admission =>
    (access) => [
      authentication,
      stayAllowed(isStillAllowed),
      limitPerCaller,
      (request, _response, next) => next(refusalOf(exchangeOf(request).caller as Caller, access)),
    ];

  return {
    key: admission(
      authenticate(
        byKey,
        () => new HttpError('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="syncline"' } }),
      ),
      async (request) => {
        try {
          return (await byKey(request)) !== undefined;
        } catch (error) {
          if (error instanceof HttpError) return false;
          throw error;
        }
      },
    ),
    session: admission(
      authenticate(
        (request) => sessions.authenticate(request),
        () => new HttpError('not_signed_in', { headers: { 'WWW-Authenticate': 'Session realm="syncline"' } }),
      ),
      (request) => sessions.isStillOpen(request),
    ),
  };
}

const limitKeyOf = (caller: Caller | undefined): string =>
  caller?.kind === 'tenant' ? caller.publicId : 'platform';

function refusalOf(caller: Caller, access: Exclude<Access, 'public'>): HttpError | undefined {
  if (access === 'platform')
    return caller.kind === 'platform' ? undefined : new HttpError('platform_key_required');
  if (caller.kind === 'platform') return new HttpError('tenant_key_required');
  return includesRole(caller.role, access)
    ? undefined
    : new HttpError('role_insufficient', { detail: `This needs the role ${access} or more.` });
}
