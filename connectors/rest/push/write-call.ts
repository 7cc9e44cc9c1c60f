/** Calls that write a record: body, version, conflicts (412), and the result of a push. */
import {
  createOnlyPlaces,
  isSentAround,
  withoutCreateOnly,
  withWhatIsThere,
} from '../../../domain/records/create-only';
import { forUpdate } from '../../payload-of-update';
import { type JsonObject, type JsonValue, isJsonObject } from '../../../domain/json';
import type { HttpResponse, PushResult } from '../../connector';
import { RecordRejected, Unavailable } from '../../errors';
import type { RecordTypeConfig } from '../config/config';
import type { CallConfig } from '../config/config-call';
import { externalIdPointer, type RecordCalls, sendCall, sendsVersion } from '../http/calls';
import { type Answer, isTrueOf, unreadable } from '../http/response-rules';
import { pathOf, placeAt, readAt } from '../json-pointer';
import { checkAnsweredId } from './answered-id';
import { findRemote, type Remote, versionIn } from './find-remote-record';

/** A call that changes a record, or replaces it. */
type WriteCall = CallConfig & {
  if_match?: boolean | undefined;
  merge?: boolean | undefined;
  omit?: string[] | undefined;
  partial?: boolean | undefined;
};

/** A record as it was read last. */
interface Current extends Remote {
  record?: JsonValue | undefined;
  response?: HttpResponse;
}

export type Pushed = Extract<PushResult, { ok: true }>;
export type Done = Extract<Answer, { meaning: 'done' }>;
type Switch = NonNullable<RecordTypeConfig['deactivate']>;

interface Writing {
  method: NonNullable<CallConfig['method']>;
  /** The body, from the payload of `calls`. */
  record(calls: RecordCalls): JsonObject;
}

/**
 * Writes an existing record. With `merge` it is read first, and sent back with the fields of Syncline over
 * it, under the version that was read. Unread edits in the third party are not overwritten (`beforeWrite`).
 */
export async function writeRecord(
  calls: RecordCalls,
  remote: Remote,
  call: WriteCall,
  { method, record }: Writing,
): Promise<Answer> {
  const isMerged = call.merge === true;
  const isMatched = call.if_match ?? (isMerged && calls.recordType.version !== undefined);
  const isReplaced = replacesRecord(call, method);
  const createOnly = createOnlyOf(calls);
  const recordFor = async (current: Current) => {
    const changed = record(await withoutUnreadEdits(calls, current, isReplaced));
    return withWhatIsThere(changed, createOnly, current.record, mappedFields(calls));
  };
  const send = async (current: Current) =>
    sendCall(calls, call, {
      method,
      remoteId: current.id,
      version: current.version,
      record: await recordFor(current),
      current: isMerged ? fieldsOf(current, call.omit) : undefined,
      headers: ifMatch(isMatched, current),
    });
  const isInPart =
    calls.recordType.read !== undefined &&
    isSentAround(record({ ...calls, item: forUpdate(calls.item) }), createOnly);
  const isRead =
    isMerged || isInPart || isReadFirst(calls) || (remote.version === null && sendsVersion(call));
  const current = isRead ? await readAgain(calls, remote) : remote;
  if (current === undefined) return { meaning: 'missing', error: notThere(remote) };
  return sendAgainIfChanged(calls, current, send);
}

/** Whether the fields that the call does not contain are lost. */
export function replacesRecord(call: WriteCall, method: Writing['method']): boolean {
  return (call.method ?? method) === 'PUT' && call.merge !== true && call.partial !== true;
}

export const isReadFirst = ({ item, recordType }: RecordCalls): boolean =>
  item.isReadFirst && recordType.read !== undefined;

const mappedFields = ({ context, item }: RecordCalls) => context.mappings[item.recordType]?.fields ?? [];

/** Places that only a creation sends, as the mapping and the configuration say. */
const createOnlyOf = (calls: RecordCalls): string[] =>
  createOnlyPlaces(mappedFields(calls), [
    ...(calls.item.createOnly ?? []),
    ...(calls.recordType.create_only ?? []),
  ]);

async function withoutUnreadEdits(
  calls: RecordCalls,
  { record }: Current,
  isReplaced: boolean,
): Promise<RecordCalls> {
  const { context } = calls;
  const item = forUpdate(calls.item);
  if (!item.isReadFirst || context.beforeWrite === undefined || !isJsonObject(record))
    return { ...calls, item };
  const payload = await context.beforeWrite(item, record, { isReplaced });
  return { ...calls, item: { ...item, payload } };
}

/** Reports edits in the third party before the removal loses them, if a single record can be read. */
export async function readBeforeRemoval(calls: RecordCalls, remote: Remote): Promise<Remote | undefined> {
  if (!isReadFirst(calls)) return remote;
  const current = await readAgain(calls, remote);
  if (current !== undefined) await withoutUnreadEdits(calls, current, false);
  return current;
}

/** After a 412 (outdated version) the current version is read and the call is sent once more. */
export async function sendAgainIfChanged(
  calls: RecordCalls,
  remote: Remote,
  send: (remote: Current) => Promise<Answer>,
): Promise<Answer> {
  const answer = await send(remote);
  if (answer.meaning !== 'changed') return answer;
  const current = await readAgain(calls, remote);
  if (current === undefined) return { meaning: 'missing', error: answer.error };
  const second = await send(current);
  if (second.meaning !== 'changed') return second;
  throw new Unavailable('The record is being changed in the third party at the moment (412 twice).', 412);
}

