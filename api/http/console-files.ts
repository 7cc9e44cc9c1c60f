/**
 * The console as it was built: pages, scripts and styles, all from here. What has a hash in its name is kept by browsers for ever; the
 * page itself is asked for every time. The page is the answer to every path of the console's own, since the paths are the page's business.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import compression from 'compression';
import express, { type RequestHandler, type Response, Router } from 'express';
import { HttpError } from './http-error';

/** Styles may stand in the page: the component library sets them so. Scripts may not. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');
const FOR_EVER = 'public, max-age=31536000, immutable';
const ASK_EVERY_TIME = 'no-cache';

/** `folder`: as Vite leaves it, with `index.html` and `assets/`. It may be missing, and may appear later. */
export function serveConsole(folder: string): RequestHandler {
  const index = path.join(folder, 'index.html');
  const router = Router({ caseSensitive: true });
  router.use((request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new HttpError('method_not_allowed', { headers: { Allow: 'GET, HEAD' } });
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    next();
  });
  // A file is sent whole to whoever may have it: no range of it, and no condition but whether it has changed. Else what is sent would refuse
  // some headers with an error of its own.
  router.use((request, _response, next) => {
    delete request.headers['if-match'];
    delete request.headers['if-unmodified-since'];
    next();
  });
  // Files alone: what the API answers holds secrets and what callers send, and its size compressed would tell of them.
  router.use(compression());
  router.use(
    express.static(folder, {
      index: false,
      redirect: false,
      cacheControl: false,
      acceptRanges: false,
      dotfiles: 'ignore',
      setHeaders: keepBySort,
    }),
  );
  router.get('/{*path}', (request, response) => {
    if (!existsSync(index)) return answerNotBuilt(response);
    // A file that is not there is not the page: a script that got HTML would only say so less clearly. The id of a record may hold a dot.
    const namesFile = path.basename(request.path).includes('.') && !request.path.startsWith('/records/');
    if (namesFile)
      throw new HttpError('route_not_found', {
        detail: 'There is no such file in the console that was built.',
      });
    response.setHeader('Cache-Control', ASK_EVERY_TIME);
    response.sendFile(index, { cacheControl: false, acceptRanges: false, etag: true });
  });
  return router;
}

function keepBySort(response: Response, file: string): void {
  response.setHeader(
    'Cache-Control',
    path.basename(path.dirname(file)) === 'assets' ? FOR_EVER : ASK_EVERY_TIME,
  );
}

function answerNotBuilt(response: Response): void {
  response
    .status(404)
    .type('text/html')
    .send(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Syncline</title></head><body><h1>The console has not been built</h1><p>Run <code>npm run build</code> in the project's folder, then load this page again.</p><p>The API works without it: <a href="/docs">its description</a>.</p></body></html>`,
    );
}
