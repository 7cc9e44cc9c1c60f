/** The id of a record that was just created: from the answer, or searched if the answer lacks it. */
import type { JsonValue } from '../../../domain/json';
import { CreatedWithoutId, type UnusableAnswer } from '../../errors';
import { type RecordCalls, ownIdOf } from '../http/calls';
import { placesIn, readAt } from '../json-pointer';
import { idIn, idPointerOf, type Remote, searchRemote, singleValue, versionIn } from './find-remote-record';
import type { Done } from './write-call';

/** @throws CreatedWithoutId if a search does not find the record either */
export async function remoteCreated(
  calls: RecordCalls,
  answer: Done,
  knownId: string | null = null,
): Promise<Remote> {
  const { recordType, item, context } = calls;
  const record = readAt(answer.body, recordType.record_at);
  const id = idIn(recordType, record, answer.response) ?? knownId ?? ownIdOf(calls);
  if (id !== undefined) return { id, version: versionIn(recordType, record, answer.response) };
  // If the search fails, too, the creation is what has to be stored.
  const found = await searchRemote(calls).catch(() => undefined);
  if (found === undefined) throw withoutId(calls, answer);
  if (found.id !== null) await context.claimRemote?.(item, found.id, withoutId(calls, answer, found.id));
  return found;
}

/** For a creation that must not be repeated, because the record can neither be searched nor recognized. */
export function maybeCreated({ item }: RecordCalls, { message }: UnusableAnswer): CreatedWithoutId {
  const words = `The product may have created the record. ${message}`;
  return new CreatedWithoutId(words, false, item.pushId);
}

/** For a record that an earlier attempt has created, and that is still not found. Nothing was written. */
export function createdBefore({ item, recordType }: RecordCalls): CreatedWithoutId {
  const isFindable = recordType.find !== undefined;
  const message =
    `The product accepted the creation of ${item.externalId} before, without the id of the new record, ` +
    `and the record ${isFindable ? 'is not found' : 'cannot be searched'}.`;
  return new CreatedWithoutId(message, isFindable, null);
}

/** @param id if the record was found */
function withoutId(
  { recordType, item }: RecordCalls,
  { response, body }: Done,
  id?: string,
): CreatedWithoutId {
  const { status } = response;
  const at = idPointerOf(recordType) ?? '';
  const setting = settingFor(recordType.record_at, at, body, id);
  const what = recordType.upsert !== undefined && status !== 201 ? 'accepted' : 'created';
  const where = setting === undefined && typeof body !== 'object' ? '' : ` at ${recordType.record_at}${at}`;
  return new CreatedWithoutId(
    [`The product ${what} the record (${status}), but its answer has no id${where}.`, setting?.words]
      .filter(Boolean)
      .join(' '),
    recordType.find !== undefined,
    item.pushId,
    setting?.name,
  );
}

/** Where the answer has the id instead. A known id is recognized; otherwise a record is, by its member. */
function settingFor(
  recordAt: string,
  idAt: string,
  body: JsonValue | undefined,
  id: string | undefined,
): { name: 'record_at' | 'id'; words: string } | undefined {
  const places = placesIn(body);
  const record = places.find(([, value]) => {
    const answered = singleValue(readAt(value, idAt));
    return answered !== undefined && (id === undefined || answered === id);
  });
  if (record !== undefined)
    return { name: 'record_at', words: `Set record_at (such as ${record[0]}) or id.` };
  const [at] = (id === undefined ? undefined : places.find(([, value]) => singleValue(value) === id)) ?? [];
  if (at === undefined) return undefined;
  return at.startsWith(`${recordAt}/`)
    ? { name: 'id', words: `Set id (such as ${at.slice(recordAt.length)}).` }
    : { name: 'record_at', words: `Set record_at and id: the answer has it at ${at}.` };
}
