/** Turns every thrown error into problem details, and logs the details that callers must not see. */
import type { ErrorRequestHandler, Request } from 'express';
import type { Logger } from 'pino';
import { TenantDeleted } from '../../db/database';
import { OAuthAppDeleted } from '../../db/integrations/oauth/apps';
import { UNKNOWN_APP } from '../../db/integrations/settings-problems';
import { isConnectorFault } from '../../domain/connector-fault';
import { transientDatabaseError } from './database-errors';
import { HttpError, toProblem } from './http-error';
import { TransientErrorsLog } from './transient-errors-log';

export function handleErrors({
  publicUrl,
  log,
  requestIdOf,
}: {
  publicUrl: string;
  log: Logger;
  requestIdOf: (request: Request) => string;
}): ErrorRequestHandler {
  const transientErrors = new TransientErrorsLog(log);
  return (error: unknown, request, response, _next) => {
    const requestId = requestIdOf(request);
    const known = toHttpError(error);
    if (known.code === 'internal_error')
      log.error({ request_id: requestId, err: error }, 'request failed with an internal error');
    else if (known.status >= 500) transientErrors.add(known, requestId);
    if (response.headersSent) {
      // A response that has begun can only be cut off, so that clients do not take it for complete.
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
  if (error instanceof TenantDeleted) return new HttpError('tenant_deleted', { cause: error });
  if (error instanceof OAuthAppDeleted)
    return new HttpError('invalid_config', { errors: [UNKNOWN_APP], cause: error });
  // Thrown by the router on an invalid percent-escape.
  if (error instanceof URIError) return new HttpError('invalid_path', { cause: error });
  if (isConnectorFault(error))
    return new HttpError('connector_faulty', { detail: error.message, cause: error });
  return transientDatabaseError(error) ?? new HttpError('internal_error', { cause: error });
}
