/**
 * The hosted page below /connect and what it calls. GET changes nothing, because mail scanners open links:
 * the page's script exchanges the link, and takes it out of the address.
 */
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import {
  type ConnectSessionPlace,
  findConnectSession,
  locateConnectSession,
} from '../../db/integrations/connect/connect-sessions';
import { findConnectSettings } from '../../db/integrations/connect/connect-settings';
import { fromTypeId } from '../../db/sql/ids';
import { refuseCrossSite } from '../auth/csrf';
import { hashOfToken } from '../auth/person-tokens';
import type { ApiDependencies } from '../dependencies';
import { pageSecurityPolicy, sendPage } from '../http/console-files';
import { answerWithin } from '../http/deadline';
import { HttpError } from '../http/http-error';
import { readJsonBody } from '../http/json-body';
import { parseWith } from '../http/parse';
import { limitVisitors } from '../http/rate-limits';
import { requestIdOf } from '../routing/request-context';
import { connectApp } from './connect-app';
import { type ConnectBrowser, createConnectBrowser, createConsentCookie } from './connect-browser';
import { beginConsent, finishConsent } from './connect-consent';
import { createConsentPages, serve, withState } from './consent-pages';
import { givenCredentials } from './connect-target';
import { type ConnectView, viewOf } from './connect-view';

const BODY_BYTES_MAX = 64 * 1_024;

const consent = z.strictObject({ is_embedded: z.boolean().default(false) });
const finishing = z.strictObject({ account_id: z.string().max(500).optional() });
const link = z.strictObject({ secret: z.string().max(100), is_embedded: z.boolean().default(false) });

export function createConnectPages(dependencies: ApiDependencies): Router {
  const { config } = dependencies;
  const router = Router({ caseSensitive: true, strict: true });
  const browser = createConnectBrowser({ ...dependencies, ...config });
  router.use(limitVisitors(), refuseCrossSite(config));
  router.use('/v1', createCalls(dependencies, browser));
  router.use(createConsentPages(dependencies, browser));
  router.get(['/s/:session', '/:secret'], page(dependencies));
  return router;
}

/** What the script of the page calls. */
function createCalls(dependencies: ApiDependencies, browser: ConnectBrowser): Router {
  const { config, database } = dependencies;
  const within = <T>(work: Promise<T>) => answerWithin(config.answerWithinMs, work);
  const show = (place: ConnectSessionPlace): Promise<ConnectView> =>
    database.withTenant(place.tenantId, async (work) => {
      const session = await findConnectSession(work, place);
      if (session === undefined) throw new HttpError('connect_link_unknown');
      return viewOf(work, session, dependencies);
    });
  const placeOf = async (request: Request) => {
    const connectSessionId = fromTypeId('cns', String(request.params['session']));
    if (connectSessionId === undefined) throw new HttpError('connect_browser_unknown');
    return browser.requirePlace(request, connectSessionId);
  };
  const router = Router({ caseSensitive: true, strict: true });

  const answer =
    (find: (request: Request) => Promise<ConnectSessionPlace>): RequestHandler =>
    async (request, response) => {
      const place = await find(request);
      response.json(await within(show(place)));
    };

  router.post(
    '/open',
    answer(async (request) => {
      const { secret, is_embedded: isEmbedded } = await bodyOf(request, link);
      return within(browser.open(request, { secret, isEmbedded }));
    }),
  );
  router.get(
    '/sessions/:session',
    answer((request) => within(placeOf(request))),
  );
  router.post(
    '/sessions/:session/credentials',
    answer(async (request) => {
      const { credentials } = await bodyOf(request, givenCredentials);
      const place = await within(placeOf(request));
      await connectApp(place, credentials, dependencies, visitorOf(request));
      return place;
    }),
  );
  router.post(
    '/sessions/:session/finish',
    answer(async (request) => {
      const { account_id: accountId } = await bodyOf(request, finishing);
      const place = await within(placeOf(request));
      await finishConsent(place, dependencies, visitorOf(request), accountId);
      return place;
    }),
  );
  const begin = async (request: Request, response: Response): Promise<void> => {
    const { is_embedded: isEmbedded } = await bodyOf(request, consent);
    const place = await within(placeOf(request));
    const { state, consentUrl } = await within(beginConsent(place, dependencies));
    // Providers refuse to be framed. The window that a frame opens has cookies of its own.
    if (!isEmbedded) createConsentCookie(config).write(response, { ...place, state });
    response.json({ url: isEmbedded ? `/connect/go/${state}` : withState(consentUrl, state) });
  };
  router.post('/sessions/:session/consent', serve(begin));
  return router;
}

const visitorOf = (request: Request) => ({ ip: request.ip ?? null, requestId: requestIdOf(request) });

async function bodyOf<Schema extends z.ZodType>(request: Request, schema: Schema): Promise<z.output<Schema>> {
  const body = await readJsonBody(request, BODY_BYTES_MAX);
  if (body !== undefined && body.issues.length > 0)
    throw new HttpError('unacceptable_json', { errors: body.issues });
  return parseWith(schema, body?.value ?? {}, 'invalid_body');
}

/** The same page for every link, also for one that does not work. Only the sites that may frame it differ. */
function page(dependencies: ApiDependencies): RequestHandler {
  return async (request, response) => {
    const ancestors = await answerWithin(
      dependencies.config.answerWithinMs,
      frameAncestorsOf(request, dependencies),
    );
    allowFrames(response, ancestors);
    sendPage(response, dependencies.config.consoleFolder, 'connect.html');
  };
}

async function frameAncestorsOf(
  { params }: Request,
  { database }: ApiDependencies,
): Promise<readonly string[]> {
  const { secret, session } = params as { secret?: string; session?: string };
  const connectSessionId = session === undefined ? undefined : fromTypeId('cns', session);
  const by =
    secret !== undefined
      ? { secretHash: hashOfToken(secret) }
      : connectSessionId === undefined
        ? undefined
        : { connectSessionId };
  const place = by && (await database.withPlatform((work) => locateConnectSession(work, by)));
  if (place === undefined) return [];
  return (await database.withTenant(place.tenantId, (work) => findConnectSettings(work))).frameAncestors;
}

function allowFrames(response: Response, ancestors: readonly string[]): void {
  response.setHeader('Content-Security-Policy', pageSecurityPolicy(ancestors));
  // Old browsers know no list; without it they follow the policy above.
  if (ancestors.length > 0) response.removeHeader('X-Frame-Options');
}
