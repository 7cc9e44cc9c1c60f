/**
 * Reads the body of a request: JSON in UTF-8, without content encoding, of limited size. A body that is too
 * large is not kept in memory.
 */
import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error';
import { type GuardedJson, parseGuarded } from './json-guard';

export interface JsonBody extends GuardedJson {
  /** The original text; part of the fingerprint of an idempotent request. */
  text: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Undefined when there is no body. Throws `unsupported_media_type`, `body_too_large` or `malformed_json`.
 * Values that cannot be stored are returned in `issues`, because in a batch they concern one item only.
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
    throw new HttpError('malformed_json', { detail: 'The body must be a JSON object.' });
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

/** The body as it was sent. Throws `body_too_large`. */
export async function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
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
      reject(
        new HttpError('bad_request', {
          detail: 'The body ended before it was complete. Send the request again.',
          cause,
        }),
      ),
    );
  });
}

/** Reads and drops the rest of the body, so that the client can finish sending and see the response. */
function tooLarge(request: IncomingMessage, limitBytes: number): HttpError {
  request.resume();
  return new HttpError('body_too_large', {
    detail: `The body may have at most ${limitBytes} bytes. Split the request into smaller ones.`,
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
