/** The last resort of every request: whatever was thrown becomes problem details, and the log learns what the caller must not. */
import type { ErrorRequestHandler, Request } from 'express';
import type { Logger } from 'pino';
import { databaseTrouble } from './database-errors';
import { HttpError, toProblem } from './http-error';

export function answerErrors({
  publicUrl,
  log,
  requestIdOf,
}: {
  publicUrl: string;
  log: Logger;
  requestIdOf: (request: Request) => string;
}): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const requestId = requestIdOf(request);
    const known = toHttpError(error);
    if (known.code === 'internal_error')
      log.error({ request_id: requestId, err: error }, 'a request failed by a mistake of ours');
    else if (known.status >= 500)
      log.warn(
        { request_id: requestId, code: known.code, err: known.cause ?? known },
        'a request was answered with trouble that passes',
      );
    if (response.headersSent) {
      // An answer that has begun can only be cut off, so that nobody takes it for complete.
      response.destroy();
      return;
    }
    for (const [name, value] of Object.entries(known.headers)) response.setHeader(name, value);
    response
      .status(known.status)
      .type('application/problem+json')
      .send(JSON.stringify(toProblem(known, { publicUrl, requestId })));
  };
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  // Thrown by the router on a percent-escape that decodes to nothing.
  if (error instanceof URIError) return new HttpError('invalid_path', { cause: error });
  return databaseTrouble(error) ?? new HttpError('internal_error', { cause: error });
}
