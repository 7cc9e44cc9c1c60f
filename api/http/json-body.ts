/** Reads a request's body: strictly JSON, in UTF-8, unencoded and bounded. What is too large is thrown away as it arrives, never kept. */
import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error';
import { type GuardedJson, parseGuarded } from './json-guard';

export interface JsonBody extends GuardedJson {
  /** As it was sent; part of an idempotent request's fingerprint. */
  text: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Undefined when there is no body. Throws `unsupported_media_type`, `body_too_large` or `malformed_json`;
 * what the guard found is handed on in `issues`, because in a batch it concerns one item only.
 */
export async function readJsonBody(
  request: IncomingMessage,
  limitBytes: number,
): Promise<JsonBody | undefined> {
  if (!hasBody(request)) return undefined;
  checkMediaType(request);
  const text = decode(await readBytes(request, limitBytes));
  if (text === '') return undefined;
  const body = { text, ...parse(text) };
  if (typeof body.value !== 'object' || body.value === null)
    throw new HttpError('malformed_json', { detail: 'The body has to be a JSON object.' });
  return body;
}

function hasBody(request: IncomingMessage): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  );
}

function checkMediaType({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  const [type, ...parameters] = (headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const isUtf8 = parameters.every((parameter) => /^(charset="?utf-8"?)?$/.test(parameter));
  if (type !== 'application/json' || !isUtf8 || encoding.toLowerCase() !== 'identity')
    throw new HttpError('unsupported_media_type');
}

async function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = Number(request.headers['content-length'] ?? 0);
  if (size > limitBytes) throw tooLarge(request, limitBytes);
  size = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) return void chunks.push(chunk);
      chunks.length = 0;
      request.removeAllListeners('data');
      reject(tooLarge(request, limitBytes));
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', (cause) =>
      reject(new HttpError('bad_request', { detail: 'The body ended before it was complete.', cause })),
    );
  });
}

/** The rest of the body is read and dropped, so that the client can finish sending and see the answer. */
function tooLarge(request: IncomingMessage, limitBytes: number): HttpError {
  request.resume();
  return new HttpError('body_too_large', {
    detail: `The body may have at most ${limitBytes} bytes. Send less, or in parts.`,
    headers: { Connection: 'close' },
  });
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new HttpError('malformed_json', { detail: 'The body is not valid UTF-8.', cause });
  }
}

function parse(text: string): GuardedJson {
  try {
    return parseGuarded(text);
  } catch (cause) {
    throw new HttpError('malformed_json', { cause });
  }
}
