/**
 * Ids: UUID version 7 in the database, TypeID in the API (`int_01h…`), so that an id shows its type.
 * Generated in the process, because PostgreSQL 15 has no uuidv7().
 */
import { randomFillSync } from 'node:crypto';
import { TypeID } from 'typeid-js';
import { typeIdOf } from '../../domain/typeid';

export type IdPrefix =
  | 'ten'
  | 'key'
  | 'int'
  | 'btk'
  | 'cns'
  | 'rec'
  | 'psh'
  | 'ntf'
  | 'aud'
  | 'run'
  | 'sst'
  | 'skr'
  | 'rev'
  | 'prv'
  | 'wrk'
  | 'mdc'
  | 'cnf'
  | 'sre'
  | 'ers'
  | 'eml'
  | 'evt'
  | 'whe'
  | 'whd'
  | 'psn'
  | 'ses'
  | 'ovw'
  | 'ovi'
  | 'opr'
  | 'oap'
  | 'rol';

/** Before every other id. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';
/** After every other id. */
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const pool = Buffer.alloc(4_096);
let used = pool.length;
let lastMs = 0;
let sequence = 0;
/** The random part and the counter of ids of the same millisecond. */
let written = '';
let writtenMs = -1;

/** How far the clock of this process is behind that of the database; negative = ahead. */
let behindMs = 0;
/** If the last id is further ahead of the database, the clock of this process has been set back since. */
const AHEAD_MAX_MS = 1_000;

/**
 * Ids have the time of the database, so that ids of all processes sort by time, and rows lie in the partition
 * of their age. `databaseMs` was read between the two times of this process.
 */
export function followDatabaseClock(sentMs: number, databaseMs: number, receivedMs: number): void {
  behindMs = Math.min(Math.max(behindMs, databaseMs - receivedMs), databaseMs - sentMs);
  if (lastMs > receivedMs + behindMs + AHEAD_MAX_MS) lastMs = 0;
}

/** The time of the database, as far as this process knows. */
export const databaseNowMs = (): number => Date.now() + behindMs;

/**
 * A new UUIDv7; later ones of this process sort after earlier ones (RFC 9562, 6.2 method 1), unless a clock
 * was set meanwhile.
 */
export function newUuid(nowMs = databaseNowMs()): string {
  if (used + 8 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = pool.readUInt16BE(used) & 0x7ff;
  } else if (++sequence > 0xfff) {
    lastMs += 1;
    sequence = 0;
  }
  if (lastMs !== writtenMs) {
    writtenMs = lastMs;
    const digits = lastMs.toString(16).padStart(12, '0');
    written = `${digits.slice(0, 8)}-${digits.slice(8)}-7`;
  }
  const random = pool.toString('hex', used, used + 8);
  used += 8;
  const variant = ((Number.parseInt(random[0] as string, 16) & 0x3) | 0x8).toString(16);
  const counter = sequence.toString(16).padStart(3, '0');
  return `${written}${counter}-${variant}${random.slice(1, 4)}-${random.slice(4)}`;
}

/** The lowest UUID version 7 of that time, in milliseconds. */
export function idAt(ms: number): string {
  const digits = ms.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-0000-0000-000000000000`;
}

/** The time of a UUID version 7, or of the first id of an instant, in milliseconds since 1970. */
export const timeOfId = (id: string): number => Number.parseInt(id.slice(0, 13).replace('-', ''), 16);

export function toTypeId(prefix: IdPrefix, uuid: string): string {
  return typeIdOf(prefix, uuid);
}

/** The uuid of an API id, or undefined if it does not have this prefix. */
export function fromTypeId(prefix: IdPrefix, typeId: string): string | undefined {
  try {
    return TypeID.fromString(typeId, prefix).toUUID();
  } catch {
    return undefined;
  }
}
