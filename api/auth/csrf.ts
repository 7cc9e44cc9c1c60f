/**
 * Protects signed-in users against requests from other sites (CSRF, rules.md S19), as Go's net/http does: a
 * request that changes something must come from the console's own pages, as the browser states in
 * Sec-Fetch-Site or, if it is old, in Origin. A client that sends neither header is not a browser, so no
 * user's cookie can be misused.
 */
import type { RequestHandler } from 'express';
import { HttpError } from '../http/http-error';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export function refuseCrossSite({ publicUrl }: { publicUrl: string }): RequestHandler {
  const ownOrigin = new URL(publicUrl).origin;
  return (request, _response, next) => {
    const site = request.get('sec-fetch-site');
    const origin = request.get('origin');
    const isOwnPage =
      site === undefined
        ? origin === undefined || isSameOrigin(origin, ownOrigin, request.get('host'))
        : site === 'same-origin' || site === 'none';
    next(SAFE.has(request.method) || isOwnPage ? undefined : new HttpError('cross_site_request'));
  };
}

/** Also accepts the host of the request itself, for example a forwarded port of a local machine. */
function isSameOrigin(origin: string, ownOrigin: string, host: string | undefined): boolean {
  if (origin === ownOrigin) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
