/**
 * A page made ready for the database, outside its transaction: their records in our words, hashed, and told
 * apart from what cannot be kept.
 */
import { createHash, hash as digest } from 'node:crypto';
import type { ReadPage, RemoteRecord } from '../../connectors/connector';
import type { PageToApply, PulledRecord, RecordError } from '../../db/pull/page';
import { sanitizeForPostgres } from '../../db/sql/sanitize-text';
import { canonicalJson, type JsonObject, type JsonValue } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import { fieldsFromRemote } from '../../domain/pull/reverse-mapping';

export type PreparedPage = Pick<
  PageToApply,
  'records' | 'tombstones' | 'refused' | 'altered' | 'nextCursor' | 'asOf' | 'total'
>;

/** As the API takes it from callers. */
const RECORD_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 32;
const REMOTE_ID_LENGTH_MAX = 500;
/** What PostgreSQL cannot keep, as JSON.stringify writes it: NUL and halves of surrogate pairs. */
const UNSTORABLE = /\\u0000|\\ud[89a-f]/i;

export function createPagePreparation(
  mapping: RecordTypeMapping | undefined,
): (page: ReadPage) => PreparedPage {
  if (mapping === undefined) throw new Error('The record type is no longer mapped.');
  const toOurs = fieldsFromRemote(mapping);
  const goesBothWays = mapping.direction === 'both';
  // A mapping that reads other fields, or the same ones both ways, has to look at every record again.
  const seed = `${mapping.direction} ${canonicalJson(mapping.fields as never)} `;
  const seedOf = createHash('sha256').update(seed).digest('base64url').slice(0, 8);

  return (page) => {
    const records = new Map<string, PulledRecord>();
    const tombstones: string[] = [];
    const refused: RecordError[] = [...page.unreadable];
    const altered: RecordError[] = [];
    for (const remote of page.records) {
      if (remote.isDeleted) tombstones.push(sanitizeForPostgres(remote.remoteId));
      else prepare(remote);
    }
    return {
      records: [...records.values()],
      tombstones,
      refused: refused.map((record) => sanitizeForPostgres(record)),
      altered,
      nextCursor: page.nextCursor,
      asOf: page.asOf,
      total: page.total,
    };

    function prepare(remote: RemoteRecord): void {
      const { remoteId } = remote;
      if (remoteId.length > REMOTE_ID_LENGTH_MAX)
        return void refused.push({
          remoteId: null,
          code: 'id_too_long',
          message: `An id of more than ${REMOTE_ID_LENGTH_MAX} characters.`,
        });
      const fields = toOurs(remote.fields);
      // Before anything walks through it: one such record must not hold up the others.
      if (isDeeperThan(DEPTH_MAX, fields))
        return void refused.push({
          remoteId,
          code: 'too_deep',
          message: `Its mapped fields are nested deeper than ${DEPTH_MAX} levels.`,
        });
      // The same record in another order of its inner keys is looked at once more, and found to be what it
      // was.
      const text = JSON.stringify(fields);
      if (text.length > RECORD_BYTES_MAX)
        return void refused.push({
          remoteId,
          code: 'too_large',
          message: `Its mapped fields take more than ${RECORD_BYTES_MAX} bytes.`,
        });
      const { remoteVersion, externalId } = remote;
      const inTheirs = goesBothWays ? remote.fields : null;
      const hashed = hashOf(seedOf + (goesBothWays ? `${remoteVersion} ` : '') + text);
      if (!UNSTORABLE.test(text) && isStorable(remoteId) && isStorable(remoteVersion ?? ''))
        return void records.set(
          remoteId,
          new PreparedRecord(remoteId, remoteVersion, externalId, text, inTheirs, hashed),
        );
      const ids = sanitizeForPostgres({ remoteId, remoteVersion, externalId });
      const kept = new PreparedRecord(
        ids.remoteId,
        ids.remoteVersion,
        ids.externalId,
        JSON.stringify(sanitizeForPostgres(fields)),
        sanitizeForPostgres(inTheirs),
        hashed,
      );
      records.set(kept.remoteId, kept);
      // A text that spells such a character is none.
      if (kept.text === text && kept.remoteId === remoteId && kept.remoteVersion === remote.remoteVersion)
        return;
      altered.push({
        remoteId: kept.remoteId,
        code: 'text_replaced',
        message:
          'It holds characters that cannot be stored (NUL, or half of a surrogate pair); they were replaced.',
      });
    }
  };
}

/**
 * Its fields are made of the text again where somebody asks for them: of most records nobody does, and
 * thousands of them are held at a time.
 */
class PreparedRecord implements PulledRecord {
  private parsed: JsonObject | undefined;

  constructor(
    readonly remoteId: string,
    readonly remoteVersion: string | null,
    readonly externalId: string | null,
    readonly text: string,
    readonly remote: JsonObject | null,
    readonly hash: string,
  ) {}

  get fields(): JsonObject {
    this.parsed ??= JSON.parse(this.text) as JsonObject;
    return this.parsed;
  }
}

function hashOf(text: string): string {
  return digest('sha256', text, 'base64url').slice(0, 22);
}

const isStorable = (text: string): boolean => !/[\p{Surrogate}\0]/u.test(text);

function isDeeperThan(levels: number, value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member: JsonValue) => isDeeperThan(levels - 1, member));
}
