/**
 * Pages for people: `/docs` shows the API description with Swagger UI, `/docs/errors/{code}` explains an
 * error. All files are served from here, nothing is loaded from other hosts, and only the two named scripts
 * run.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type RequestHandler, Router } from 'express';
import { ERROR_CODES, type ErrorCode } from '../errors/error-codes';
import type { ErrorEntry } from '../errors/error-entry';
import { HttpError } from './http-error';

const ASSETS = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
} as const;
const INITIALIZER =
  `window.addEventListener('load', () => SwaggerUIBundle({ url: '/openapi.json', dom_id: ` +
  `'#docs', deepLinking: true }));`;
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' " +
  "data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function createDocs(): Router {
  const router = Router({ strict: false });
  router.use((_request, response, next) => {
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    next();
  });
  router.get(
    '/',
    send('text/html', () =>
      page('Syncline API', '<div id="docs"></div><p><a href="/docs/errors">All errors</a></p>', SWAGGER_HEAD),
    ),
  );
  router.get(
    '/initializer.js',
    send('text/javascript', () => INITIALIZER),
  );
  router.get(
    '/errors',
    send('text/html', () => page('Errors of the Syncline API', errorList())),
  );
  router.get('/errors/:code', (request, response) => {
    const { code } = request.params;
    if (!Object.hasOwn(ERROR_CODES, code))
      throw new HttpError('route_not_found', {
        detail: 'There is no error with this code. /docs/errors lists all errors.',
      });
    response.type('text/html').send(page(code, errorPage(code, ERROR_CODES[code as ErrorCode])));
  });
  for (const [name, type] of Object.entries(ASSETS))
    router.get(
      `/${name}`,
      send(type, () => readAsset(name)),
    );
  return router;
}

const SWAGGER_HEAD =
  '<link rel="stylesheet" href="/docs/swagger-ui.css"><link rel="icon" ' +
  'href="/docs/favicon-32x32.png"><script ' +
  'src="/docs/swagger-ui-bundle.js"></script><script src="/docs/initializer.js"></script>';

function send(type: string, content: () => string | Buffer): RequestHandler {
  return (_request, response) => void response.type(type).send(content());
}

function readAsset(name: string): Buffer {
  return readFileSync(path.join(path.dirname(require.resolve('swagger-ui-dist/package.json')), name));
}

function page(title: string, body: string, head = ''): string {
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" ' +
    `content="width=device-width"><title>${title}</title>${head}</head><body>${body}</body></html>`
  );
}

function errorPage(code: string, { status, title, detail }: ErrorEntry): string {
  return (
    `<h1>${escapeHtml(title)}</h1><p><code>${code}</code>, status ` +
    `${status}</p><p>${escapeHtml(detail)}</p><p><a href="/docs/errors">All errors</a></p>`
  );
}

function errorList(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, entry]) =>
      '<tr><td><a ' +
      `href="/docs/errors/${code}"><code>${code}</code></a></td><td>${entry.status}</td><td>${escapeHtml(entry.title)}. ` +
      `${escapeHtml(entry.detail)}</td></tr>`,
  );
  return (
    '<h1>Errors of the Syncline API</h1><table><tr><th>code</th><th>status</th><th>meaning ' +
    `and remedy</th></tr>${rows.join('')}</table>`
  );
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
