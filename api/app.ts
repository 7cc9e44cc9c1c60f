/**
 * The HTTP application, without a server. A request passes, in this order: request context and log, security
 * headers, URL guard, authentication by key or session, rate limit and role, and the route. Every error
 * becomes problem details.
 */
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { createAuthenticator } from './auth/api-key-auth';
import { type AuthScheme, type AuthSchemeName, createAuthSchemes } from './auth/auth-schemes';
import { type ConsoleSessions, createConsoleSessions } from './auth/console-sessions';
import { refuseCrossSite } from './auth/csrf';
import { createConnectPages } from './connect/connect-pages';
import { createOidc } from './auth/oidc';
import type { ApiDependencies, RouteServices } from './dependencies';
import { serveConsole } from './http/console-files';
import { createDocs } from './http/docs';
import { handleErrors } from './http/error-handler';
import { HttpError } from './http/http-error';
import { limitVisitors } from './http/rate-limits';
import { createIncomingCalls } from './incoming/incoming-calls';
import { guardUrl } from './http/url-guard';
import { createUnsubscribePages } from './notifications/unsubscribe-pages';
import { routes } from './routes';
import type { Route } from './routing/define-route';
import { ListSlots } from './routing/list-slots';
import { createOpenapi } from './routing/openapi';
import { contextOf, createRequestContext, requestIdOf } from './routing/request-context';
import { serveRoute } from './routing/route-handler';
import { checkPermissions, isConsoleOnly, permissionOf } from './routing/route-permissions';

/** The base path of the console's own routes. */
const CONSOLE = '/console/v1';

export function createApp(dependencies: ApiDependencies): Express {
  const { config, log } = dependencies;
  checkPermissions(routes);
  const openapi = createOpenapi(routes, { publicUrl: config.publicUrl });
  const oidc = createOidc(config.oidc, { ...config, log });
  const authenticator = createAuthenticator({ ...dependencies, platformKey: config.platformKey });
  const sessions = createConsoleSessions({ ...dependencies, ...config });

  const app = express();
  configure(app, config.trustedProxies);
  app.use(createRequestContext(dependencies));
  app.use(securityHeaders());
  app.use(guardUrl);
  app.use(['/docs'], createDocs());
  app.use('/unsubscribe', createUnsubscribePages(dependencies));
  app.use('/connect', createConnectPages(dependencies));
  app.use('/v1/incoming', createIncomingCalls(dependencies));
  app.get('/', (_request, response) => response.redirect(302, '/docs'));
  app.all('/', refuseMethod(['GET', 'HEAD']));
  app.use(CONSOLE, refuseCrossSite(config), sessions.read, attachSession(sessions));
  const schemes = createAuthSchemes({ authenticator, sessions, config, contextOf });
  mountRoutes(app, schemes, { ...dependencies, oidc, openapi: () => openapi, listSlots: new ListSlots() });
  app.use(CONSOLE, refuseUnknown);
  app.use('/console', serveConsole(config.consoleFolder));
  app.use(refuseUnknown);
  app.use(handleErrors({ publicUrl: config.publicUrl, log, requestIdOf }));
  return app;
}

function configure(app: Express, trustedProxies: readonly string[]): void {
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.set('trust proxy', [...trustedProxies]);
  app.set('case sensitive routing', true);
  app.set('strict routing', true);
}

function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
  });
}

/**
 * Registers each path with all its methods at once: a request with another method gets 405 and must not fall
 * through to a path that has a parameter in the same position.
 */
function mountRoutes(
  app: Express,
  schemes: Record<AuthSchemeName, AuthScheme>,
  services: RouteServices,
): void {
  const visitorLimit = limitVisitors();
  for (const [path, group] of groupByPath(routes)) {
    for (const { route, scheme } of group) {
      const access = permissionOf(route);
      const admission =
        access === 'public' ? (scheme === 'key' ? [] : [visitorLimit]) : schemes[scheme](access);
      app[route.method](path, rememberRoute(route), ...admission, serveRoute(route, services, contextOf));
    }
    const methods = group.flatMap(({ route: { method } }) =>
      method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
    );
    app.all(path, refuseMethod(methods));
  }
}

interface MountedRoute {
  route: Route;
  scheme: AuthSchemeName;
}

/** Routes of /v1 are mounted twice: for keys, and under /console/v1 for sessions of the console. */
function groupByPath(all: readonly Route[]): Map<string, MountedRoute[]> {
  const groups = new Map<string, MountedRoute[]>();
  const add = (path: string, mounted: MountedRoute) =>
    groups.set(toExpressPath(path), [...(groups.get(toExpressPath(path)) ?? []), mounted]);
  for (const route of all) {
    const access = permissionOf(route);
    const scheme = access === 'platform' ? 'platform_session' : 'session';
    if (isConsoleOnly(route.path)) add(route.path, { route, scheme });
    else add(route.path, { route, scheme: 'key' });
    if (!isConsoleOnly(route.path) && access !== 'public') add(`/console${route.path}`, { route, scheme });
  }
  return groups;
}

const toExpressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

const refuseUnknown: RequestHandler = () => {
  throw new HttpError('route_not_found');
};

function refuseMethod(methods: readonly string[]): RequestHandler {
  return () => {
    throw new HttpError('method_not_allowed', { headers: { Allow: methods.join(', ') } });
  };
}

function attachSession(sessions: ConsoleSessions): RequestHandler {
  return (request, _response, next) => {
    contextOf(request).session = sessions.of(request);
    next();
  };
}

function rememberRoute(route: Route): RequestHandler {
  return (request, _response, next) => {
    contextOf(request).route = route;
    next();
  };
}
