/**
 * The browser of a connect session. It exchanges the link for a cookie of this session that scripts cannot
 * read; the database holds the SHA-256 of both. The id in the address of the page is not secret.
 */
import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Database, TenantWork } from '../../db/database';
import {
  type ConnectSession,
  type ConnectSessionPlace,
  type ConnectState,
  findConnectSession,
  locateConnectSession,
  openConnectSession,
  stateOfConnectSession,
} from '../../db/integrations/connect/connect-sessions';
import { hashOfToken } from '../auth/person-tokens';
import { cookieOf } from '../http/cookies';
import { HttpError } from '../http/http-error';

/** The page says how a session ended for this long after its time. */
const COOKIE_OUTLIVES_MS = 3_600_000;
/** How long a person has for a consent at the provider. */
export const CONSENT_VALID_MS = 10 * 60_000;

/** What a person reads who comes too late. */
const ENDED: Readonly<Record<Exclude<ConnectState, 'open' | 'in_progress'>, string>> = {
  done: 'The app is connected already. There is nothing left to do.',
  failed: 'It did not work too often. Ask for a new link.',
  expired: 'The link has expired. Ask for a new one.',
  cancelled: 'The link was withdrawn. Ask the company that sent it for a new one.',
};

/** Throws `connect_session_ended` in words for a person. */
export function requireUnfinished(session: ConnectSession, now: Date): void {
  const state = stateOfConnectSession(session, now);
  if (state !== 'open' && state !== 'in_progress')
    throw new HttpError('connect_session_ended', { detail: ENDED[state] });
}

/** Which consent the browser was sent to the provider for. */
export interface ConsentCookie {
  write(response: Response, consent: ConnectSessionPlace & { state: string }): void;
  /** True in the browser that was sent with this state. */
  isOf(request: Request, consent: ConnectSessionPlace & { state: string }): boolean;
}

export function createConsentCookie({ publicUrl }: { publicUrl: string }): ConsentCookie {
  const isSecure = publicUrl.startsWith('https:');
  const name = ({ connectSessionId }: ConnectSessionPlace) => `${nameOf(connectSessionId, isSecure)}-consent`;
  return {
    write(response, consent) {
      response.cookie(name(consent), consent.state, {
        httpOnly: true,
        sameSite: 'lax',
        secure: isSecure,
        path: '/',
        maxAge: CONSENT_VALID_MS,
      });
    },
    isOf: (request, consent) => cookieOf(request, name(consent)) === consent.state,
  };
}

export interface ConnectBrowser {
  /** Binds the session of this link to the browser. Throws an error of `connect-errors.ts`. */
  open(request: Request, link: { secret: string; isEmbedded: boolean }): Promise<ConnectSessionPlace>;
  /** Throws `connect_browser_unknown` unless the browser has the cookie of this session. */
  requirePlace(request: Request, connectSessionId: string): Promise<ConnectSessionPlace>;
}

export function createConnectBrowser({
  database,
  publicUrl,
}: {
  database: Database;
  publicUrl: string;
}): ConnectBrowser {
  const isSecure = publicUrl.startsWith('https:');

  const isOwner = (request: Request, { connectSessionId, browserHash }: ConnectSession): boolean => {
    const cookie = cookieOf(request, nameOf(connectSessionId, isSecure));
    return cookie !== undefined && browserHash !== null && hashOfToken(cookie).equals(browserHash);
  };

  async function openOnce(
    work: TenantWork,
    place: ConnectSessionPlace,
    request: Request,
  ): Promise<{ cookie?: string; expiresAt: Date }> {
    const cookie = randomBytes(32).toString('base64url');
    const isFirst = await openConnectSession(work, { ...place, browserHash: hashOfToken(cookie) });
    const session = await findConnectSession(work, place);
    if (session === undefined) throw new HttpError('connect_link_unknown');
    if (isFirst) return { cookie, expiresAt: session.expiresAt };
    if (isOwner(request, session)) return session;
    requireUnfinished(session, work.now);
    throw new HttpError('connect_link_used');
  }

  return {
    async open(request, { secret, isEmbedded }) {
      const secretHash = hashOfToken(secret);
      const place = await database.withPlatform((work) => locateConnectSession(work, { secretHash }));
      if (place === undefined) throw new HttpError('connect_link_unknown');
      const { cookie, expiresAt } = await database.withTenant(place.tenantId, (work) =>
        openOnce(work, place, request),
      );
      // A frame on another site gets a cookie of its own, which is no use elsewhere.
      const inFrame = { sameSite: 'none', secure: true, partitioned: true } as const;
      if (cookie !== undefined)
        request.res?.cookie(nameOf(place.connectSessionId, isSecure), cookie, {
          httpOnly: true,
          path: '/',
          expires: new Date(expiresAt.getTime() + COOKIE_OUTLIVES_MS),
          ...(isEmbedded ? inFrame : { sameSite: 'lax', secure: isSecure }),
        });
      return place;
    },

    async requirePlace(request, connectSessionId) {
      const place = await database.withPlatform((work) => locateConnectSession(work, { connectSessionId }));
      const session =
        place && (await database.withTenant(place.tenantId, (work) => findConnectSession(work, place)));
      if (place === undefined || session === undefined || !isOwner(request, session))
        throw new HttpError('connect_browser_unknown');
      return place;
    },
  };
}

/** A browser can have several sessions. The end of an id is its random part. */
const nameOf = (connectSessionId: string, isSecure: boolean): string =>
  `${isSecure ? '__Host-' : ''}syncline-connect-${connectSessionId.slice(-12)}`;
