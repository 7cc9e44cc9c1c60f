/**
 * Reads the body of a response as text: undoes Content-Encoding, which some servers apply without being
 * asked, and decodes the charset that Content-Type names (RFC 9110, 8.3 and 8.4; UTF-8 without one). Bytes
 * that do not decode are an error: a replacement character would be stored as if it were the value.
 */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { errors } from 'undici';
import { UNCOUNTED_BYTES } from './limits/bytes-under-way';

/** The message completes "The third party did not respond completely: …" and contains no address. */
export class UnreadableBody extends Error {}

type Headers = Record<string, string | string[] | undefined>;
type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const [gunzip, inflate, inflateRaw, brotli]: Decompress[] = [
  promisify(zlib.gunzip),
  promisify(zlib.inflate),
  promisify(zlib.inflateRaw),
  promisify(zlib.brotliDecompress),
] as [Decompress, Decompress, Decompress, Decompress];

const decompressors: Record<string, (bytes: Buffer) => Decompress> = {
  gzip: () => gunzip,
  'x-gzip': () => gunzip,
  // Some servers leave out the zlib header that RFC 9110 8.4.1.2 asks for.
  deflate: (bytes) => (((bytes[0] ?? 0) & 0x0f) === 0x08 ? inflate : inflateRaw),
  br: () => brotli,
};
/** More than any server needs. */
const ENCODINGS_MAX = 3;
/** A larger body than this must not be more than `RATIO_MAX` times its compressed form. */
const UNSUSPICIOUS_BYTES = 1024 * 1024;
const RATIO_MAX = 200;

/**
 * @param bytesMax of the body, compressed and decompressed: a small response cannot fill the memory.
 * @param reserve waits until a body of so many bytes may be held; its first call counts.
 * @throws ResponseExceededMaxSizeError, UnreadableBody, or what the body throws.
 */
export async function readBody(
  body: AsyncIterable<Buffer>,
  headers: Headers,
  bytesMax: number,
  reserve: (byteCount: number) => Promise<void> = async () => undefined,
): Promise<string> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  // Leaving the loop by an exception destroys the stream and its connection.
  for await (const chunk of body) {
    byteCount += chunk.length;
    if (byteCount > bytesMax) throw new errors.ResponseExceededMaxSizeError();
    if (byteCount > UNCOUNTED_BYTES) await reserve(announcedBytes(headers) ?? bytesMax);
    chunks.push(chunk);
  }
  const encodings = encodingsOf(headers);
  const outputMax = Math.min(bytesMax, Math.max(UNSUSPICIOUS_BYTES, byteCount * RATIO_MAX));
  const received = Buffer.concat(chunks);
  // A small body, as most answers to a push are, needs no room: the memory can be full of other answers.
  const small = decompress(received, encodings, Math.min(outputMax, UNCOUNTED_BYTES));
  const bytes = await small.catch(async (error: unknown) => {
    if (!isTooLarge(error)) throw error;
    await reserve(outputMax);
    return decompress(received, encodings, outputMax);
  });
  return decode(bytes, charsetOf(headers));
}

const isTooLarge = (error: unknown): boolean => error instanceof errors.ResponseExceededMaxSizeError;

/** Undefined if the body is compressed or its size is not announced. The parser of HTTP enforces it. */
function announcedBytes(headers: Headers): number | undefined {
  const length = valueOf(headers['content-length']);
  return encodingsOf(headers).length === 0 && /^\d+$/.test(length) ? Number(length) : undefined;
}

async function decompress(bytes: Buffer, encodings: readonly string[], bytesMax: number): Promise<Buffer> {
  if (bytes.length === 0) return bytes; // a 204 or an answer to HEAD may name an encoding
  if (encodings.length > ENCODINGS_MAX) throw new UnreadableBody('its response is compressed too many times');
  let decompressed = bytes;
  for (const encoding of encodings.toReversed()) {
    const decompressor = decompressors[encoding]?.(decompressed);
    if (decompressor === undefined)
      throw new UnreadableBody('its response has a content encoding that Syncline does not know');
    try {
      decompressed = await decompressor(decompressed, { maxOutputLength: bytesMax });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        throw new errors.ResponseExceededMaxSizeError();
      throw new UnreadableBody('its response could not be decompressed', { cause: error });
    }
  }
  return decompressed;
}

/** In the order in which they were applied. */
const encodingsOf = (headers: Headers): string[] =>
  valueOf(headers['content-encoding'])
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'identity');

function charsetOf(headers: Headers): string {
  const match = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]*))/i.exec(valueOf(headers['content-type']));
  return match?.[1] ?? match?.[2] ?? 'utf-8';
}

function decode(bytes: Buffer, charset: string): string {
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    // A byte order mark outweighs the header (WHATWG Encoding, "decode").
    decoder = new TextDecoder(charsetOfMark(bytes) ?? charset, { fatal: true });
  } catch {
    throw new UnreadableBody('its response has a charset that Syncline does not know');
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw new UnreadableBody(`its response contains bytes that are not ${decoder.encoding}`);
  }
}

function charsetOfMark(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

const valueOf = (header: string | string[] | undefined): string =>
  Array.isArray(header) ? header.join(', ') : (header ?? '');
