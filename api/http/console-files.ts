/**
 * Serves the built console: page, scripts and styles. Browsers cache files with a hash in their name forever
 * and revalidate the page every time. Every path of the console returns the same page, because the console
 * routes on the client.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import compression from 'compression';
import express, { type RequestHandler, type Response, Router } from 'express';
import { HttpError } from './http-error';

/**
 * Inline styles are allowed because the component library uses them; inline scripts are not.
 * `frameAncestors`: origins that may show the page in a frame.
 */
export const pageSecurityPolicy = (frameAncestors: readonly string[] = []): string =>
  [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${frameAncestors.length === 0 ? "'none'" : frameAncestors.join(' ')}`,
  ].join('; ');
const CACHE_FOREVER = 'public, max-age=31536000, immutable';
const REVALIDATE = 'no-cache';

/** `folder`: the output of Vite, with `index.html` and `assets/`. It may be missing, and may appear later. */
export function serveConsole(folder: string): RequestHandler {
  const router = Router({ caseSensitive: true });
  router.use((request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new HttpError('method_not_allowed', { headers: { Allow: 'GET, HEAD' } });
    response.setHeader('Content-Security-Policy', pageSecurityPolicy());
    next();
  });
  // Files are always sent whole. The static file server would answer these conditional headers with errors of
  // its own format.
  router.use((request, _response, next) => {
    delete request.headers['if-match'];
    delete request.headers['if-unmodified-since'];
    next();
  });
  // Only files are compressed: API responses mix secrets with caller input, and their compressed size would
  // leak the secrets.
  router.use(compression());
  router.use(
    express.static(folder, {
      index: false,
      redirect: false,
      cacheControl: false,
      acceptRanges: false,
      dotfiles: 'ignore',
      setHeaders: setCacheControl,
    }),
  );
  router.get('/{*path}', (request, response) => {
    // A missing file gets 404 and not the page, which a script could not parse. Ids of records can contain a
    // dot.
    const namesFile = path.basename(request.path).includes('.') && !request.path.startsWith('/records/');
    if (namesFile)
      throw new HttpError('route_not_found', {
        detail: 'The built console has no such file. Reload the page.',
      });
    sendPage(response, folder, 'index.html');
  });
  return router;
}

/** Sends a page of the built console, or says that it has not been built. */
export function sendPage(response: Response, folder: string, name: string): void {
  const file = path.join(folder, name);
  if (!existsSync(file)) return respondNotBuilt(response);
  response.setHeader('Cache-Control', REVALIDATE);
  response.sendFile(file, { cacheControl: false, acceptRanges: false, etag: true });
}

function setCacheControl(response: Response, file: string): void {
  response.setHeader(
    'Cache-Control',
    path.basename(path.dirname(file)) === 'assets' ? CACHE_FOREVER : REVALIDATE,
  );
}

function respondNotBuilt(response: Response): void {
  response
    .status(404)
    .type('text/html')
    .send(
      '<!doctype html><html lang="en"><head><meta ' +
        'charset="utf-8"><title>Syncline</title></head><body><h1>The console has not been ' +
        `built</h1><p>Run <code>npm run build</code> in the project's folder, then load this ` +
        'page again.</p><p>The API works without the console. See the <a href="/docs">API ' +
        'description</a>.</p></body></html>',
    );
}
