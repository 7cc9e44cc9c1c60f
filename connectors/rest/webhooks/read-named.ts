/** Reads single records by their ids, such as those that a webhook has named. */
import type { ReadPage, RemoteRecord } from '../../connector';
import type { NamedRequest } from '../../incoming';
import type { RecordTypeConfig } from '../config/config';
import type { ListConfig } from '../config/config-read';
import type { RestContext } from '../http/credentials';
import { isTrueOf } from '../http/response-rules';
import { openSession } from '../http/session';
import { readEach } from '../read/ways/details';
import { readItems } from '../read/read-items';
import { problemsOfCall } from '../validate/validate-call';

/** The list whose items are the ids; undefined: no call reads a record alone. */
function listOfIds({ list, read, record_at: recordAt }: RecordTypeConfig): ListConfig | undefined {
  const alone = read && needsOnlyTheId(read) ? { ...read, record_at: read.record_at ?? recordAt } : undefined;
  const detail = list?.detail ?? alone;
  return list && detail && { ...list, item_at: '', id: '', detail };
}

/** `read` may also use the Syncline id or fields of a record, which a webhook does not name. */
function needsOnlyTheId(read: NonNullable<RecordTypeConfig['read']>): boolean {
  return problemsOfCall('', read, (name) => name === 'remote_id' || name === 'fields').length === 0;
}

export const canReadNamed = (recordType: RecordTypeConfig): boolean => listOfIds(recordType) !== undefined;

/** A record that does not exist is a tombstone. Errors as of a page with `detail`. */
export async function readNamedRecords(
  { recordType: name, remoteIds }: NamedRequest,
  recordType: RecordTypeConfig,
  context: RestContext,
): Promise<ReadPage> {
  const list = listOfIds(recordType);
  if (list === undefined) throw new Error(`Records of ${name} cannot be read alone.`);
  const { config, signal } = context;
  const session = await openSession(context);
  const mapping = context.mappings[name];
  const reading = { config, recordType, mapping, name, session, part: 'list' as const, signal };
  const detailed = await readEach(list, remoteIds, reading);
  // Records that were not asked for any more are not gone.
  signal.throwIfAborted();
  const single = { ...list, id: undefined, version: undefined, modified: undefined };
  const { selects } = list;
  // `changes` and `read` reach records that the list leaves out.
  const items = detailed.items.filter((item) => selects === undefined || isTrueOf(selects, item));
  const { records, unreadable } = readItems(items, single, recordType);
  const seen = new Set([...records, ...unreadable, ...detailed.unreadable].map(({ remoteId }) => remoteId));
  const gone = remoteIds
    .filter((remoteId) => !seen.has(remoteId))
    .map((remoteId): RemoteRecord => ({
      remoteId,
      remoteVersion: null,
      fields: {},
      externalId: null,
      isDeleted: true,
    }));
  return {
    records: [...records, ...gone],
    unreadable: [...unreadable, ...detailed.unreadable],
    nextCursor: null,
    asOf: null,
    total: null,
  };
}
