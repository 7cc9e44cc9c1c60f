/**
 * A list as one parameter in PostgreSQL's binary form: no quoting here and no parsing there, which takes a
 * third of the time of array text for a page of records. Cast the parameter to the array's type where it is
 * used.
 */
type Write = (writer: ArrayWriter, value: unknown) => void;

interface ElementType {
  oid: number;
  write: Write;
}

/**
 * The size of the values if their texts are ASCII, as nearly all are, plus a margin so that the last one fits
 * without another check.
 */
function roomFor(values: readonly unknown[]): number {
  let bytes = 64;
  for (const value of values) bytes += 16 + (typeof value === 'string' ? value.length : 8);
  return bytes;
}

const HYPHEN = 45;
const NO_DIGIT = 255;
/** By character code. */
const HEX_VALUES = new Uint8Array(128).fill(NO_DIGIT);
for (const digit of '0123456789abcdefABCDEF') HEX_VALUES[digit.charCodeAt(0)] = Number.parseInt(digit, 16);

const EPOCH_MS = Date.UTC(2000, 0, 1);
const HEADER_BYTES = 20;

/** JSON that was serialized before, so that it is not serialized twice. */
export class JsonText {
  constructor(readonly text: string) {}
}

const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  text: {
    oid: 25,
    write: (writer, value) => writer.text(typeof value === 'string' ? value : JSON.stringify(value)),
  },
  uuid: { oid: 2950, write: (writer, value) => writer.uuid(value as string) },
  boolean: {
    oid: 16,
    write: (writer, value) => writer.bytes(1, (buffer, at) => buffer.writeUInt8(value === true ? 1 : 0, at)),
  },
  int: {
    oid: 23,
    write: (writer, value) => writer.bytes(4, (buffer, at) => buffer.writeInt32BE(value as number, at)),
  },
  bigint: {
    oid: 20,
    write: (writer, value) => writer.bytes(8, (buffer, at) => writeInt64(buffer, at, value as number)),
  },
  timestamptz: {
    oid: 1184,
    write: (writer, value) =>
      writer.bytes(8, (buffer, at) => writeInt64(buffer, at, ((value as Date).getTime() - EPOCH_MS) * 1_000)),
  },
  jsonb: { oid: 3802, write: (writer, value) => writer.json(value as string) },
};

export function arrayParameter(values: readonly unknown[], type: string): Buffer {
  const element = ELEMENT_TYPES[type];
  if (element === undefined)
    throw new Error(`Lists of ${type} are not known here: add the type to ELEMENT_TYPES.`);
  // Serialized first, so that the buffer has the right size from the beginning.
  const sent = type === 'jsonb' ? jsonTextsOf(values) : values;
  const writer = new ArrayWriter(sent.length, element.oid, roomFor(sent));
  for (const value of sent) {
    if (value === null || value === undefined) writer.nothing();
    else element.write(writer, value);
  }
  return writer.end();
}

/** An object that the values after it repeat is serialized once. */
function jsonTextsOf(values: readonly unknown[]): (string | null)[] {
  let last: { value: unknown; text: string | null } = { value: null, text: null };
  return values.map((value) => {
    if (value !== last.value) last = { value, text: jsonTextOf(value) };
    return last.text;
  });
}

function jsonTextOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value instanceof JsonText ? value.text : JSON.stringify(value);
}

/** Integers within the range of a double; BigInt would cost more than all the rest. */
function writeInt64(buffer: Buffer, at: number, value: number): void {
  if (!Number.isSafeInteger(value)) return void buffer.writeBigInt64BE(BigInt(value), at);
  buffer.writeInt32BE(Math.floor(value / 2 ** 32), at);
  buffer.writeUInt32BE(value >>> 0, at + 4);
}

class ArrayWriter {
  private buffer: Buffer;
  private at = 0;
  private hasNull = false;

  constructor(
    private readonly length: number,
    private readonly oid: number,
    room: number,
  ) {
    this.buffer = Buffer.allocUnsafe(HEADER_BYTES + room);
    this.at = length === 0 ? 12 : HEADER_BYTES;
  }

  nothing(): void {
    this.hasNull = true;
    this.reserve(4);
    this.at = this.buffer.writeInt32BE(-1, this.at);
  }

  bytes(length: number, write: (buffer: Buffer, at: number) => void): void {
    this.reserve(4 + length);
    this.buffer.writeInt32BE(length, this.at);
    write(this.buffer, this.at + 4);
    this.at += 4 + length;
  }

  /** Digit by digit: removing the hyphens first took five times as long. */
  uuid(id: string): void {
    this.bytes(16, (buffer, at) => {
      let digits = 0;
      for (let position = 0; position < id.length; position += 1) {
        const code = id.charCodeAt(position);
        if (code === HYPHEN) continue;
        const value = HEX_VALUES[code] ?? NO_DIGIT;
        if (value === NO_DIGIT || digits === 32) throw new Error('This is not a UUID.');
        const byte = at + (digits >> 1);
        buffer[byte] = digits % 2 === 0 ? value << 4 : (buffer[byte] as number) | value;
        digits += 1;
      }
      if (digits !== 32) throw new Error('This is not a UUID.');
    });
  }

  text(text: string): void {
    this.write(text, 0);
  }

  /** jsonb is preceded by a version byte. */
  json(text: string): void {
    const start = this.at;
    this.write(text, 1);
    this.buffer.writeUInt8(1, start + 4); // last: the buffer may have been exchanged for a larger one
  }

  /** `before`: bytes of the value that were already written. */
  private write(text: string, before: number): void {
    const start = this.at + 4 + before;
    // Most texts are ASCII and fit; the others are measured first.
    const bytes = start + text.length * 3 <= this.buffer.length ? 0 : Buffer.byteLength(text, 'utf8');
    this.reserve(4 + before + bytes);
    const length = this.buffer.write(text, start, 'utf8') + before;
    this.buffer.writeInt32BE(length, this.at);
    this.at += 4 + length;
  }

  /** Dimensions, a null flag, the type, the length, and the lower bound 1. */
  end(): Buffer {
    this.buffer.writeInt32BE(this.length === 0 ? 0 : 1, 0);
    this.buffer.writeInt32BE(this.hasNull ? 1 : 0, 4);
    this.buffer.writeInt32BE(this.oid, 8);
    if (this.length > 0) {
      this.buffer.writeInt32BE(this.length, 12);
      this.buffer.writeInt32BE(1, 16);
    }
    return this.buffer.subarray(0, this.at);
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}
