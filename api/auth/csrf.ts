/**
 * Other sites' pages may not use the cookie of somebody who is signed in (rules.md S19). The rule of Go's net/http: what changes
 * something must come from our own pages, as the browser itself says by Sec-Fetch-Site or, an older one, by Origin. What sends neither
 * is no browser, and then there is nobody whose cookie could be used behind their back.
 */
import type { RequestHandler } from 'express';
import { HttpError } from '../http/http-error';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export function refuseCrossSite({ publicUrl }: { publicUrl: string }): RequestHandler {
  const ours = new URL(publicUrl).origin;
  return (request, _response, next) => {
    const site = request.get('sec-fetch-site');
    const origin = request.get('origin');
    const isOurs =
      site === undefined
        ? origin === undefined || isSameOrigin(origin, ours, request.get('host'))
        : site === 'same-origin' || site === 'none';
    next(SAFE.has(request.method) || isOurs ? undefined : new HttpError('cross_site_request'));
  };
}

/** By the name that callers use, or by the one this request was sent to: a port forwarded to this machine, say. */
function isSameOrigin(origin: string, ours: string, host: string | undefined): boolean {
  if (origin === ours) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
