/**
 * The authentication schemes and the checks that follow: role and rate limit. The schemes are an API key, the
 * session of a person in the console, and the session of an operator of the platform. A session of one kind
 * is no session on the routes of the other kind.
 */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { ApiSettings } from '../dependencies';
import { answerWithin } from '../http/deadline';
import { HttpError } from '../http/http-error';
import { limitFailedAuthentications, limitRequestsPerKey, limitRequestsPerTenant } from '../http/rate-limits';
import type { Caller } from '../routing/caller';
import type { RequestContext } from '../routing/context';
import { type Access, includesRole } from '../routing/route-permissions';
import type { Authenticator } from './api-key-auth';
import type { ConsoleSessions } from './console-sessions';

export type AuthSchemeName = 'key' | 'session' | 'platform_session';

/** The middlewares that admit a caller to a route with this access. */
export type AuthScheme = (access: Exclude<Access, 'public'>) => RequestHandler[];

interface Options {
  authenticator: Authenticator;
  sessions: ConsoleSessions;
  config: Pick<ApiSettings, 'rateLimitPerSecond' | 'answerWithinMs'>;
  contextOf: (request: Request) => RequestContext;
}

export function createAuthSchemes(options: Options): Record<AuthSchemeName, AuthScheme> {
  const { authenticator, sessions, config, contextOf } = options;
  const limitPerCaller = limitRequestsPerKey(config.rateLimitPerSecond, (request) =>
    rateLimitKeyOf(contextOf(request).caller),
  );
  const limitPerTenant = limitRequestsPerTenant(config.rateLimitPerSecond, (request) => {
    const { caller } = contextOf(request);
    return caller?.kind === 'tenant' ? caller.tenantId : 'platform';
  });
  const limitFailures = limitFailedAuthentications();
  const byKey = (request: Request) =>
    authenticator.authenticate(request.get('authorization'), request.get('syncline-acting-as'));

  const scheme =
    (authenticate: RequestHandler, isStillAllowed: (request: Request) => Promise<boolean>): AuthScheme =>
    (access) => [
      authenticate,
      (request, _response, next) => {
        contextOf(request).isStillAllowed = () => isStillAllowed(request);
        next();
      },
      limitPerCaller,
      limitPerTenant,
      (request, _response, next) => next(refusalOf(contextOf(request).caller as Caller, access)),
    ];

  return {
    key: scheme(
      authentication(options, limitFailures, byKey, unauthorized),
      async (request) => (await byKey(request).catch(undefinedIfRefused)) !== undefined,
    ),
    session: scheme(
      authentication(options, limitFailures, (request) => sessions.authenticate(request), notSignedIn),
      (request) => sessions.isStillOpen(request),
    ),
    platform_session: scheme(
      authentication(
        options,
        limitFailures,
        (request) => sessions.authenticatePlatform(request),
        notSignedIn,
      ),
      // A download may take longer than a session without use, so it counts as use.
      async (request) => (await sessions.authenticatePlatform(request)) !== undefined,
    ),
  };
}

/**
 * Sets the caller of the request, or refuses it; refused requests count towards the limit of failed
 * authentications.
 */
function authentication(
  { config, contextOf }: Options,
  limitFailures: RequestHandler,
  findCaller: (request: Request) => Promise<Caller | undefined>,
  refusal: () => HttpError,
): RequestHandler {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const startedAt = performance.now();
    const caller = await answerWithin(config.answerWithinMs, findCaller(request));
    contextOf(request).authenticationMs = performance.now() - startedAt;
    if (caller !== undefined) {
      contextOf(request).caller = caller;
      return next();
    }
    await limitFailures(request, response, (error?: unknown) => next(error ?? refusal()));
  };
}

const unauthorized = () =>
  new HttpError('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="syncline"' } });
const notSignedIn = () =>
  new HttpError('not_signed_in', { headers: { 'WWW-Authenticate': 'Session realm="syncline"' } });

function undefinedIfRefused(error: unknown): undefined {
  if (error instanceof HttpError) return undefined;
  throw error;
}

const rateLimitKeyOf = (caller: Caller | undefined): string =>
  caller?.kind === 'tenant' ? caller.publicId : 'platform';

function refusalOf(caller: Caller, access: Exclude<Access, 'public'>): HttpError | undefined {
  if (access === 'platform')
    return caller.kind === 'platform' ? undefined : new HttpError('platform_key_required');
  if (caller.kind === 'platform') return new HttpError('tenant_key_required');
  return includesRole(caller.role, access)
    ? undefined
    : new HttpError('role_insufficient', { detail: `This needs the role ${access} or a higher one.` });
}