/** The record as it is there. Undefined if it is missing. */
async function readAgain(calls: RecordCalls, remote: Remote): Promise<Current | undefined> {
  const { recordType } = calls;
  if (recordType.read === undefined) return findRemote(calls);
  const answer = await sendCall(calls, recordType.read, { method: 'GET', remoteId: remote.id });
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  const record = readAt(answer.body, recordType.read.record_at ?? recordType.record_at);
  if (isTrueOf(recordType.tombstone, record) && !isActivatedBySet(calls)) return undefined;
  checkAnsweredId(calls, record, remote, 'read');
  const version = versionIn(recordType, record, answer.response);
  return { id: remote.id, version, record, response: answer.response };
}

/** Where a deactivated record counts as missing, the update that activates it finds it so. */
function isActivatedBySet({ item, recordType }: RecordCalls): boolean {
  return item.operation === 'upsert' && item.isDeactivated && recordType.activate?.set !== undefined;
}

/** The fields to send back. A response without a record must not pass for a record without fields. */
function fieldsOf({ record, response }: Current, omit: readonly string[] = []): JsonObject {
  if (isJsonObject(record)) return omit.reduce(withoutPath, record);
  throw response === undefined ? new Error('The record was not read.') : unreadable(response);
}

function withoutPath(record: JsonObject, pointer: string): JsonObject {
  const [key, ...rest] = pathOf(pointer);
  if (key === undefined || !Object.hasOwn(record, key)) return record;
  const { [key]: value, ...others } = record;
  if (rest.length === 0) return others;
  if (!isJsonObject(value)) return record;
  const inner = withoutPath(value, pointer.slice(pointer.indexOf('/', 1)));
  // An empty object that is left over could empty the whole object there.
  return Object.keys(inner).length === 0 ? others : { ...record, [key]: inner };
}

/** A call of its own that switches a record off or on. Undefined when the record is not there. */
export async function callSwitch(
  calls: RecordCalls,
  change: Switch,
  remote: Remote,
): Promise<Done | undefined> {
  const call = { ...change, path: configured(change.path) };
  const method = 'POST';
  const record = change.set === undefined ? undefined : withSet({}, change.set);
  const answer =
    change.merge && record !== undefined
      ? await writeRecord(calls, remote, call, { method, record: () => record })
      : await sendCall(calls, call, { method, remoteId: remote.id, record });
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  checkAnsweredId(calls, readAt(answer.body, calls.recordType.record_at), remote, 'written');
  return answer;
}

export function outcome(
  calls: RecordCalls,
  effect: 'updated' | 'deactivated',
  answer: Answer,
  remote: Remote,
): Pushed | undefined {
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  const record = readAt(answer.body, calls.recordType.record_at);
  checkAnsweredId(calls, record, remote, 'written');
  const version = versionIn(calls.recordType, record, answer.response);
  return pushed(calls, effect, { id: remote.id, version }, record);
}

/** `record`: the record that the response shows, if it shows one. */
export function pushed(
  { item }: RecordCalls,
  effect: Pushed['effect'],
  { id, version }: Remote,
  record: JsonValue | undefined,
): Pushed {
  const shown = isJsonObject(record) ? { shown: record } : {};
  return { pushId: item.pushId, ok: true, effect, remoteId: id, remoteVersion: version, ...shown };
}

/** An entity tag has quotes (RFC 9110 8.8.3); a version from a body usually has none. */
export function ifMatch(isWanted: boolean | undefined, { version }: Remote): Record<string, string> {
  if (!isWanted || version === null) return {};
  return { 'if-match': /^(?:W\/)?".*"$/.test(version) ? version : `"${version}"` };
}

function notThere({ id }: Remote): RecordRejected {
  const message = id === null ? 'The record is missing there.' : `The third party has no record ${id}.`;
  const explanation = 'Syncline searches for the record or creates it again.';
  return new RecordRejected(message, [
    { field: null, remoteField: null, code: 'not_found', message, explanation },
  ]);
}

/** `validate` refuses incomplete configurations; this catches a mapping that was never validated. */
export function configured<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('The configuration does not describe this call.');
  return value;
}

/**
 * The payload with the Syncline id at its configured location, and with the constants of `activate` if the
 * record was deactivated.
 */
export function recordToSend(calls: RecordCalls, occasion: 'create' | 'update'): JsonObject {
  const { recordType, item } = calls;
  const externalIdAt = externalIdPointer(recordType);
  const isIdLeftOut =
    occasion === 'update' &&
    typeof recordType.external_id === 'object' &&
    recordType.external_id.only_on_create;
  const payload = occasion === 'update' ? withoutCreateOnly(item.payload, createOnlyOf(calls)) : item.payload;
  const record =
    externalIdAt === undefined || isIdLeftOut ? payload : placeAt(payload, externalIdAt, item.externalId);
  if (!item.isDeactivated || recordType.activate === undefined || recordType.activate.path !== undefined)
    return record;
  // The payload takes precedence over the constants.
  return placeAt(withSet({}, recordType.activate.set), '', record);
}

export function withSet(record: JsonObject, set: Record<string, JsonValue> = {}): JsonObject {
  return Object.entries(set).reduce((result, [to, value]) => placeAt(result, asPointer(to), value), record);
}

function asPointer(to: string): string {
  return to.startsWith('/') ? to : `/${to.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
