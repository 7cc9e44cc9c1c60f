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
import { viewOf } from './connect-view';
import { askPlainly, sayPlainly } from './plain-pages';

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

  /** Only a frame needs this way: its window is not the browser that the session is bound to. */
  const findFramed = async (request: Request) => {
    const state = String(request.params['state']);
    const place = await locate(state);
    if (place === undefined) return undefined;
    return within(
      database.withTenant(place.tenantId, async (work) => {
        const { frameAncestors } = await findConnectSettings(work);
        const session = frameAncestors.length === 0 ? undefined : await findConnectSession(work, place);
        if (session === undefined || session.consentUrl === null) return undefined;
        const view = await viewOf(work, session, dependencies);
        if (view.state !== 'in_progress' || view.app === null) return undefined;
        return { place, state, consentUrl: session.consentUrl, view, app: view.app };
      }),
    );
  };

  // A link of anybody may lead here, also one of a foreign session: only the button binds this browser to it.
  const ask = async (request: Request, response: Response): Promise<void> => {
    const found = await findFramed(request);
    if (found === undefined) return sayPlainly(response, 403, MIXED_UP);
    const { view, app, consentUrl } = found;
    askPlainly(response, {
      text:
        `${view.brand.name} asks you to connect ${app.name} (${app.account_name}). You sign in at ` +
        `${new URL(consentUrl).host}. Go on only if you have just asked for this.`,
      button: `Continue to ${app.name}`,
    });
  };
  router.get('/go/:state', serve(ask));

  const go = async (request: Request, response: Response): Promise<void> => {
    const found = await findFramed(request);
    if (found === undefined) return sayPlainly(response, 403, MIXED_UP);
    cookie.write(response, { ...found.place, state: found.state });
    response.redirect(303, withState(found.consentUrl, found.state));
  };
  router.post('/go/:state', serve(go));

  const callback = async (request: Request, response: Response): Promise<void> => {
    const query = new URL(request.url, 'http://callback').searchParams;
    const state = query.get('state') ?? '';
    const place = await locate(state);
    if (place === undefined || !cookie.isOf(request, { ...place, state }))
      return sayPlainly(response, 403, MIXED_UP);
    const answer = { state, code: query.get('code'), error: query.get('error'), iss: query.get('iss') };
    const isTaken = await within(takeAnswer(place, answer, dependencies));
    if (!isTaken) return sayPlainly(response, 403, MIXED_UP);
    const isOwnWindow = await within(browser.requirePlace(request, place.connectSessionId)).then(
      () => true,
      () => false,
    );
    // A window that a frame has opened lacks the cookie of the session.
    if (!isOwnWindow) return sayPlainly(response, 200, GO_BACK);
    response.redirect(303, `/connect/s/${toTypeId('cns', place.connectSessionId)}`);
  };
  router.get('/callback', serve(callback));
  return router;
}

/** Errors go to the error handler. */
export function serve(run: (request: Request, response: Response) => Promise<void>): RequestHandler {
  return (request, response, next) => void run(request, response).catch(next);
}
