/** A page made ready for the database, outside its transaction: their records in our words, hashed, and told apart from what cannot be kept. */
import { createHash } from 'node:crypto';
import type { ReadPage, RemoteRecord } from '../connectors/connector';
import type { PageToApply, PulledRecord, RefusedRecord } from '../db/sync-pages';
import { storable } from '../db/storable';
import { canonicalJson } from '../domain/json';
import type { RecordTypeMapping } from '../domain/mapping';
import { fieldsFromRemote } from '../domain/pulled-fields';

export type PreparedPage = Pick<PageToApply, 'records' | 'tombstones' | 'refused' | 'altered' | 'nextCursor' | 'asOf' | 'total'>;

/** As the API takes it from callers. */
const RECORD_BYTES_MAX = 256 * 1024;
const REMOTE_ID_LENGTH_MAX = 500;
/** What PostgreSQL cannot keep, as JSON.stringify writes it: NUL and halves of surrogate pairs. */
const UNSTORABLE = /\\u0000|\\ud[89a-f]/i;

export function createPagePreparation(mapping: RecordTypeMapping | undefined): (page: ReadPage) => PreparedPage {
  if (mapping === undefined) throw new Error('The record type is no longer mapped.');
  const toOurs = fieldsFromRemote(mapping);
  const goesBothWays = mapping.direction === 'both';
  // A mapping that reads other fields, or the same ones both ways, has to look at every record again.
  const seed = `${mapping.direction} ${canonicalJson(mapping.fields as never)} `;
  const seedOf = createHash('sha256').update(seed).digest('base64url').slice(0, 8);

  return (page) => {
    const records = new Map<string, PulledRecord>();
    const tombstones: string[] = [];
    const refused: RefusedRecord[] = [...page.unreadable];
    const altered: RefusedRecord[] = [];
    for (const remote of page.records) {
      if (remote.isDeleted) tombstones.push(storable(remote.remoteId));
      else prepare(remote);
    }
    return {
      records: [...records.values()],
      tombstones,
      refused: refused.map((record) => storable(record)),
      altered,
      nextCursor: page.nextCursor,
      asOf: page.asOf,
      total: page.total,
    };

    function prepare(remote: RemoteRecord): void {
      const { remoteId } = remote;
      if (remoteId.length > REMOTE_ID_LENGTH_MAX)
        return void refused.push({ remoteId: null, code: 'id_too_long', message: `An id of more than ${REMOTE_ID_LENGTH_MAX} characters.` });
      const fields = toOurs(remote.fields);
      const text = canonicalJson(fields);
      if (text.length > RECORD_BYTES_MAX)
        return void refused.push({ remoteId, code: 'too_large', message: `Its mapped fields take more than ${RECORD_BYTES_MAX} bytes.` });
      const record = {
        remoteId,
        remoteVersion: remote.remoteVersion,
        externalId: remote.externalId,
        fields,
        remote: goesBothWays ? remote.fields : null,
        hash: hashOf(seedOf, text),
      };
      if (!UNSTORABLE.test(text) && !UNSTORABLE.test(JSON.stringify([remoteId, remote.remoteVersion]))) return void records.set(remoteId, record);
      const kept = storable(record);
      records.set(kept.remoteId, kept);
      altered.push({
        remoteId: kept.remoteId,
        code: 'text_replaced',
        message: 'It holds characters that cannot be stored (NUL, or half of a surrogate pair); they were replaced.',
      });
    }
  };
}

function hashOf(seed: string, text: string): string {
  return createHash('sha256').update(seed).update(text).digest('base64url').slice(0, 22);
}
