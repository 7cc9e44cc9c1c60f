/** The way to the provider and back, in the window of the browser that gives consent. */
import { type Request, type RequestHandler, type Response, Router } from 'express';
import {
  type ConnectSessionPlace,
  findConnectSession,
  locateConnectSession,
} from '../../db/integrations/connect/connect-sessions';
import { findConnectSettings } from '../../db/integrations/connect/connect-settings';
import { hashOfState } from '../../db/integrations/oauth/consents';
import { toTypeId } from '../../db/sql/ids';
import type { ApiDependencies } from '../dependencies';
import { answerWithin } from '../http/deadline';
import { type ConnectBrowser, createConsentCookie } from './connect-browser';
import { takeAnswer } from './connect-consent';

const MIXED_UP =
  'This answer of the provider belongs to no consent of this browser: it was used before, is older than ten ' +
  'minutes, or was started elsewhere. Nothing was connected. Go back to the page of your link and start again.';
const GO_BACK = 'The provider has answered. Close this window and go back to the page from which you came.';

export function withState(consentUrl: string, state: string): string {
  const url = new URL(consentUrl);
  url.searchParams.set('state', state);
  return url.href;
}

export function createConsentPages(dependencies: ApiDependencies, browser: ConnectBrowser): Router {
  const { database, config } = dependencies;
  const cookie = createConsentCookie(config);
  const within = <T>(work: Promise<T>) => answerWithin(config.answerWithinMs, work);
  const locate = (state: string): Promise<ConnectSessionPlace | undefined> =>
    within(database.withPlatform((work) => locateConnectSession(work, { stateHash: hashOfState(state) })));
  const router = Router({ caseSensitive: true, strict: true });

  const go = async (request: Request, response: Response): Promise<void> => {
    const state = String(request.params['state']);
    const place = await locate(state);
    const session =
      place &&
      (await within(
        database.withTenant(place.tenantId, async (work) => {
          // Only a frame needs this way. Any browser may come by it, so the state is less bound here.
          const { frameAncestors } = await findConnectSettings(work);
          return frameAncestors.length === 0 ? undefined : findConnectSession(work, place);
        }),
      ));
    if (place === undefined || session === undefined || session.consentUrl === null)
      return say(response, 403, MIXED_UP);
    cookie.write(response, { ...place, state });
    response.redirect(302, withState(session.consentUrl, state));
  };
  router.get('/go/:state', serve(go));

  const callback = async (request: Request, response: Response): Promise<void> => {
    const query = new URL(request.url, 'http://callback').searchParams;
    const state = query.get('state') ?? '';
    const place = await locate(state);
    if (place === undefined || !cookie.isOf(request, { ...place, state }))
      return say(response, 403, MIXED_UP);
    const answer = { state, code: query.get('code'), error: query.get('error'), iss: query.get('iss') };
    const isTaken = await within(takeAnswer(place, answer, dependencies));
    if (!isTaken) return say(response, 403, MIXED_UP);
    const isOwnWindow = await within(browser.requirePlace(request, place.connectSessionId)).then(
      () => true,
      () => false,
    );
    // A window that a frame has opened lacks the cookie of the session.
    if (!isOwnWindow) return say(response, 200, GO_BACK);
    response.redirect(303, `/connect/s/${toTypeId('cns', place.connectSessionId)}`);
  };
  router.get('/callback', serve(callback));
  return router;
}

/** Errors go to the error handler. */
export function serve(run: (request: Request, response: Response) => Promise<void>): RequestHandler {
  return (request, response, next) => void run(request, response).catch(next);
}

function say(response: Response, status: number, text: string): void {
  response
    .status(status)
    .setHeader(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    )
    .type('html')
    .send(
      '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
        '<title>Connect an app</title></head><body style="max-width:520px;margin:48px auto;padding:0 16px;' +
        `font:16px/1.5 system-ui,sans-serif"><main><h1>Connect an app</h1><p>${text}</p></main></body></html>`,
    );
}
