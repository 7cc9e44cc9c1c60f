/**
 * Checks the messages of a server before pg parses them, and passes on whole messages only: pg-protocol reads
 * past the end of some malformed messages, and never ends with others (PostgreSQL documentation, "Message
 * Formats").
 */
import { Transform, type TransformCallback } from 'node:stream';

export class MalformedMessage extends Error {}
export class MessageTooLarge extends Error {}

export interface FrameLimits {
  loginBytesMax: number;
  answerBytesMax: number;
  valuesMax: number;
}

const HEADER_BYTES = 5;
/** MaxTupleAttributeNumber. */
const COLUMNS_MAX = 1_664;
const COLUMN_BYTES = 18;

type Check = (body: Buffer) => void;

const CHECKS: Record<string, Check> = {
  R: checkAuthentication,
  S: (body) => expectEnd(body, text(body, text(body, 0))),
  K: (body) => expect(body.length >= 8 && body.length <= 260),
  Z: (body) => expect(body.length === 1),
  T: checkColumns,
  D: checkRow,
  C: (body) => expectEnd(body, text(body, 0)),
  E: checkFields,
  N: checkFields,
  A: (body) => expectEnd(body, text(body, text(body, 4))),
  t: (body) => expect(body.length >= 2 && body.length === 2 + 4 * body.readUInt16BE(0)),
  I: checkEmpty,
  '1': checkEmpty,
  '2': checkEmpty,
  '3': checkEmpty,
  n: checkEmpty,
  s: checkEmpty,
};

/** Ends with `MalformedMessage` or `MessageTooLarge`. */
export class FrameCheck extends Transform {
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = HEADER_BYTES;
  #values = 0;
  /** Until the server is ready for queries. */
  #isLogin = true;
  #loginBytes = 0;

  constructor(private readonly limits: FrameLimits) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) return done();
    try {
      this.#passOn(Buffer.concat(this.#chunks));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #passOn(bytes: Buffer): void {
    let end = 0;
    this.#needed = HEADER_BYTES;
    while (bytes.length - end >= HEADER_BYTES) {
      const size = this.#checkHeader(bytes, end);
      this.#needed = size;
      if (bytes.length - end < size) break;
      this.#checkMessage(bytes.subarray(end, end + size));
      end += size;
      this.#needed = HEADER_BYTES;
    }
    const rest = bytes.subarray(end);
    this.#chunks = [rest];
    this.#size = rest.length;
    if (end > 0) this.push(bytes.subarray(0, end));
  }

  /** An announced length is refused before its bytes arrive. */
  #checkHeader(bytes: Buffer, at: number): number {
    const size = 1 + bytes.readUInt32BE(at + 1);
    expect(size >= HEADER_BYTES && Object.hasOwn(CHECKS, kindOf(bytes, at)));
    if (this.#isLogin && this.#loginBytes + size > this.limits.loginBytesMax)
      throw new MalformedMessage('The database sent too much during the log-in.');
    if (size > this.limits.answerBytesMax) throw new MessageTooLarge();
    return size;
  }

  #checkMessage(message: Buffer): void {
    const kind = kindOf(message, 0);
    const body = message.subarray(HEADER_BYTES);
    (CHECKS[kind] as Check)(body);
    if (this.#isLogin) this.#loginBytes += message.length;
    if (kind === 'Z') this.#isLogin = false;
    if (kind !== 'D') return;
    this.#values += 1 + body.readUInt16BE(0);
    if (this.#values > this.limits.valuesMax) throw new MessageTooLarge();
  }
}

const kindOf = (bytes: Buffer, at: number): string => String.fromCharCode(bytes[at] as number);

function expect(isWellFormed: boolean): asserts isWellFormed {
  if (!isWellFormed) throw new MalformedMessage('The database sent a malformed message.');
}

function expectEnd(body: Buffer, at: number): void {
  expect(at === body.length);
}

function checkEmpty(body: Buffer): void {
  expect(body.length === 0);
}

/** The end of the zero-terminated text that begins there. */
function text(body: Buffer, at: number): number {
  const end = at > body.length ? -1 : body.indexOf(0, at);
  expect(end !== -1);
  return end + 1;
}

/** No password at all, as it is, as MD5, or SASL with its two steps. */
function checkAuthentication(body: Buffer): void {
  expect(body.length >= 4);
  const kind = body.readUInt32BE(0);
  if (kind === 0 || kind === 3) return expect(body.length === 4);
  if (kind === 5) return expect(body.length === 8);
  if (kind === 10) {
    let at = 4;
    while (at < body.length && body[at] !== 0) at = text(body, at);
    return expectEnd(body, at + 1);
  }
  expect(kind === 11 || kind === 12);
}

/** Of errors and notices: each a letter and a text, and a zero behind the last. */
function checkFields(body: Buffer): void {
  let at = 0;
  while (at < body.length && body[at] !== 0) at = text(body, at + 1);
  expectEnd(body, at + 1);
}

function checkColumns(body: Buffer): void {
  expect(body.length >= 2);
  const count = body.readUInt16BE(0);
  expect(count <= COLUMNS_MAX);
  let at = 2;
  for (let index = 0; index < count; index += 1) at = text(body, at) + COLUMN_BYTES;
  expectEnd(body, at);
}

function checkRow(body: Buffer): void {
  expect(body.length >= 2);
  const count = body.readUInt16BE(0);
  expect(count <= COLUMNS_MAX);
  let at = 2;
  for (let index = 0; index < count; index += 1) {
    expect(at + 4 <= body.length);
    const length = body.readInt32BE(at);
    expect(length >= -1);
    at += 4 + Math.max(0, length);
  }
  expectEnd(body, at);
}
