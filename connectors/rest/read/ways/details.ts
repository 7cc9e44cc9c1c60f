/**
 * Reads each record of a page by a call of its own, for lists that hold only ids or shortened records. A
 * record that no longer exists counts as not listed. One record that fails does not stop its page.
 */
import { isJsonObject, type JsonValue } from '../../../../domain/json';
import type { RecordTypeMapping } from '../../../../domain/records/mapping';
import { mapConcurrently, type Settled } from '../../../bounded-concurrency';
import type { UnreadableRecord } from '../../../connector';
import { RateLimited, Unauthorized, Unavailable } from '../../../errors';
import type { ListConfig } from '../../config/config-read';
import { requestTo } from '../../http/calls';
import { selectedFields } from '../../http/selected-fields';
import { isTrueOf, NO_FIELDS, readAnswer, rulesFor, unreadable } from '../../http/response-rules';
import { placeAt, readAt } from '../../json-pointer';
import { checkSameId } from '../../../same-id';
import { singleValue } from '../../push/find-remote-record';
import { type DatasetReading, notReadable, type ReadingPart } from '../dataset-errors';
import { idPointer, type ReadItems, readItems } from '../read-items';

/** If all records of a page are missing, and at least this many, the path is wrong. */
const MISSING_MIN = 3;

export interface DetailReading extends DatasetReading {
  part: ReadingPart;
  signal: AbortSignal;
  mapping: RecordTypeMapping | undefined;
  /** Only a token tells of the records, so none may be left out without a word. */
  feed?: { token: string | undefined } | undefined;
}

interface Detailed {
  /** Items without a usable id, and tombstones, stay as they are listed. */
  items: JsonValue[];
  unreadable: UnreadableRecord[];
}

interface Listed {
  record: JsonValue | undefined;
  /** undefined = there is no call for the record. */
  id: string | undefined;
}

/** The value undefined = the record no longer exists. */
type Read = Settled<Listed, JsonValue | undefined>;

/**
 * The records of the items of a page, read one by one if the list says so.
 * @throws one of the four errors after a rate limit, refused credentials or an outage, and if the path of
 * `detail` is wrong. The page is then read again.
 */
export async function readListed(
  list: ListConfig,
  items: readonly JsonValue[],
  reading: DetailReading,
): Promise<ReadItems> {
  const { recordType } = reading;
  if (list.detail === undefined) return readItems(items, list, recordType);
  const detailed = await readEach(list, items, reading, (settled) => checkMissing(settled, reading));
  const single = { ...list, item_at: '', id: undefined, version: undefined };
  const { records, unreadable: unusable } = readItems(detailed.items, single, recordType);
  return { records, unreadable: [...unusable, ...detailed.unreadable] };
}

/** @param check throws if the results together show that the path is wrong. */
export async function readEach(
  list: ListConfig,
  items: readonly JsonValue[],
  reading: DetailReading,
  check: (settled: readonly Read[]) => void = () => undefined,
): Promise<Detailed> {
  const { recordType, config, signal } = reading;
  const listed = items.map((item): Listed => {
    const record = readAt(item, list.item_at);
    const isGone = isTrueOf(recordType.tombstone, record);
    return { record, id: isGone ? undefined : singleValue(readAt(record, list.id ?? idPointer(recordType))) };
  });
  const wanted = listed.filter(({ id }) => id !== undefined);
  const work = (one: Listed) => readOne(list, one, reading);
  const mayBegin = () => !signal.aborted;
  const first = await mapConcurrently(wanted, config.concurrency, work, mayBegin);
  checkAnswered(first, wanted.length);
  const read = new Map<Listed, Read>();
  for (const one of first) read.set(one.item, one);
  for (const { item, ...result } of first)
    if (!result.ok && result.error instanceof Unavailable)
      for (const again of await mapConcurrently([item], 1, work, mayBegin)) read.set(item, again);
  check([...read.values()]);
  return collect(listed, read, reading.feed?.token !== undefined);
}

/** After a rate limit, refused credentials or several failures in a row, the other calls were not started. */
function checkAnswered(settled: readonly Read[], wanted: number): void {
  const errors = settled.flatMap((one) => (one.ok ? [] : [one.error]));
  const isOutage = errors.length === wanted && errors.every((error) => error instanceof Unavailable);
  const [first] = errors;
  const stopping = errors.find((error) => error instanceof RateLimited || error instanceof Unauthorized);
  if (stopping !== undefined) throw stopping;
  if (first !== undefined && (settled.length < wanted || isOutage)) throw first;
}

function checkMissing(settled: readonly Read[], { name, part }: DetailReading): void {
  const isMissing = settled.every((one) => one.ok && one.value === undefined);
  if (isMissing && settled.length >= MISSING_MIN)
    throw notReadable(
      name,
      part,
      'detail_not_found',
      `none of the ${settled.length} records of a page exists at the path of detail.`,
    );
}

async function readOne(
  { detail }: ListConfig,
  { id = '' }: Listed,
  { config, recordType, session, mapping }: DetailReading,
): Promise<JsonValue | undefined> {
  if (detail === undefined) throw new Error('The configuration has no detail.');
  const request = requestTo(config, detail, 'GET', (name) => {
    if (name === 'remote_id') return id;
    return name === 'fields' ? selectedFields(recordType, mapping) : undefined;
  });
  const answer = readAnswer(
    await session.send(request),
    rulesFor(config, recordType),
    NO_FIELDS,
    session.quotable,
  );
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  const record = readAt(answer.body, detail.record_at);
  if (!isJsonObject(record)) throw unreadable(session.quotable(answer.response));
  const pointer = idPointer(recordType);
  const answered = singleValue(readAt(record, pointer));
  if (answered === undefined) return placeAt(record, pointer, id);
  checkSameId(id, answered, 'read');
  return record;
}

function collect(listed: readonly Listed[], read: ReadonlyMap<Listed, Read>, isOfToken: boolean): Detailed {
  const detailed: Detailed = { items: [], unreadable: [] };
  for (const one of listed) {
    const result = read.get(one);
    if (result === undefined) detailed.items.push(one.record ?? null);
    else if (!result.ok)
      detailed.unreadable.push({
        remoteId: one.id ?? null,
        code: 'detail_failed',
        message: `${one.id} could not be read: ${result.error.message}`,
      });
    else if (result.value !== undefined) detailed.items.push(result.value);
    else if (isOfToken)
      detailed.unreadable.push({
        remoteId: one.id ?? null,
        code: 'detail_missing',
        message: `${one.id} was listed as changed, but is not found by detail.`,
      });
  }
  return detailed;
}
