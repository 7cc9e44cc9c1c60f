/**
 * Refuses URLs that a router would decode only partly: invalid percent-escapes, NUL, repeated parameters
 * (rules.md S2, S3, S5).
 */
import type { NextFunction, Request, Response } from 'express';
import { HttpError, type ProblemDetail } from './http-error';

export function guardUrl(request: Request, _response: Response, next: NextFunction): void {
  if (request.httpVersion === '1.1' && request.headers.host === undefined)
    throw new HttpError('bad_request', { detail: 'Send a Host header.' });
  const [path = ''] = request.url.split('?', 1);
  if (!isCleanlyEncoded(path)) throw new HttpError('invalid_path');
  next();
}

/** The query parameters, each with one value. Throws `invalid_query`. */
export function readQuery(url: string): Record<string, string> {
  const start = url.indexOf('?');
  const text = start === -1 ? '' : url.slice(start + 1);
  if (!isCleanlyEncoded(text))
    throw refusal('', 'bad_encoding', 'The query contains an invalid percent-escape or a NUL character.');
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in query) throw refusal(name, 'repeated', `The parameter "${name}" is given more than once.`);
    query[name] = value;
  }
  return { ...query };
}

function isCleanlyEncoded(text: string): boolean {
  try {
    return !decodeURIComponent(text).includes('\0');
  } catch {
    return false;
  }
}

function refusal(name: string, code: string, message: string): HttpError {
  const errors: ProblemDetail[] = [{ pointer: name, code, message }];
  return new HttpError('invalid_query', { errors });
}
